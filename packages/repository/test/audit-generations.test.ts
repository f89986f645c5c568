/**
 * What becomes of generations that clients are still sent to: found, told by name, and mended where it can be.
 */
import { createHash } from 'node:crypto'
import { type ObjectStore, StoreError } from '@repokeeper/object-store'
import { describe, expect, it } from 'vitest'
import {
  type AuditOptions,
  auditRepository,
  type GenerationId,
  keepLeftPledges,
  pinGeneration,
  reconcile,
  repairRepository,
  type Signing,
  snapshotKey,
  takeSnapshot,
} from '../src/index.ts'
import {
  generations,
  mirrorlist,
  named,
  publish,
  readGeneration,
  root,
  signer,
  signerWith,
  signing,
} from './with-generations.ts'
import { intercept, locationIn, newContext, putPackage, read, tickingStore } from './workbench.ts'

async function kindsIn(store: ObjectStore, options: AuditOptions = {}, how: { signing?: Signing } = {}) {
  const { findings } = await auditRepository(locationIn(store), await newContext({ generations, ...how }), options)
  return findings.map(({ kind, path }) => `${kind} ${path}`)
}

async function problemsIn(store: ObjectStore, options: AuditOptions = {}): Promise<string[]> {
  const { findings } = await auditRepository(locationIn(store), await newContext({ generations }), options)
  return findings.map(({ problem }) => problem)
}

async function repair(store: ObjectStore, options: AuditOptions = {}) {
  const { repairs, after } = await repairRepository(locationIn(store), await newContext({ generations }), options)
  return { repairs: repairs.map(({ kind }) => kind), left: after.findings.map(({ kind, path }) => `${kind} ${path}`) }
}

/** Lists the bucket as it is. */
async function follow(store: ObjectStore, ...paths: readonly string[]): Promise<void> {
  const keys = new Set(paths.map((path) => `${root}${path}`))
  await reconcile(locationIn(store), keys, await newContext({ generations }))
}

/** As long as the one that was there, and another. */
async function replaceByAsLong(store: ObjectStore, key: string): Promise<void> {
  const bytes = Buffer.from(await read(store, key))
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  await store.put(key, bytes, { if: 'always' })
}

async function directoryOf(store: ObjectStore, id: GenerationId): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(`${root}generations/${id}/`)) keys.push(key)
  return keys
}

async function primaryIn(store: ObjectStore, id: GenerationId): Promise<string> {
  const key = (await directoryOf(store, id)).find((one) => one.includes('primary'))
  if (key === undefined) throw new Error(`${id} has no primary`)
  return key
}

describe('packages of a generation that a person keeps', () => {
  /** ant, bear, cat and dog, of which a snapshot was taken; cat is stored once more since, and eel came. */
  async function withSnapshot(store: ObjectStore): Promise<GenerationId> {
    for (const name of ['ant', 'bear', 'cat', 'dog']) await publish(store, name)
    const id = await named(store)
    await takeSnapshot(locationIn(store), 'may', id, await newContext({ generations }))
    await publish(store, 'eel')
    await store.put(`${root}cat.rpm`, await read(store, `${root}cat.rpm`), { if: 'always' })
    await follow(store, 'cat.rpm')
    return id
  }

  it('are missed by name where they are gone or were replaced, and those stored once more are not', async () => {
    const store = tickingStore()
    const id = await withSnapshot(store)
    expect(await kindsIn(store)).toEqual([])
    await store.delete(`${root}ant.rpm`)
    await putPackage(store, `${root}bear.rpm`, { name: 'bear', version: '10.10' })
    await replaceByAsLong(store, `${root}dog.rpm`)
    await follow(store, 'ant.rpm', 'bear.rpm', 'dog.rpm')
    expect(await kindsIn(store)).toEqual([`lost-packages generations/${id}/`])
    expect(await problemsIn(store)).toEqual([
      '3 packages that it lists are not there as listed (ant.rpm is gone, bear.rpm was replaced, dog.rpm was replaced): clients of snapshot may fail on them',
    ])
    // There is nothing that a repair could do.
    expect(await repair(store)).toEqual({ repairs: [], left: [`lost-packages generations/${id}/`] })
  })

  it('may have been replaced, where the store vouches for nothing, and a deep look tells', async () => {
    const store = tickingStore({ sha256: 'never' })
    const id = await withSnapshot(store)
    expect(await kindsIn(store)).toEqual([])
    await replaceByAsLong(store, `${root}dog.rpm`)
    await follow(store, 'dog.rpm')
    expect(await problemsIn(store)).toEqual([expect.stringContaining('(dog.rpm may have been replaced)')])
    expect(await problemsIn(store, { deep: true })).toEqual([expect.stringContaining('(dog.rpm was replaced)')])
    expect(await kindsIn(store)).toEqual([`lost-packages generations/${id}/`])
  })

  it('are those of the one that the mirrorlist is pinned to as well, and of no other', async () => {
    const store = tickingStore()
    for (const name of ['ant', 'bear']) await publish(store, name)
    const id = await named(store)
    await publish(store, 'cat')
    await store.delete(`${root}ant.rpm`)
    await follow(store, 'ant.rpm')
    expect(await kindsIn(store)).toEqual([])
    await pinGeneration(locationIn(store), id, await newContext({ generations }))
    expect(await problemsIn(store)).toEqual([
      `1 package that it lists is not there as listed (ant.rpm is gone): clients of pinned generation ${id} fail on it`,
    ])
  })

  it('are no longer missed once the snapshot is gone while it is audited', async () => {
    const store = tickingStore()
    await withSnapshot(store)
    await store.delete(`${root}ant.rpm`)
    await follow(store, 'ant.rpm')
    const sleep = async (): Promise<void> => {
      await store.delete(snapshotKey(root, 'may'))
    }
    const context = await newContext({ generations, sleep })
    const { findings } = await auditRepository(locationIn(store), context, { settleMs: 1 })
    expect(findings).toEqual([])
  })
})

describe('a directory in which something was damaged', () => {
  const garbage = Buffer.from('<garbage')

  it('is told by its name where a person keeps it, and the audit goes on', async () => {
    const store = tickingStore()
    const ids: GenerationId[] = []
    for (const name of ['ant', 'bear', 'cat']) {
      await publish(store, name)
      const id = await named(store)
      await takeSnapshot(locationIn(store), name, id, await newContext({ generations }))
      ids.push(id)
    }
    await publish(store, 'dog')
    const [first = '', second, third] = ids
    if (second === undefined || third === undefined) throw new Error('nothing was published')
    await store.put(`${root}generations/${first}/repodata/repomd.xml`, garbage, { if: 'always' })
    await store.put(await primaryIn(store, second), garbage, { if: 'always' })
    await store.put(snapshotKey(root, 'cat'), garbage, { if: 'always' })
    await putPackage(store, `${root}unlisted.rpm`, { name: 'unlisted' })
    expect(await kindsIn(store)).toEqual([
      ...[first, second].map((id) => `broken-generation generations/${id}/`).toSorted(),
      'unreadable-snapshot snapshots/cat/mirrorlist',
      'unlisted unlisted.rpm',
    ])
    expect(await problemsIn(store)).toContainEqual(
      'repodata/repomd.xml is not the one that was published: clients that are sent there fail',
    )
  })

  it.each([
    ['repomd.xml is garbage', 'repomd.xml', garbage, {}],
    ['repomd.xml is that of another generation', 'repomd.xml', 'another', {}],
    ['a document is cut off', 'primary', garbage, {}],
    ['a document is as long as it was, and another', 'filelists', 'as long', { deep: true }],
  ])('is made whole where it is of what is published: %s', async (_, name, content, options) => {
    const store = tickingStore()
    await publish(store, 'ant')
    const before = await named(store)
    await publish(store, 'bear')
    const id = await named(store)
    const key = (await directoryOf(store, id)).find((one) => one.includes(name)) ?? ''
    if (content === 'as long') await replaceByAsLong(store, key)
    else {
      const other = `${root}generations/${before}/repodata/repomd.xml`
      await store.put(key, content === 'another' ? await read(store, other) : garbage, { if: 'always' })
    }
    expect(await kindsIn(store, options)).toEqual([`broken-generation generations/${id}/`])
    expect(await repair(store, options)).toEqual({ repairs: ['followed'], left: [] })
    expect([...(await readGeneration(store, id)).packages.keys()]).toEqual(['ant.rpm', 'bear.rpm'])
  })
})

describe('the signature of a generation', () => {
  it('is missed in the one that the mirrorlist is pinned to, where it is of another key or none, until that is pinned with the key', async () => {
    const store = tickingStore()
    await publish(store, 'ant')
    const unsigned = await named(store)
    await publish(store, 'bear', { signing: { kind: 'signed', signer: signerWith('the key of last year') } })
    const old = await named(store)
    await publish(store, 'cat', { signing })
    const pin = async (id: GenerationId, how: { signing?: Signing } = {}) =>
      pinGeneration(locationIn(store), id, await newContext({ generations, ...how }))
    for (const [id, kind] of [
      [unsigned, 'unsigned'],
      [old, 'wrong-signature'],
    ] as const) {
      const own = `generations/${id}/repodata/repomd.xml`
      await pin(id)
      expect(await kindsIn(store, {}, { signing })).toEqual([`${kind} ${own}.asc`])
      await pin(id, { signing })
      expect(await kindsIn(store, {}, { signing })).toEqual([])
      expect(await signer.verify(await read(store, root + own), await read(store, `${root}${own}.asc`))).toBe(true)
      expect(await read(store, `${root}${own}.key`)).toEqual(signer.publicKey)
    }
  })

  it('can be checked with what lies beside it, whoever dies while it is made by another key', async () => {
    for (let diesAfter = 0, isDone = false; !isDone; diesAfter += 1) {
      const store = tickingStore()
      const last = signerWith('the key of last year')
      await publish(store, 'ant', { signing: { kind: 'signed', signer: last } })
      const own = `${root}generations/${await named(store)}/repodata/repomd.xml`
      let writes = 0
      const dying = intercept(store, {
        async put(...args) {
          writes += 1
          if (writes > diesAfter) throw new StoreError('UNAVAILABLE', 'killed', { store: 'memory' })
          return store.put(...args)
        },
      })
      const context = await newContext({ generations, signing })
      isDone = await pinGeneration(locationIn(dying), await named(store), context).then(
        () => true,
        () => false,
      )
      const [repomd, signature, keys] = [
        await read(store, own),
        await read(store, `${own}.asc`),
        await read(store, `${own}.key`),
      ]
      const isOf = (await signer.verify(repomd, signature)) ? 'the key' : 'the key of last year'
      expect(keys.toString().split('\n'), `killed after ${diesAfter} writes`).toContain(isOf)
      expect(isOf === 'the key' || (await last.verify(repomd, signature))).toBe(true)
    }
  })

  it('is never made of what somebody put into the directory', async () => {
    const store = tickingStore()
    await publish(store, 'ant', { signing })
    const own = `${root}generations/${await named(store)}/repodata/repomd.xml`
    const forged = Buffer.from('<repomd>forged</repomd>')
    await store.put(own, forged, { if: 'always' })
    await store.delete(`${own}.asc`)
    await keepLeftPledges(locationIn(store), await newContext({ generations, signing }))
    expect(await signer.verify(forged, await read(store, `${own}.asc`))).toBe(false)
  })
})

describe('what an audit makes of signatures in directories', () => {
  async function signedOnce(store: ObjectStore): Promise<string> {
    await publish(store, 'ant', { signing })
    return `generations/${await named(store)}/`
  }

  it.each([
    ['is gone', undefined],
    ['is of something else', 'signed with the key: something else'],
  ])('is a finding, and mended with the key, where that of what is published %s', async (_, content) => {
    const store = tickingStore()
    const own = await signedOnce(store)
    const key = `${root}${own}repodata/repomd.xml.asc`
    if (content === undefined) await store.delete(key)
    else await store.put(key, Buffer.from(content), { if: 'always' })
    expect(await kindsIn(store, {}, { signing })).toEqual([`broken-generation ${own}`])
    const { repairs, after } = await repairRepository(locationIn(store), await newContext({ generations, signing }))
    expect({ repairs, left: after.findings }).toMatchObject({ repairs: [{ kind: 'followed' }], left: [] })
  })

  it('is seen without the key where it is gone, also from a snapshot, and nothing is said to be mended then', async () => {
    const store = tickingStore()
    const own = await signedOnce(store)
    const id = await named(store)
    await takeSnapshot(locationIn(store), 'may', id, await newContext({ generations }))
    await publish(store, 'bear', { signing })
    await store.delete(`${root}${own}repodata/repomd.xml.asc`)
    await store.delete(`${root}generations/${await named(store)}/repodata/repomd.xml.asc`)
    const found = [own, `generations/${await named(store)}/`].map((path) => `broken-generation ${path}`).toSorted()
    expect((await kindsIn(store)).toSorted()).toEqual(found)
    const { repairs, left } = await repair(store)
    expect({ repairs, left: left.toSorted() }).toEqual({ repairs: [], left: found })
  })

  it('is no finding while others publish', async () => {
    const store = tickingStore()
    await publish(store, 'ant', { signing })
    let publishes = 0
    let left = 2
    // Looks at the signature or at the mirrorlist come after another publish, for a while: at first, and at the second look as well.
    const busy = intercept(store, {
      async get(key, ...rest) {
        if (left > 0 && /(?:\.asc|mirrorlist)$/.test(key)) {
          left -= 1
          publishes += 1
          await publish(store, `more-${publishes}`, { signing })
        }
        return store.get(key, ...rest)
      },
    })
    const sleep = async (): Promise<void> => {
      left = 2
    }
    const context = await newContext({ generations, signing, sleep })
    const { findings } = await auditRepository(locationIn(busy), context, { settleMs: 1 })
    expect({ findings, publishes }).toEqual({ findings: [], publishes: 4 })
  })
})

it('leaves lines that somebody added to the mirrorlist, and goes on to keep what it names', async () => {
  const store = tickingStore()
  await publish(store, 'ant')
  const id = await named(store)
  const mine = 'https://mirror.example.com/el9/'
  await store.put(mirrorlist, Buffer.concat([await read(store, mirrorlist), Buffer.from(`${mine}\n`)]), {
    if: 'always',
  })
  expect(await kindsIn(store)).toEqual([])
  await publish(store, 'bear', { generations: { kind: 'as found' } })
  expect((await read(store, mirrorlist)).toString()).toMatch(
    new RegExp(`generations/${await named(store)}/\n.*\n${mine}\n$`),
  )
  await pinGeneration(locationIn(store), id, await newContext({ generations }))
  expect((await read(store, mirrorlist)).toString()).toMatch(new RegExp(`generations/${id}/\n.*\n${mine}\n$`))
})

it('goes on past a snapshot of nonsense, and names it', async () => {
  const store = tickingStore()
  await publish(store, 'ant')
  const nonsense = Buffer.from('<nonsense')
  const id = `0-${createHash('sha256').update(nonsense).digest('hex').slice(0, 16)}`
  await store.put(`${root}generations/${id}/repodata/repomd.xml`, nonsense, { if: 'always' })
  const text = `https://packages.example.com/generations/${id}/\nhttps://packages.example.com/\n`
  await store.put(snapshotKey(root, 'evil'), Buffer.from(text), { if: 'always' })
  await putPackage(store, `${root}unlisted.rpm`, { name: 'unlisted' })
  expect(await kindsIn(store)).toEqual([`broken-generation generations/${id}/`, 'unlisted unlisted.rpm'])
  expect(await repair(store)).toEqual({ repairs: ['reconciled'], left: [`broken-generation generations/${id}/`] })
})
