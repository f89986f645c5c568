/** Comps and the like, published beside what others publish. */
import { createHash } from 'node:crypto'
import { MemoryStore } from '@repokeeper/object-store'
import { MemoryFile, parseRepomd } from '@repokeeper/repodata'
import { describe, expect, it } from 'vitest'
import {
  collectGarbage,
  type DraftRecord,
  publishRecords,
  type RecordsChange,
  type RepositoryLocation,
  reconcile,
  type Signing,
} from '../src/index.ts'
import {
  bucketTruth,
  intercept,
  locationIn,
  newContext,
  putPackage,
  read,
  readPublished,
  tickingStore,
} from './workbench.ts'

const root = 'el9/x86_64/'

async function publishedIn(store = tickingStore()): Promise<RepositoryLocation> {
  const location = locationIn(store)
  await putPackage(store, `${root}a.rpm`, { name: 'a' })
  await reconcile(location, new Set([`${root}a.rpm`]), await newContext())
  return location
}

async function changeTo(text: string, type = 'updateinfo'): Promise<RecordsChange> {
  const file = new MemoryFile()
  await file.append(Buffer.from(text))
  const sha256 = createHash('sha256').update(text).digest('hex')
  const draft: DraftRecord = { type, name: `${type}.xml.gz`, contentType: 'application/gzip', file, sha256 }
  return { replaces: new Set([type, `${type}_zck`]), drafts: [draft] }
}

/** Types in the order of repomd.xml, and what the last of them is. */
async function recordsIn({ store }: RepositoryLocation): Promise<{ types: string[]; last: string }> {
  const { records } = parseRepomd(await read(store, `${root}repodata/repomd.xml`))
  const bytes = await read(store, `${root}${records.at(-1)?.href}`)
  return { types: records.map(({ type }) => type), last: bytes.toString() }
}

describe('records of other documents', () => {
  it('come beside the three, replace those of their types alone, and are published once', async () => {
    const location = await publishedIn()
    const context = await newContext()
    expect(await publishRecords(location, () => changeTo('one', 'zebra'), context)).toMatch(/^\d+$/)
    expect(await publishRecords(location, () => changeTo('two'), context)).toMatch(/^\d+$/)
    expect(await publishRecords(location, () => changeTo('three'), context)).toMatch(/^\d+$/)
    const types = ['primary', 'filelists', 'other', 'updateinfo', 'zebra']
    expect(await recordsIn(location)).toEqual({ types, last: 'one' })
    const before = await read(location.store, `${root}repodata/repomd.xml`)
    expect(await publishRecords(location, () => changeTo('three'), context)).toBeUndefined()
    expect(await read(location.store, `${root}repodata/repomd.xml`)).toEqual(before)
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it('are planned anew where somebody else has published meanwhile, and undo nothing of that', async () => {
    const location = await publishedIn()
    const { store } = location
    let plans = 0
    const plan = async (): Promise<RecordsChange> => {
      plans += 1
      if (plans === 1) {
        await putPackage(store, `${root}b.rpm`, { name: 'b' })
        await reconcile(location, new Set([`${root}b.rpm`]), await newContext())
      }
      return changeTo(`plan ${plans}`)
    }
    await publishRecords(location, plan, await newContext())
    expect(await recordsIn(location)).toMatchObject({ last: 'plan 2' })
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
    expect((await readPublished(location)).packages.size).toBe(2)
  })

  it('are whole, or not there, after a crash at any write; what is left of one goes with a clean-up', async () => {
    for (let crashAt = 0, finished = false; !finished; crashAt += 1) {
      let now = 1_700_000_000_000
      const store = new MemoryStore({ clock: () => new Date(now) })
      const location = await publishedIn(store)
      let writes = 0
      const dying = intercept(store, {
        put: (...args) => {
          if (writes === crashAt) throw new Error('killed')
          writes += 1
          return store.put(...args)
        },
      })
      finished = await publishRecords({ ...location, store: dying }, () => changeTo('one'), await newContext()).then(
        () => true,
        () => false,
      )
      const { packages } = await readPublished(location)
      expect(packages).toEqual(await bucketTruth(location))
      for (const text of ['two', 'three']) {
        now += 3_600_000
        await publishRecords(location, () => changeTo(text), await newContext())
        expect(await recordsIn(location)).toMatchObject({ last: text })
      }
      now += 3_600_000
      await collectGarbage(location, {}, { retentionMs: 0, keepGenerations: 1 })
      const left: string[] = []
      for await (const { key } of store.list(`${root}repodata/`)) if (key.includes('updateinfo')) left.push(key)
      expect(left).toHaveLength(1)
    }
  })

  it('are not published to a repository that is signed, without its key', async () => {
    const location = await publishedIn()
    const { store } = location
    await store.put(`${root}repodata/repomd.xml.asc`, Buffer.from('a signature'), { if: 'always' })
    const before = await read(store, `${root}repodata/repomd.xml`)
    const unsigned = publishRecords(location, () => changeTo('one'), await newContext())
    await expect(unsigned).rejects.toMatchObject({ code: 'SIGNED' })
    expect(await read(store, `${root}repodata/repomd.xml`)).toEqual(before)

    const signing: Signing = {
      kind: 'signed',
      signer: {
        sign: async (bytes) => createHash('sha256').update(bytes).digest(),
        verify: async () => true,
        publicKey: Buffer.from('a key'),
      },
    }
    await publishRecords(location, () => changeTo('one'), await newContext({ signing }))
    const repomd = await read(store, `${root}repodata/repomd.xml`)
    const signature = createHash('sha256').update(repomd).digest()
    expect(await read(store, `${root}repodata/repomd.xml.asc`)).toEqual(signature)
  })

  it('need a repository', async () => {
    const run = publishRecords(locationIn(tickingStore()), () => changeTo('one'), await newContext())
    await expect(run).rejects.toMatchObject({ code: 'MISSING_DOCUMENT' })
  })
})
