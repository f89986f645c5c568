import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DirectoryStore, MemoryStore, type ObjectStore } from '@repokeeper/object-store'
import { documentKinds, parseRepomd, recordOf } from '@repokeeper/repodata'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  auditRepository,
  collectGarbage,
  planCleanUp,
  type RepositoryLocation,
  readForCleanUp,
  rebuildRepository,
  reconcile,
  surveyRepository,
} from '../src/index.ts'
import { bucketTruth, intercept, locationIn, newContext, putPackage, read, readPublished } from './workbench.ts'

const hourMs = 3600 * 1000
const repodata = 'el9/x86_64/repodata/'
const key = (path: string): string => `el9/x86_64/${path}`

/** A store and its clock, which goes on by a second with each look at it. */
interface Place {
  readonly store: ObjectStore
  /** Lets hours pass. */
  pass(hours: number): void
}

const stores: [string, () => Promise<Place>][] = [
  ['in memory', async () => placeOf((clock) => new MemoryStore({ clock }))],
  [
    'in a directory',
    async () => {
      const directory = await mkdtemp(join(tmpdir(), 'repokeeper-retention-'))
      onTestFinished(() => rm(directory, { recursive: true, force: true }))
      return placeOf((clock) => new DirectoryStore(directory, { clock }))
    },
  ],
]

describe.each(stores)('publishing and cleaning up %s', (_, open) => {
  it('keeps what a client of yesterday lists, and nothing that nobody can list', async () => {
    const { store, pass } = await open()
    const location = locationIn(store)
    const context = await newContext()
    for (const version of ['1', '2', '3']) {
      await publish(location, version)
      pass(10)
    }
    const [first, second] = await recordsOf(location)
    if (first === undefined || second === undefined) throw new Error('two generations were superseded')

    // 10 hours after the third, 20 after the second superseded the first.
    expect((await collectGarbage(location, context)).delete).toEqual([])
    for (const record of [first, second]) expect(await missingOf(location, record)).toEqual([])
    expect((await auditRepository(location, context)).findings).toEqual([])
    expect((await surveyRepository(location, context)).differences).toEqual([])

    pass(5)
    const { delete: deleted } = await collectGarbage(location, context)
    expect(deleted.map(({ kind }) => kind)).toEqual(['document', 'document', 'document', 'record'])
    expect(await recordsOf(location)).toEqual([second])
    expect(await missingOf(location, second)).toEqual([])

    pass(100)
    await collectGarbage(location, context)
    expect((await keysOf(store)).sort()).toEqual((await namedBy(location, `${repodata}repomd.xml`)).sort())
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
    expect((await surveyRepository(location, context)).differences).toEqual([])
  })

  it('judges nothing by the clock here, be it years behind or ahead', async () => {
    const { store, pass } = await open()
    const location = locationIn(store)
    const wrong = [new Date('2001-01-01'), new Date('2099-01-01')]
    for (const [index, now] of wrong.entries()) await publish(location, String(index), { now: () => now })
    pass(23)
    const plans = wrong.map(async (now) =>
      planCleanUp(await readForCleanUp(location, await newContext({ now: () => now }))),
    )
    for (const plan of await Promise.all(plans)) expect(plan.delete).toEqual([])
    pass(2)
    const context = await newContext({ now: () => new Date('2001-01-01') })
    expect((await collectGarbage(location, context)).delete).toHaveLength(4)
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it('keeps as many generations as it is told, whole', async () => {
    const { store, pass } = await open()
    const location = locationIn(store)
    for (const version of ['1', '2', '3', '4']) {
      await publish(location, version)
      pass(10)
    }
    const records = await recordsOf(location)
    pass(1000)
    await collectGarbage(location, await newContext(), { keepGenerations: 3 })
    expect(await recordsOf(location)).toEqual(records.slice(-2))
    for (const record of records.slice(-2)) expect(await missingOf(location, record)).toEqual([])
  })
})

describe('the record of a generation', () => {
  it('is the repomd.xml that was superseded, under its time of publication by the store’s clock', async () => {
    const { store } = placeOf((clock) => new MemoryStore({ clock }))
    const location = locationIn(store)
    await publish(location, '1')
    expect(await recordsOf(location)).toEqual([])
    const head = await store.head(`${repodata}repomd.xml`)
    const bytes = await read(store, `${repodata}repomd.xml`)

    await publish(location, '2')

    const [record, ...more] = await recordsOf(location)
    expect(more).toEqual([])
    expect(record).toMatch(/^\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{16}-repomd\.xml$/)
    expect(record?.slice(0, 20)).toBe(head?.lastModified.toISOString().replace(/[-:]/g, ''))
    expect(await read(store, `${repodata}${record}`)).toEqual(bytes)
  })

  it('is there before the swap, and the swap does not happen without it', async () => {
    const { store } = placeOf((clock) => new MemoryStore({ clock }))
    await publish(locationIn(store), '1')
    const before = await read(store, `${repodata}repomd.xml`)
    const full = intercept(store, {
      async put(name, ...rest) {
        if (name.endsWith('-repomd.xml')) throw new Error('no room')
        return store.put(name, ...rest)
      },
    })
    await expect(publish(locationIn(full), '2')).rejects.toThrow('no room')
    expect(await read(store, `${repodata}repomd.xml`)).toEqual(before)
  })

  it('is the same of all who are about to supersede it, and counts in what is sent', async () => {
    const { store } = placeOf((clock) => new MemoryStore({ clock }))
    const location = locationIn(store)
    await publish(location, '1')
    const slow = intercept(store, {
      async put(name, ...rest) {
        if (name.endsWith('/repomd.xml') && (await recordsOf(location)).length === 1) await publish(location, '2')
        return store.put(name, ...rest)
      },
    })
    await putPackage(store, key('b.rpm'), { name: 'b' })
    const sent: number[] = []
    const counting = intercept(slow, {
      async put(name, body, ...rest) {
        const outcome = await slow.put(name, body, ...rest)
        const isPledge = name.includes('/pledge-')
        if (outcome.kind === 'stored' && name.startsWith(repodata) && !isPledge)
          sent.push('size' in body ? body.size : body.length)
        return outcome
      },
    })
    const report = await reconcile(locationIn(counting), new Set([key('b.rpm')]), await newContext())
    expect(report).toMatchObject({ publishes: 1, conflicts: 1 })
    expect(await recordsOf(location)).toHaveLength(2)
    // Three documents of the lost attempt; then three, the record and repomd.xml.
    expect(sent.slice(-5).reduce((sum, bytes) => sum + bytes, 0)).toBe(report.bytesSent)
  })

  it('is kept of a repomd.xml that nobody can parse, and written over by who publishes alone', async () => {
    const { store, pass } = placeOf((clock) => new MemoryStore({ clock }))
    const location = locationIn(store)
    await publish(location, '1')
    const broken = Buffer.from('<repomd')
    pass(1)
    await store.put(`${repodata}repomd.xml`, broken, { if: 'always' })
    pass(1)
    await rebuildRepository(location, await newContext({ singleWriter: true }))
    const [record] = await recordsOf(location)
    expect(await read(store, `${repodata}${record}`)).toEqual(broken)
    pass(25)
    const { delete: deleted } = await collectGarbage(location, await newContext())
    // What the first generation named is known from its names alone.
    expect(deleted.map(({ kind }) => kind)).toEqual(['document', 'document', 'document', 'record'])
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })
})

describe('a clean-up', () => {
  it('that was cut off, at any call, loses nothing, and the next one does the rest', async () => {
    for (let callsMax = 0; ; callsMax += 1) {
      const { store, pass } = placeOf((clock) => new MemoryStore({ clock }))
      const location = locationIn(store)
      for (const version of ['1', '2', '3']) await publish(location, version)
      pass(25)
      let calls = 0
      const dying = intercept(store, {
        async delete(name, options) {
          calls += 1
          if (calls > callsMax) throw new Error('killed')
          return store.delete(name, options)
        },
      })
      const outcome = await collectGarbage(locationIn(dying), await newContext()).then(
        () => 'done',
        (error: Error) => error.message,
      )
      expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
      // A document whose record is gone would be left to its own age.
      const known = new Set(
        (await Promise.all((await recordsOf(location)).map((name) => namedBy(location, repodata + name)))).flat(),
      )
      const current = new Set(await namedBy(location, `${repodata}repomd.xml`))
      for (const left of await keysOf(store)) {
        if (!left.endsWith('-repomd.xml')) expect(known.has(left) || current.has(left), left).toBe(true)
      }
      await collectGarbage(location, await newContext())
      expect((await keysOf(store)).sort()).toEqual([...current].sort())
      if (outcome === 'done') break
    }
  })

  it('stops when it is told to', async () => {
    const { store, pass } = placeOf((clock) => new MemoryStore({ clock }))
    const location = locationIn(store)
    for (const version of ['1', '2']) await publish(location, version)
    pass(25)
    const before = await keysOf(store)
    const reason = new Error('enough')
    const context = await newContext({ signal: AbortSignal.abort(reason) })
    await expect(collectGarbage(location, context)).rejects.toBe(reason)
    expect(await keysOf(store)).toEqual(before)
  })

  it.each([
    ['is gone', undefined, /there is no repodata\/repomd\.xml/],
    ['cannot be parsed', Buffer.from('<repomd>'), /repomd\.xml/],
    ['is far too large', Buffer.alloc(16 * 2 ** 20 + 1, 0x20), /too large/],
  ])('deletes nothing and says what to do where repomd.xml %s', async (_, bytes, message) => {
    const { store, pass } = placeOf((clock) => new MemoryStore({ clock }))
    const location = locationIn(store)
    for (const version of ['1', '2', '3']) await publish(location, version)
    if (bytes === undefined) await store.delete(`${repodata}repomd.xml`)
    else await store.put(`${repodata}repomd.xml`, bytes, { if: 'always' })
    pass(1000)
    const before = await keysOf(store)
    const outcome = collectGarbage(location, await newContext())
    await expect(outcome).rejects.toMatchObject({ code: 'BROKEN_METADATA', message: expect.stringMatching(message) })
    await expect(outcome).rejects.toThrow(/repokeeper rebuild memory\/el9\/x86_64\//)
    expect(await keysOf(store)).toEqual(before)
  })

  it('whose DELETE arrives late does no harm to what was published meanwhile', async () => {
    const { store, pass } = placeOf((clock) => new MemoryStore({ clock }))
    const location = locationIn(store)
    await publish(location, '1')
    await publish(location, '2')
    pass(25)
    const late = intercept(store, {
      async delete(name, options) {
        const outcome = await store.delete(name, options)
        // Its answer is lost, and until it is tried again the same bytes are needed once more.
        if (name.includes('-filelists')) await publish(location, '1')
        await store.delete(name, options)
        return outcome
      },
    })
    const { delete: deleted } = await collectGarbage(locationIn(late), await newContext())
    expect(deleted.map(({ name }) => name)).toContainEqual(expect.stringContaining('-filelists'))
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it('beside a publish leaves it its documents', async () => {
    const { store, pass } = placeOf((clock) => new MemoryStore({ clock }))
    const location = locationIn(store)
    await publish(location, '1')
    await publish(location, '2')
    const slow = intercept(store, {
      async put(name, ...rest) {
        if (name.endsWith('/repomd.xml')) {
          pass(1000)
          await collectGarbage(location, await newContext(), { retentionMs: 0 })
        }
        return store.put(name, ...rest)
      },
    })
    await publish(locationIn(slow), '3')
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it('leaves alone what lies deeper, beside, and in other repositories', async () => {
    const { store, pass } = placeOf((clock) => new MemoryStore({ clock }))
    const location = locationIn(store)
    await publish(location, '1')
    const name = (await namedBy(location, `${repodata}repomd.xml`))
      .find((one) => one.includes('-primary'))
      ?.slice(repodata.length)
    const others = [
      `${repodata}old/${name}`,
      `el9/x86_64/${name}`,
      `el9/x86_64/sub/repodata/${name}`,
      `el9/repodata/${name}`,
    ]
    for (const other of others) await store.put(other, Buffer.from('x'), { if: 'always' })
    await publish(location, '2')
    pass(1000)
    expect((await collectGarbage(location, await newContext())).delete).toHaveLength(4)
    for (const other of others) expect(await store.head(other), other).toBeDefined()
  })

  it('of many generations reads and deletes only so many at a time', async () => {
    const { store, pass } = placeOf((clock) => new MemoryStore({ clock }))
    const location = locationIn(store)
    for (let version = 0; version < 30; version += 1) await publish(location, String(version))
    pass(25)
    let [now, most] = [0, 0]
    const counted = async <T>(work: () => Promise<T>): Promise<T> => {
      now += 1
      most = Math.max(most, now)
      await new Promise(setImmediate)
      return work().finally(() => {
        now -= 1
      })
    }
    const watched = intercept(store, {
      get: (...args) => counted(() => store.get(...args)),
      delete: (...args) => counted(() => store.delete(...args)),
    })
    const { delete: deleted } = await collectGarbage(locationIn(watched), await newContext())
    expect(deleted).toHaveLength(29 * 4)
    expect(most).toBe(16)
  })
})

/** Puts one package into the repository, in that version and no other, and publishes it. */
async function publish(location: RepositoryLocation, version: string, parts = {}): Promise<void> {
  await putPackage(location.store, key('a.rpm'), { name: 'a', version, files: [{ path: `/usr/share/a-${version}` }] })
  const { publishes } = await reconcile(location, new Set([key('a.rpm')]), await newContext(parts))
  if (publishes !== 1) throw new Error(`${publishes} publishes`)
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const object of store.list(repodata)) keys.push(object.key)
  return keys
}

/** Names of the records that lie there, the oldest first. */
async function recordsOf({ store }: Pick<RepositoryLocation, 'store'>): Promise<string[]> {
  return (await keysOf(store)).filter((one) => one.endsWith('-repomd.xml')).map((one) => one.slice(repodata.length))
}

/** The keys of the documents that a repomd.xml names, and its own. */
async function namedBy({ store, root }: RepositoryLocation, repomdKey: string): Promise<string[]> {
  const repomd = parseRepomd(await read(store, repomdKey))
  return [repomdKey, ...documentKinds.map((kind) => `${root}${recordOf(repomd, kind)?.href}`)]
}

/** What a client that has the repomd.xml of this record would ask for in vain. */
async function missingOf(location: RepositoryLocation, record: string): Promise<string[]> {
  const missing: string[] = []
  for (const one of await namedBy(location, `${repodata}${record}`)) {
    if ((await location.store.head(one)) === undefined) missing.push(one)
  }
  return missing
}

function placeOf(open: (clock: () => Date) => ObjectStore): Place {
  let milliseconds = Date.parse('2026-11-21T00:00:00.250Z')
  const clock = (): Date => {
    milliseconds += 1_000
    return new Date(milliseconds)
  }
  return {
    store: open(clock),
    pass(hours) {
      milliseconds += hours * hourMs
    },
  }
}
