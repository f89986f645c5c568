/**
 * Two who write the same site at once, and a publish between: at whatever calls they meet, in the end it is the site of what is published.
 */
import { MemoryStore, type ObjectStore } from '@repokeeper/object-store'
import { expect, test } from 'vitest'
import { MemoryCache, rebuildRepository } from '../src/index.ts'
import { writeSite } from '../src/site.ts'
import { intercept, locationIn, newContext, putPackage, read, tickingStore } from './workbench.ts'

const root = 'el9/x86_64/'
const view = `${root}repoview/`
const repomd = `${root}repodata/repomd.xml`
/** More than a maker has here. */
const callsEver = 60

/** What is listed, generation by generation: pages go, come, come back, and change. */
const generations = [
  ['foo-1', 'bar-1'],
  ['foo-2', 'baz-1'],
  ['foo-2', 'bar-1'],
]

/** Documents of all generations, and what publishes one of them in a bucket of its own. */
async function setUp() {
  const built = tickingStore()
  const context = { ...(await newContext()), cache: new MemoryCache() }
  const repomds: Buffer[] = []
  for (const packages of generations) {
    for await (const { key } of built.list(root)) if (key.endsWith('.rpm')) await built.delete(key)
    for (const one of packages) {
      const [name = '', version = ''] = one.split('-')
      await putPackage(built, `${root}${one}.rpm`, { name, version })
    }
    await rebuildRepository(locationIn(built), context)
    repomds.push(await read(built, repomd))
  }
  const documents = (await Array.fromAsync(built.list(`${root}repodata/`))).map(({ key }) => key)

  /** A bucket with the site of the first generation in which the second one is published. */
  const bucket = async () => {
    const store = new MemoryStore()
    for (const key of documents) await store.put(key, await read(built, key), { if: 'always' })
    const publish = (generation: number) => store.put(repomd, repomds[generation] ?? Buffer.alloc(0), { if: 'always' })
    const site = (on: ObjectStore = store, path = 'repoview/') => writeSite(locationIn(on), context, { path })
    await publish(0)
    await site()
    await publish(1)
    return { store, publish, site }
  }
  const { store, publish, site } = await bucket()
  await publish(2)
  await site(store, 'expected/')
  return { bucket, expected: await filesBelow(store, `${root}expected/`) }
}

/** But for the record, whose ETags are of a place. */
async function filesBelow(store: ObjectStore, prefix: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for await (const { key } of store.list(prefix)) {
    if (!key.endsWith('.gz')) files.set(key.slice(prefix.length), (await read(store, key)).toString())
  }
  return files
}

interface Meeting {
  /** Before which call of it something happens. */
  readonly at: number
  readonly meet: (call: string) => Promise<void>
  /** It makes no more calls than these. */
  readonly callsMost?: number
}

const killed = new Error('killed')

function meeting(store: ObjectStore, { at, meet, callsMost = Number.POSITIVE_INFINITY }: Meeting): ObjectStore {
  let calls = 0
  const before = async (call: string): Promise<void> => {
    calls += 1
    if (calls > callsMost) throw killed
    if (calls === at) await meet(call)
  }
  return intercept(store, {
    get: async (...args) => before('get').then(() => store.get(...args)),
    head: async (...args) => before('head').then(() => store.head(...args)),
    put: async (...args) => before('put').then(() => store.put(...args)),
    delete: async (...args) => before('delete').then(() => store.delete(...args)),
    async *list(...args) {
      await before('list')
      yield* store.list(...args)
    },
  })
}

test.each(['after', 'before'] as const)(
  'the second comes and goes %s another generation is published, while the first is under way',
  async (order) => {
    const { bucket, expected } = await setUp()
    let met = true
    for (let at = 1; met; at += 1) {
      const { store, publish, site } = await bucket()
      met = false
      const meet = async (): Promise<void> => {
        met = true
        if (order === 'before') await site()
        await publish(2)
        if (order === 'after') await site()
      }
      const report = await site(meeting(store, { at, meet }))
      // Who has read what is published goes on with it, where nobody comes after him.
      if (order === 'before' && report?.generation !== (await store.head(repomd))?.etag) continue
      // In the first round in which they have not met, nobody has published.
      if (met) expect(await filesBelow(store, view), `call ${at}`).toEqual(expected)
      expect(await site(), `call ${at}`).toMatchObject({ written: 0, deleted: 0 })
      expect(at).toBeLessThan(callsEver)
    }
  },
)

test.each([1, 6])(
  'the first is killed %d calls after the second has ended: no page that is needed is missing, and the next leaves nothing of it',
  async (more) => {
    const { bucket, expected } = await setUp()
    let met = true
    for (let at = 1; met; at += 1) {
      const { store, publish, site } = await bucket()
      met = false
      let isDeleting = false
      const meet = async (call: string): Promise<void> => {
        met = true
        isDeleting = call === 'delete'
        await publish(2)
        await site()
      }
      await site(meeting(store, { at, meet, callsMost: at + more })).catch((error: unknown) =>
        expect(error).toBe(killed),
      )
      if (!met) break
      const found = await filesBelow(store, view)
      // What was on its way already when the second came cannot be called back.
      if (!isDeleting) for (const path of expected.keys()) expect(found.has(path), `${path}, call ${at}`).toBe(true)
      await site()
      expect(await filesBelow(store, view), `call ${at}`).toEqual(expected)
      expect(at).toBeLessThan(callsEver)
    }
  },
)

test('each goes on by turns: the second waits within its work until the first has ended', async () => {
  const { bucket, expected } = await setUp()
  for (let at = 1; at < 24; at += 3) {
    for (let waiting = 1; waiting < 24; waiting += 3) {
      const { store, publish, site } = await bucket()
      const [secondWaits, firstEnded] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      let second: Promise<unknown> | undefined
      const wait = (): Promise<void> => {
        secondWaits.resolve()
        return firstEnded.promise
      }
      const begin = async (): Promise<void> => {
        await publish(2)
        second = site(meeting(store, { at: waiting, meet: wait })).finally(secondWaits.resolve)
        await secondWaits.promise
      }
      await site(meeting(store, { at, meet: begin }))
      firstEnded.resolve()
      await second
      const where = `calls ${at} and ${waiting}`
      if (second !== undefined) expect(await filesBelow(store, view), where).toEqual(expected)
      expect(await site(), where).toMatchObject({ written: 0, deleted: 0 })
    }
  }
})

test('who has lost the site to another deletes nothing more', async () => {
  const [store, context] = [tickingStore(), { ...(await newContext()), cache: new MemoryCache() }]
  const site = (on: ObjectStore, title?: string) => writeSite(locationIn(on), context, { say: { title } })
  for (let number = 0; number < 60; number += 1)
    await putPackage(store, `${root}${number}.rpm`, { name: `foo${number}` })
  await rebuildRepository(locationIn(store), context)
  await site(store)
  for (let number = 1; number < 60; number += 1) await store.delete(`${root}${number}.rpm`)
  await rebuildRepository(locationIn(store), context)
  let other: Promise<unknown> | undefined
  const deleted: string[] = []
  const first = intercept(store, {
    delete: async (key, options) => {
      deleted.push(key)
      other ??= site(store, 'Theirs')
      await other
      return store.delete(key, options)
    },
  })
  await site(first)
  // As many as were on their way.
  expect(deleted.length).toBeLessThan(20)
  expect((await Array.fromAsync(store.list(`${view}package/`))).map(({ key }) => key)).toEqual([
    `${view}package/foo0.html`,
  ])
})
