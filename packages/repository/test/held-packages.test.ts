/**
 * What is pruned beside snapshots and a pinned mirrorlist: nothing that these list, however they spell it.
 */
import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { ObjectStore } from '@repokeeper/object-store'
import { parseRepomd, recordOf } from '@repokeeper/repodata'
import { describe, expect, it } from 'vitest'
import {
  auditRepository,
  deleteSnapshot,
  findLostPackages,
  HeldPackages,
  keepFollowers,
  listPackages,
  type PlacedPackage,
  pinGeneration,
  planPrune,
  readForPrune,
  readIndexedSnapshot,
  rebuildRepository,
  reconcile,
  repairRepository,
  takeSnapshot,
  withoutOwnBase,
} from '../src/index.ts'
import { base, generations, named, publish, repomd, root, storeAt } from './with-generations.ts'
import { intercept, locationIn, newContext, putPackage, read, tickingStore } from './workbench.ts'

const file = 'libstdc++-1.rpm'
const href = `href="${file}"`

describe('a package that a snapshot lists', () => {
  it.each([
    ['as it is', (text: string) => text],
    ['with ./ before it', (text: string) => text.replace(href, `href="./${file}"`)],
    ['percent-encoded', (text: string) => text.replace(href, 'href="libstdc%2B%2B-1.rpm"')],
    ['with a SHA-512', (text: string, bytes: Buffer) => withSha512(text, bytes)],
    ["below the repository's own URL", (text: string) => text.replace(href, `xml:base="${base}" ${href}`)],
    ['the same without its slash', (text: string) => text.replace(href, `xml:base="${base.slice(0, -1)}" ${href}`)],
    [
      'below a directory above it, encoded',
      (text: string) =>
        text.replace(href, 'xml:base="https://packages.example.com/el9" href="x86_64/libstdc%2B%2B-1.rpm"'),
    ],
  ])('is not pruned, and it is said for whom: %s', async (_, change) => {
    const { store } = await withSnapshotOf(change)
    expect(await decisionOn(store, file)).toMatchObject({
      decision: 'stays',
      because: 'in a kept generation',
      keptBy: ['snapshot may'],
    })
  })

  it.each([
    ['at another place', (text: string) => text.replace(href, `xml:base="${base.replace('.com', '.org')}" ${href}`)],
    ['with the digest of another file', (text: string, bytes: Buffer) => text.replaceAll(sha('sha256', bytes), other)],
  ])('is pruned where what lies here is not that one: %s', async (_, change) => {
    const { store } = await withSnapshotOf(change)
    expect(await decisionOn(store, file)).toMatchObject({ decision: 'goes' })
  })

  it('is missed before a rollback and by an audit, also where it is listed below the own URL', async () => {
    const { store } = await withSnapshotOf((text) => text.replace(href, `xml:base="${base}" ${href}`))
    const context = await newContext()
    const own = locationIn(store, `${root}generations/${await snapshotId(store)}`)
    const { index } = await readIndexedSnapshot(own, context)
    const lost = async () => {
      const { packages } = await listPackages(locationIn(store), context)
      const listed = await withoutOwnBase(locationIn(store), index.packages, context)
      return findLostPackages(locationIn(store), listed, new Map(packages.map((one) => [one.key, one])), context)
    }
    expect(await lost()).toEqual([])
    await store.delete(`${root}${file}`)
    expect(await lost()).toEqual([{ path: file, fate: 'gone' }])
    await rebuildRepository(locationIn(store), context)
    const { findings } = await auditRepository(locationIn(store), await newContext({ generations }))
    expect(findings.map(({ kind, problem }) => [kind, problem])).toContainEqual([
      'lost-packages',
      expect.stringContaining(`(${file} is gone)`),
    ])
  })
})

describe('between the plan and the deletions', () => {
  it('somebody may come to keep what was to go: each batch is looked at before it', async () => {
    const { store } = storeAt()
    await publish(store, 'ant')
    const [ant] = (await readForPrune(locationIn(store), await newContext())).packages
    if (ant === undefined) throw new Error('it is listed')
    const going: PlacedPackage[] = Array.from({ length: 150 }, (_, number) => ({ ...ant, path: `${number}.rpm` }))
    const batches = new HeldPackages(locationIn(store), [...going, ant], await newContext()).batchesOf([...going, ant])
    const first = (await batches.next()).value
    await takeSnapshot(locationIn(store), 'may', await named(store), await newContext({ generations }))
    const second = (await batches.next()).value
    expect(await batches.next()).toMatchObject({ done: true })
    expect([...first.free, ...second.free]).toEqual(going)
    expect([first.held, second.held]).toEqual([[], [{ path: 'ant.rpm', keptBy: ['snapshot may'] }]])
  })

  it('a generation is read once, however many keep it and however often it is asked', async () => {
    const { store } = storeAt()
    const context = await publish(store, 'ant')
    const id = await named(store)
    for (const name of ['may', 'june']) await takeSnapshot(locationIn(store), name, id, context)
    await pinGeneration(locationIn(store), id, context)
    let reads = 0
    const counting = intercept(store, {
      get: (key, options) => {
        if (key === `${root}generations/${id}/repodata/repomd.xml`) reads += 1
        return store.get(key, options)
      },
    })
    const { heldPackages, held } = await readForPrune(locationIn(counting), await newContext())
    await deleteSnapshot(locationIn(store), 'june', context)
    const again = await heldPackages.look()
    expect([held.get('ant.rpm'), again.get('ant.rpm')]).toEqual([
      [`pinned generation ${id}`, 'snapshot june', 'snapshot may'],
      [`pinned generation ${id}`, 'snapshot may'],
    ])
    expect(reads).toBe(1)
  })
})

describe('where it cannot be told what a kept generation lists', () => {
  /** ant and bear; a snapshot of the first publish, to which the mirrorlist is pinned as well. */
  async function pinned() {
    const store = tickingStore()
    const context = await publish(store, 'ant')
    const id = await named(store)
    await takeSnapshot(locationIn(store), 'may', id, context)
    await publish(store, 'bear')
    await pinGeneration(locationIn(store), id, context)
    return { store, context, id, own: `${root}generations/${id}/` }
  }

  it.each([
    ['primary is damaged', 'BROKEN_METADATA', 'damage', 'primary'],
    ['primary is gone', 'MISSING_DOCUMENT', 'delete', 'primary'],
    ['repomd.xml is no repomd.xml', 'BROKEN_METADATA', 'damage', 'repomd.xml'],
    ['repomd.xml is gone', 'BROKEN_METADATA', 'delete', 'repomd.xml'],
    ['repomd.xml is that of another generation', 'BROKEN_METADATA', 'put another', 'repomd.xml'],
  ])('nothing is pruned, and it is said who keeps it and what helps: %s', async (_, code, what, name) => {
    const { store, context, id, own } = await pinned()
    const keys = (await Array.fromAsync(store.list(own))).map(({ key }) => key)
    const key = keys.find((one) => one.includes(name)) ?? ''
    if (what === 'delete') await store.delete(key)
    else await store.put(key, what === 'damage' ? Buffer.from('<x') : await read(store, repomd), { if: 'always' })

    const reading = async () => readForPrune(locationIn(store), await newContext())
    const error: unknown = await reading().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code, repository: 'memory/el9/x86_64/' })
    const { message } = error as Error
    expect(message).toContain(`generation ${id} lists`)
    expect(message).toContain('(the mirrorlist is pinned to it, snapshot may is of it)')
    expect(message).toContain('"repokeeper snapshot memory/el9/x86_64/ may --delete" gives that snapshot up')
    expect(message).toContain('"repokeeper rollback memory/el9/x86_64/ ID" pins the mirrorlist to another generation')
    expect(message).not.toMatch(/rebuild|audit/)

    // What is said helps.
    await deleteSnapshot(locationIn(store), 'may', context)
    await expect(reading()).rejects.toThrow('the mirrorlist is pinned to it)')
    const published = (await Array.fromAsync(store.list(`${root}generations/`))).map(({ key: one }) => one)
    const next = published.find((one) => !one.startsWith(own))?.split('/')[3]
    await pinGeneration(locationIn(store), next as typeof id, context)
    expect((await reading()).held.get('bear.rpm')).toEqual([`pinned generation ${next}`])
  })

  it('a repair is advised where it is of what is published now, and helps', async () => {
    const store = tickingStore()
    const context = await publish(store, 'ant')
    const id = await named(store)
    await takeSnapshot(locationIn(store), 'may', id, context)
    await store.delete(`${root}generations/${id}/repodata/repomd.xml`)
    const reading = async () => readForPrune(locationIn(store), await newContext())
    await expect(reading()).rejects.toThrow('"repokeeper audit memory/el9/x86_64/ --deep --repair" makes it whole')
    await repairRepository(locationIn(store), context, { deep: true })
    expect((await reading()).held.get('ant.rpm')).toEqual(['snapshot may'])
  })
})

const other = 'a'.repeat(64)

/** Of version 1, as another tool would have written its entry; version 2 came since, and all is written anew. */
async function withSnapshotOf(change: (primary: string, bytes: Buffer) => string) {
  const { store, pass } = storeAt()
  const location = locationIn(store)
  const context = await newContext({ generations })
  await putPackage(store, `${root}${file}`, { name: 'libstdc++', version: '1' })
  await reconcile(location, new Set([`${root}${file}`]), context)
  const bytes = await read(store, `${root}${file}`)
  await rewritePrimary(store, (text) => change(text, bytes))
  pass(10)
  await keepFollowers(location, context)
  await takeSnapshot(location, 'may', await named(store), context)
  await putPackage(store, `${root}libstdc++-2.rpm`, { name: 'libstdc++', version: '2' })
  await rebuildRepository(location, context)
  return { store }
}

async function rewritePrimary(store: ObjectStore, change: (text: string) => string): Promise<void> {
  const text = (await read(store, repomd)).toString()
  const record = recordOf(parseRepomd(Buffer.from(text)), 'primary')
  const open = gunzipSync(await read(store, `${root}${record?.href}`)).toString()
  const bytes = gzipSync(change(open))
  const digest = sha('sha256', bytes)
  const path = `repodata/${digest}-primary.xml.gz`
  await store.put(`${root}${path}`, bytes, { if: 'always' })
  const data = `<data type="primary"><checksum type="sha256">${digest}</checksum><location href="${path}"/></data>`
  const changed = text.replace(/<data type="primary">.*?<\/data>/s, data)
  await store.put(repomd, Buffer.from(changed), { if: 'always' })
}

function withSha512(text: string, bytes: Buffer): string {
  return text
    .replaceAll(sha('sha256', bytes), sha('sha512', bytes))
    .replace('<checksum type="sha256" pkgid', '<checksum type="sha512" pkgid')
}

async function decisionOn(store: ObjectStore, path: string) {
  const decisions = planPrune(await readForPrune(locationIn(store), await newContext()), { keep: 1 })
  return decisions.find((one) => one.path === path)
}

async function snapshotId(store: ObjectStore): Promise<string> {
  const [, id = ''] =
    /generations\/([^/]+)\//.exec((await read(store, `${root}snapshots/may/mirrorlist`)).toString()) ?? []
  return id
}

function sha(type: 'sha256' | 'sha512', bytes: Uint8Array): string {
  return createHash(type).update(bytes).digest('hex')
}
