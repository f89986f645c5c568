/** An inbox: what is put there stands in the metadata where it belongs, or among the rejected, through crashes, duplicates and two at once. */
import { MemoryStore, type ObjectStore, StoreError } from '@repokeeper/object-store'
import { buildPackage, type PackageSpec } from '@repokeeper/rpm-parser/testing'
import { describe, expect, it } from 'vitest'
import { parsePackageInbox, type RepositoryEvent, reconcileInbox } from '../src/index.ts'
import { bucketTruth, intercept, locationIn, newContext, read, readPublished } from './workbench.ts'

const texts = { from: 'inbox/', to: 'repo', rejected: 'rejected/', replaces: false }
const inbox = parsePackageInbox(texts)
const root = 'repo/el9/'

async function put(store: ObjectStore, key: string, spec: PackageSpec | string): Promise<string> {
  const bytes = typeof spec === 'string' ? Buffer.from(spec) : buildPackage(spec)
  await store.put(key, bytes, { if: 'always' })
  return key
}

async function keysIn(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys.filter((key) => !key.includes('/repodata/'))
}

describe('an inbox', () => {
  it('moves packages where they belong, by the store, and the messages have the verdict of where they are', async () => {
    const store = new MemoryStore()
    const location = locationIn(store, root)
    const key = await put(store, 'inbox/el9/a/b/foo.rpm', { name: 'foo' })
    const got: string[] = []
    const watched = intercept(store, {
      get: (key, options) => {
        if (options?.range === undefined) got.push(key)
        return store.get(key, options)
      },
    })
    const report = await reconcileInbox({ ...location, store: watched }, new Set([key]), [inbox], await newContext())
    expect(report.verdicts.get(key)).toEqual({ kind: 'covered', change: 'added' })
    expect(await keysIn(store, '')).toEqual(['repo/el9/a/b/foo.rpm'])
    const { packages } = await readPublished(location)
    expect(packages).toEqual(await bucketTruth(location))
    expect(packages.size).toBe(1)
    // Where it belongs it was not read whole: its digest is the one that the store has taken.
    expect(got.filter((key) => key.startsWith('repo/') && key.endsWith('.rpm'))).toEqual([])
  })

  it.each<[string, PackageSpec | string, string]>([
    ['is no package', 'something else', 'NOT_AN_RPM|CUT_OFF|BAD_MAGIC'],
    ['has no name', { name: '' }, 'NO_NAME'],
    ['has the name of another', { name: 'foo', summary: 'another' }, 'NAME_TAKEN'],
  ])('rejects what %s, with the reason beside it', async (_, spec, code) => {
    const store = new MemoryStore()
    const location = locationIn(store, root)
    const context = await newContext()
    const first = await put(store, 'inbox/el9/foo.rpm', { name: 'foo' })
    await reconcileInbox(location, new Set([first]), [inbox], context)
    const published = await readPublished(location)
    const path = code === 'NAME_TAKEN' ? 'el9/foo.rpm' : 'el9/x.rpm'
    const key = await put(store, `inbox/${path}`, spec)
    const bytes = await read(store, key)
    const report = await reconcileInbox(location, new Set([key]), [inbox], context)
    expect(report.verdicts.get(key)).toEqual({ kind: 'covered', change: 'absent' })
    expect(await keysIn(store, 'inbox/')).toEqual([])
    expect(await read(store, `rejected/${path}`)).toEqual(bytes)
    const reason = Buffer.from(await read(store, `rejected/${path}.reason.txt`)).toString()
    expect(reason).toMatch(
      new RegExp(`^inbox/${path} was not let in: .+\\n\\ncode: (?:${code})\\nmeant for: repo/${path}\\n`),
    )
    expect(context.events).toContainEqual(
      expect.objectContaining({ kind: 'rejected', key, movedTo: `rejected/${path}` }),
    )
    expect(await readPublished(location)).toEqual(published)
  })

  it('rejects also what has so long a key that nothing fits behind it', async () => {
    const store = new MemoryStore()
    const key = await put(store, `inbox/el9/${'a'.repeat(1_009)}.rpm`, 'no package')
    const report = await reconcileInbox(locationIn(store, root), new Set([key]), [inbox], await newContext())
    expect(report.verdicts.get(key)).toEqual({ kind: 'covered', change: 'absent' })
    expect(await keysIn(store, '')).toEqual([
      expect.stringMatching(/^rejected\/[0-9a-f]{64}\.rpm$/),
      expect.stringMatching(/^rejected\/[0-9a-f]{64}\.rpm\.reason\.txt$/),
    ])
  })

  it('lists what a worker has moved and died before it was listed, also where another file is rejected for it', async () => {
    const store = new MemoryStore()
    const location = locationIn(store, root)
    await put(store, `${root}foo.rpm`, { name: 'foo' })
    const key = await put(store, 'inbox/el9/foo.rpm', { name: 'foo', summary: 'another' })
    const { verdicts } = await reconcileInbox(location, new Set([key]), [inbox], await newContext())
    expect(verdicts.get(key)).toEqual({ kind: 'covered', change: 'absent' })
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
    expect(await keysIn(store, 'rejected/')).toHaveLength(2)
  })

  it('replaces what has the name where it may, and takes the same bytes as done', async () => {
    const store = new MemoryStore()
    const location = locationIn(store, root)
    const context = await newContext()
    const replacing = parsePackageInbox({ ...texts, replaces: true })
    for (const [summary, change] of [
      ['one', 'added'],
      ['one', 'kept'],
      ['two', 'replaced'],
    ]) {
      const key = await put(store, 'inbox/el9/foo.rpm', { name: 'foo', summary: summary ?? '' })
      const { verdicts } = await reconcileInbox(location, new Set([key]), [replacing], context)
      expect(verdicts.get(key)).toEqual({ kind: 'covered', change })
      expect(await keysIn(store, 'inbox/')).toEqual([])
      expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
    }
    expect(await keysIn(store, 'rejected/')).toEqual([])
  })

  it('has nothing to do with keys of the repository itself', async () => {
    const store = new MemoryStore()
    const location = locationIn(store, root)
    const own = await put(store, `${root}own.rpm`, { name: 'own' })
    const gone = 'inbox/el9/gone.rpm'
    const { verdicts } = await reconcileInbox(location, new Set([own, gone]), [inbox], await newContext())
    expect(verdicts.get(own)).toEqual({ kind: 'covered', change: 'added' })
    expect(verdicts.get(gone)).toEqual({ kind: 'covered', change: 'absent' })
  })

  it('loses nothing to a crash at any call: the bytes are somewhere at every moment, and the next one ends it', async () => {
    let calls = 0
    for (let crashAt = 0, finished = false; !finished; crashAt += 1) {
      const store = new MemoryStore()
      const location = locationIn(store, root)
      const good = await put(store, 'inbox/el9/foo.rpm', { name: 'foo' })
      const bad = await put(store, 'inbox/el9/bad.rpm', 'bad')
      const [goodBytes, badBytes] = [await read(store, good), await read(store, bad)]
      calls = 0
      const dying = intercept(store, {})
      for (const name of ['get', 'head', 'put', 'copy', 'delete'] as const) {
        const call = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>
        Object.assign(dying, {
          [name]: async (...args: unknown[]) => {
            calls += 1
            // As a process that is killed: what was asked for may have been done, or not.
            if (calls > crashAt) {
              if (calls === crashAt + 1 && crashAt % 2 === 0) await call(...args)
              throw new StoreError('UNAVAILABLE', 'killed', { store: 'memory' })
            }
            return call(...args)
          },
        })
      }
      const keys = new Set([good, bad])
      const before = calls
      finished = await reconcileInbox({ ...location, store: dying }, keys, [inbox], await newContext()).then(
        ({ undecided }) => undecided.size === 0,
        () => false,
      )
      expect(await holders(store, goodBytes), `crash at ${crashAt} of ${before}`).not.toEqual([])
      expect(await holders(store, badBytes)).not.toEqual([])

      await reconcileInbox(location, keys, [inbox], await newContext())
      expect(await keysIn(store, '')).toEqual([
        'rejected/el9/bad.rpm',
        'rejected/el9/bad.rpm.reason.txt',
        'repo/el9/foo.rpm',
      ])
      expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
    }
    expect(calls).toBeGreaterThan(20)
  })

  it('is worked on by many at once, with files that are replaced meanwhile', async () => {
    const store = new MemoryStore()
    const location = locationIn(store, root)
    const replacing = parsePackageInbox({ ...texts, replaces: true })
    const work = async (): Promise<void> => {
      for (let version = 1; version <= 12; version += 1) {
        const key = await put(store, `inbox/el9/p${version % 3}.rpm`, { name: 'p', version: String(version) })
        await reconcileInbox(location, new Set([key]), [replacing], await newContext())
      }
    }
    await Promise.all([work(), work(), work()])
    const keys = new Set([0, 1, 2].map((number) => `inbox/el9/p${number}.rpm`))
    await reconcileInbox(location, keys, [replacing], await newContext())
    expect(await keysIn(store, '')).toEqual(['repo/el9/p0.rpm', 'repo/el9/p1.rpm', 'repo/el9/p2.rpm'])
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it('gives up at an outage, and leaves everything where it is', async () => {
    const store = new MemoryStore()
    const location = locationIn(store, root)
    const key = await put(store, 'inbox/el9/foo.rpm', { name: 'foo' })
    const fault = new StoreError('UNAVAILABLE', 'out', { store: 'memory' })
    const out = intercept(store, { head: () => Promise.reject(fault) })
    await expect(reconcileInbox({ ...location, store: out }, new Set([key]), [inbox], await newContext())).rejects.toBe(
      fault,
    )
    expect(await keysIn(store, '')).toEqual([key])
  })

  it('takes along those that come while a race is lost, and admits them afterwards', async () => {
    const store = new MemoryStore()
    const location = locationIn(store, root)
    const [first, second] = [
      await put(store, 'inbox/el9/one.rpm', { name: 'one' }),
      await put(store, 'inbox/el9/two.rpm', { name: 'two' }),
    ]
    const own = await put(store, `${root}own.rpm`, { name: 'own' })
    let races = 0
    const contended = intercept(store, {
      put: (key, body, condition, options) => {
        if (!key.endsWith('repodata/repomd.xml') || races > 0) return store.put(key, body, condition, options)
        races += 1
        return Promise.resolve({ kind: 'conflict' })
      },
    })
    const events: RepositoryEvent[] = []
    const context = { ...(await newContext()), onEvent: (event: RepositoryEvent) => void events.push(event) }
    const joining = () => (races === 1 ? [second, own] : [])
    const report = await reconcileInbox({ ...location, store: contended }, new Set([first]), [inbox], context, {
      joining,
    })
    expect([first, second, own].map((key) => report.verdicts.get(key))).toEqual(
      Array.from({ length: 3 }, () => ({ kind: 'covered', change: 'added' })),
    )
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })
})

describe('the directories of an inbox', () => {
  it.each([
    [{ ...texts, to: 'inbox/repo' }],
    [{ ...texts, from: 'repo/inbox' }],
    [{ ...texts, rejected: 'repo' }],
    [{ ...texts, rejected: 'inbox/rejected' }],
    [{ ...texts, to: '/' }],
    [{ ...texts, from: '' }],
    [{ ...texts, from: 'a/../b' }],
  ])('are refused where one lies in another, or is none: %o', (wrong) => {
    expect(() => parsePackageInbox(wrong)).toThrow(expect.objectContaining({ name: 'RootError' }))
  })

  it('may have names that begin alike', () => {
    expect(parsePackageInbox({ from: '/in', to: 'inbox/', rejected: 'inb', replaces: false })).toEqual({
      ...{ from: 'in/', to: 'inbox/', rejected: 'inb/', replaces: false },
    })
  })
})

/** Keys whose objects have these bytes. */
async function holders(store: ObjectStore, bytes: Uint8Array): Promise<string[]> {
  const found: string[] = []
  for (const key of await keysIn(store, '')) {
    if (Buffer.from(await read(store, key)).equals(bytes)) found.push(key)
  }
  return found
}
