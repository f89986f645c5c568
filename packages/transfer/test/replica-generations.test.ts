/** Replicas with generations of their own: what their mirrorlist names is whole and signed at every moment, and no older than before. */
import { createHash } from 'node:crypto'
import { MemoryStore, type ObjectStore } from '@repokeeper/object-store'
import {
  type GenerationId,
  type Generations,
  generationLocation,
  keepFollowers,
  MemoryCache,
  parseMirrorlist,
  pinGeneration,
  type RepositoryLocation,
  realContext,
  type Signing,
  takeSnapshot,
} from '@repokeeper/repository'
import { describe, expect, it } from 'vitest'
import { beforeWrites } from './before-writes.ts'
import { locationIn, newDirectory, readAll, readFile, readWhole, Source } from './workbench.ts'

const hourMs = 3_600_000
const generations: Generations = { kind: 'published', url: 'https://replica.example.org/{path}/' }

class Killed extends Error {}

/** Stands for a signature, and says of what it is one. */
function signatureOf(repomd: Uint8Array, key = 'one'): string {
  return `${key} signs ${createHash('sha256').update(repomd).digest('hex')}`
}

function signedWith(key: string): Signing {
  const sign = async (bytes: Uint8Array) => Buffer.from(signatureOf(bytes, key))
  const verify = async (bytes: Uint8Array, signature: Uint8Array) => (await sign(bytes)).equals(signature)
  return { kind: 'signed', signer: { sign, verify, publicKey: Buffer.from(key) } }
}

/** What a client of the mirrorlist has in the end. @returns the revision, `undefined` where there is no mirrorlist @throws where it is not whole */
async function readByMirrorlist(target: RepositoryLocation, key = 'one'): Promise<number | undefined> {
  const named = parseMirrorlist((await readFile(target, 'mirrorlist')) ?? Buffer.alloc(0))
  if (named === undefined) return undefined
  expect(named.baseUrl).toBe('https://replica.example.org/el9/')
  const own = generationLocation(target, named.generation)
  const get: ObjectStore['get'] = (path) => {
    // Metadata from the first line, packages from the second.
    return target.store.get(path.endsWith('.rpm') ? `${target.root}${path}` : `${own.root}${path}`)
  }
  const store = new Proxy(target.store, { get: (object, name) => (name === 'get' ? get : Reflect.get(object, name)) })
  const client = locationIn(store)
  expect(await readWhole(client)).toBeDefined()
  const repomd = (await readFile(client, 'repodata/repomd.xml')) ?? Buffer.alloc(0)
  const signature = await readFile(client, 'repodata/repomd.xml.asc')
  expect(Buffer.from(signature ?? []).toString()).toBe(signatureOf(repomd, key))
  return Number(named.generation.split('-')[0])
}

/** Whether repomd.xml at the root stands beside its own signature. */
async function isSigned(target: RepositoryLocation): Promise<boolean> {
  const [repomd, signature] = [
    await readFile(target, 'repodata/repomd.xml'),
    await readFile(target, 'repodata/repomd.xml.asc'),
  ]
  return signatureOf(repomd ?? Buffer.alloc(0)) === Buffer.from(signature ?? []).toString()
}

/** The directories that are there. */
async function directoriesIn(target: RepositoryLocation): Promise<string[]> {
  const ids = [...(await readAll(target)).keys()].flatMap((path) => /^generations\/([^/]+)\//.exec(path)?.[1] ?? [])
  return [...new Set(ids)].toSorted()
}

async function signedSource(): Promise<Source> {
  const source = new Source(new MemoryStore(), 'upstream/el9/', signedWith('one'))
  await source.change([{ name: 'a' }, { name: 'gone' }])
  return source
}

describe('a replica with generations', () => {
  it('shows clients of the mirrorlist one whole generation after another, through a crash at any write', async () => {
    const source = await signedSource()
    const first = new MemoryStore()
    const usual = { concurrency: 1, retentionMs: 0, generations }
    await source.replicaIn(locationIn(first, 'el9/'), { ...usual, scratch: await newDirectory() }).update()
    await source.change([{ name: 'b' }], ['gone-1.0.rpm'])

    let writes = 0
    let mismatched = 0
    for (let crashAt = 0, finished = false; !finished; crashAt += 1) {
      const store = await copyOf(first)
      const target = locationIn(store, 'el9/')
      const options = { ...usual, scratch: await newDirectory() }
      let seen = (await readByMirrorlist(target)) ?? Number.NaN
      const look = async () => {
        const now = (await readByMirrorlist(target)) ?? Number.NaN
        expect(now).toBeGreaterThanOrEqual(seen)
        seen = now
      }
      writes = 0
      const dying = beforeWrites(store, () => {
        if (writes === crashAt) throw new Killed()
        writes += 1
      })
      const dies = source.replicaIn({ ...target, store: dying }, options).update()
      finished = await dies.then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof Killed)) throw error
          return false
        },
      )
      await look()
      if (!(await isSigned(target))) mismatched += 1
      await source.replicaIn(target, options).update()
      expect(await isSigned(target)).toBe(true)
      await look()
      const rest = [...(await readAll(target))].filter(
        ([path]) => !/^generations\/|^mirrorlist$|\.(?:asc|key)$/.test(path),
      )
      expect(new Map(rest)).toEqual(await readWhole(source.location))
      expect(await directoriesIn(target)).toHaveLength(1)
    }
    expect(writes).toBeGreaterThan(20)
    // Clients of the root see what those of the mirrorlist never do.
    expect(mismatched).toBe(1)
  })

  it('goes on with its mirrorlist without being told again, and ends it where that was deleted', async () => {
    const source = await signedSource()
    const target = locationIn(new MemoryStore(), 'el9/')
    let now = Date.now()
    const time = { now: () => now, random: () => 0.5, sleep: () => new Promise(setImmediate) }
    const options = { scratch: await newDirectory(), retentionMs: hourMs, time }
    await source.replicaIn(target, { ...options, generations }).update()
    const first = await directoriesIn(target)
    await source.change([{ name: 'b' }])
    const replica = source.replicaIn(target, options)
    await replica.update()
    const both = await directoriesIn(target)
    expect(both).toHaveLength(2)
    now += hourMs - 1
    await replica.update()
    expect(await directoriesIn(target)).toEqual(both)
    now += 1
    await replica.update()
    expect(await directoriesIn(target)).toEqual(both.filter((id) => !first.includes(id)))
    expect(await readByMirrorlist(target)).toBeDefined()

    await target.store.delete('el9/mirrorlist')
    await source.replicaIn(target, options).update()
    now += hourMs
    await source.replicaIn(target, options).update()
    expect(await directoriesIn(target)).toEqual([])
    expect(await readFile(target, 'mirrorlist')).toBeUndefined()
  })

  it('takes a directory back into its care that was about to go', async () => {
    const source = await signedSource()
    const older = new Source(await copyOf(source.location.store))
    const target = locationIn(new MemoryStore(), 'el9/')
    let now = Date.now()
    const time = { now: () => now, random: () => 0.5, sleep: () => new Promise(setImmediate) }
    const options = { scratch: await newDirectory(), retentionMs: hourMs, generations, time }
    await source.replicaIn(target, options).update()
    const [first = ''] = await directoriesIn(target)
    await source.change([{ name: 'b' }])
    await source.replicaIn(target, options).update()
    // Another run that had begun before takes it away meanwhile.
    const [document = ''] = [...(await readAll(target)).keys()].filter((path) => path.includes(`${first}/repodata/`))
    const store = beforeWrites(target.store, async (key) => {
      if (key === 'el9/repodata/repomd.xml') await target.store.delete(`el9/${document}`)
    })
    await older.replicaIn({ ...target, store }, options).update()
    expect(await readByMirrorlist(target)).toBeDefined()
    now += 2 * hourMs
    await older.replicaIn(target, options).update()
    expect(await directoriesIn(target)).toEqual([first])
    expect(await readByMirrorlist(target)).toBeDefined()
  })

  it('follows a source that is signed with another key, though its repomd.xml is the same', async () => {
    const source = await signedSource()
    const target = locationIn(new MemoryStore(), 'el9/')
    const replica = source.replicaIn(target, { scratch: await newDirectory(), generations })
    await replica.update()
    const context = realContext({ cache: new MemoryCache(), onEvent: () => {}, signing: signedWith('two') })
    expect(await keepFollowers(source.location, context)).toBe(true)
    await replica.update()
    await readByMirrorlist(target, 'two')
    expect(await directoriesIn(target)).toHaveLength(1)
  })

  it('leaves a mirrorlist as it is that a person has pinned, and what that names', async () => {
    const source = await signedSource()
    const target = locationIn(new MemoryStore(), 'el9/')
    const options = { scratch: await newDirectory(), retentionMs: 0, generations }
    await source.replicaIn(target, options).update()
    const [first = ''] = await directoriesIn(target)
    const context = realContext({ cache: new MemoryCache(), onEvent: () => {} })
    await pinGeneration(target, first as GenerationId, context)
    const pinned = await readFile(target, 'mirrorlist')
    await source.change([{ name: 'b' }])
    for (const _ of [1, 2]) await source.replicaIn(target, options).update()
    expect(await readFile(target, 'mirrorlist')).toEqual(pinned)
    expect(await directoriesIn(target)).toContain(first)
  })

  it('is not asked for a mirrorlist where none is there and none is wanted: that would be one right more', async () => {
    const source = await signedSource()
    const target = locationIn(new MemoryStore(), 'el9/')
    const asked: string[] = []
    const get: ObjectStore['get'] = (key, ...rest) => {
      asked.push(key)
      return target.store.get(key, ...rest)
    }
    const same = beforeWrites(target.store, () => {})
    const store = new Proxy(same, { get: (object, name) => (name === 'get' ? get : Reflect.get(object, name)) })
    const options = { scratch: await newDirectory(), takesOver: true }
    for (const _ of [1, 2]) await source.replicaIn({ ...target, store }, options).update()
    expect(asked.filter((key) => !key.startsWith('el9/repodata/'))).toEqual([])
  })

  it('leaves a mirrorlist of others as it is, unless it is to have one of its own', async () => {
    const source = await signedSource()
    const store = new MemoryStore()
    const target = locationIn(store, 'el9/')
    await store.put('el9/mirrorlist', Buffer.from('https://mine.example.org/el9/\n'), { if: 'always' })
    const options = { scratch: await newDirectory() }
    await source.replicaIn(target, options).update()
    expect(await readByMirrorlist(target)).toBeUndefined()
    expect(await directoriesIn(target)).toEqual([])
    await source.replicaIn(target, { ...options, generations }).update()
    expect(await readByMirrorlist(target)).toBeDefined()
  })

  it('is whole for clients of the mirrorlist while two runs follow a source that changes', async () => {
    const source = await signedSource()
    const target = locationIn(new MemoryStore(), 'el9/')
    const options = { scratch: await newDirectory(), retentionMs: hourMs, generations }
    const replicas = [source.replicaIn(target, options), source.replicaIn(target, options)]
    let isOver = false
    const pulling = replicas.map(async (replica) => {
      while (!isOver) {
        await replica.update()
        await new Promise(setImmediate)
      }
    })
    const looking = (async () => {
      while (!isOver) {
        await wholeByMirrorlist(target)
        await new Promise(setImmediate)
      }
    })()
    for (let version = 1; version <= 10; version += 1) {
      await source.change([{ name: 'p', version: String(version) }], version % 3 === 0 ? [`p-${version - 2}.rpm`] : [])
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
    }
    isOver = true
    await Promise.all([...pulling, looking])
    await source.replicaIn(target, options).update()
    expect(await readByMirrorlist(target)).toBeDefined()
  })
})

describe('a directory that is taken over', () => {
  /** A repository that is published to, with generations; and a source that is to take its place. */
  async function repositoryWithGenerations() {
    const own = new Source(new MemoryStore(), 'el9/')
    await own.change([{ name: 'mine' }])
    const context = realContext({ cache: new MemoryCache(), onEvent: () => {}, generations })
    await keepFollowers(own.location, context)
    const [id = ''] = await directoriesIn(own.location)
    const source = await signedSource()
    const options = { scratch: await newDirectory(), retentionMs: 0, takesOver: true }
    return { own, context, id: id as GenerationId, source, options }
  }

  it('goes on with the mirrorlist that its clients have, of what was pulled from then on', async () => {
    const { own, id, source, options } = await repositoryWithGenerations()
    await source.replicaIn(own.location, options).update()
    expect(await readByMirrorlist(own.location)).toBeDefined()
    expect(await directoriesIn(own.location)).not.toContain(id)
    expect(await readFile(own.location, 'mine-1.0.rpm')).toBeUndefined()
  })

  it('is refused where a snapshot is of it, and the message names it', async () => {
    const { own, context, id, source, options } = await repositoryWithGenerations()
    for (const name of ['2026-10', '2026-11']) await takeSnapshot(own.location, name, id, context)
    const before = await readAll(own.location)
    const replica = source.replicaIn(own.location, options)
    const refused = { code: 'NOT_A_REPLICA', message: expect.stringMatching(/snapshots 2026-10, 2026-11, .*--delete/) }
    await expect(replica.plan()).rejects.toMatchObject(refused)
    await expect(replica.update()).rejects.toMatchObject(refused)
    expect(await readAll(own.location)).toEqual(before)
  })

  it('is refused where a person has pinned its mirrorlist', async () => {
    const { own, context, id, source, options } = await repositoryWithGenerations()
    await pinGeneration(own.location, id, context)
    await expect(source.replicaIn(own.location, options).update()).rejects.toMatchObject({
      code: 'NOT_A_REPLICA',
      message: expect.stringMatching(/pinned to generation .*--resume/),
    })
  })

  it('is not empty where only its generations are left', async () => {
    const { own, id, source, options } = await repositoryWithGenerations()
    for (const path of (await readAll(own.location)).keys()) {
      if (!path.startsWith('generations/')) await own.location.store.delete(`el9/${path}`)
    }
    expect(await directoriesIn(own.location)).toEqual([id])
    const replica = source.replicaIn(own.location, { ...options, takesOver: false })
    await expect(replica.update()).rejects.toMatchObject({ code: 'NOT_A_REPLICA' })
  })
})

/** The documents that it names, without a signature: the source has none of the newest for a moment. */
async function wholeByMirrorlist(target: RepositoryLocation): Promise<void> {
  const named = parseMirrorlist((await readFile(target, 'mirrorlist')) ?? Buffer.alloc(0))
  if (named === undefined) return
  const own = generationLocation(target, named.generation)
  const get: ObjectStore['get'] = (key) =>
    target.store.get(key.endsWith('.rpm') ? key.replace(own.root, target.root) : key)
  const store = new Proxy(target.store, { get: (object, name) => (name === 'get' ? get : Reflect.get(object, name)) })
  expect(await readWhole({ ...own, store })).toBeDefined()
}

async function copyOf(store: ObjectStore): Promise<MemoryStore> {
  const copy = new MemoryStore()
  for await (const { key } of store.list('')) {
    const bytes = await readFile(locationIn(store), key)
    if (bytes !== undefined) await copy.put(key, bytes, { if: 'always' })
  }
  return copy
}
