/**
 * What changes while an audit reads is no drift: publishes at every one of its calls, and none of them is told as wrong.
 */
import { MemoryStore, type ObjectStore } from '@repokeeper/object-store'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { auditRepository, MemoryCache, type RepositoryContext, rebuildRepository, reconcile } from '../src/index.ts'
import { intercept, locationIn, newContext, putPackage, tickingStore } from './workbench.ts'

const key = (path: string): string => `el9/x86_64/${path}`

/** The store as an audit sees it while others go on: before each of its calls, what `between` does happens. */
function whileOthersWork(store: ObjectStore, between: () => Promise<void>): ObjectStore {
  return intercept(store, {
    async get(name, options) {
      await between()
      return store.get(name, options)
    },
    async head(name, options) {
      await between()
      return store.head(name, options)
    },
    async *list(prefix, options) {
      await between()
      for await (const object of store.list(prefix, options)) {
        yield object
        await between()
      }
    },
  })
}

const change = fc.record({
  name: fc.constantFrom('ant', 'bear', 'cat', 'dog'),
  kind: fc.constantFrom('upload', 'remove'),
  version: fc.constantFrom('1', '2'),
})
type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never

async function apply(store: ObjectStore, { name, kind, version }: Change, context: RepositoryContext): Promise<void> {
  if (kind === 'remove') await store.delete(key(`${name}.rpm`))
  else await putPackage(store, key(`${name}.rpm`), { name, version })
  await reconcile(locationIn(store), new Set([key(`${name}.rpm`)]), context)
}

it('never tells a publish under way as drift, and always tells what was never told', async () => {
  const context = { ...(await newContext()), cache: new MemoryCache() }
  let audits = 0
  let interrupted = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 6 }),
      fc.array(fc.option(change, { freq: 2 }), { maxLength: 60 }),
      fc.boolean(),
      async (before, meanwhile, deep) => {
        const store = tickingStore()
        for (const one of before) await apply(store, one, context)
        await rebuildRepository(locationIn(store), context)
        // Its notification is lost, and nobody touches it meanwhile.
        await putPackage(store, key('lost.rpm'), { name: 'lost' })
        const queue = [...meanwhile]
        const audited = whileOthersWork(store, async () => {
          const next = queue.shift() ?? null
          if (next === null) return
          interrupted += 1
          await apply(store, next, context)
        })
        const { findings } = await auditRepository(locationIn(audited), context, { deep })
        expect(findings).toMatchObject([{ kind: 'unlisted', path: 'lost.rpm' }])
        audits += 1
      },
    ),
    { numRuns: 60 },
  )
  expect(interrupted).toBeGreaterThan(audits)
})

it('takes what is listed while it waits for no drift, and waits only where something looks wrong', async () => {
  const store = tickingStore()
  const location = locationIn(store)
  const waits: number[] = []
  const context = await newContext({
    sleep: async (milliseconds) => {
      waits.push(milliseconds)
      // The worker's batch closes.
      await reconcile(location, new Set([key('b.rpm')]), await newContext())
    },
  })
  await putPackage(store, key('a.rpm'), { name: 'a' })
  await rebuildRepository(location, context)
  expect((await auditRepository(location, context, { settleMs: 30_000 })).findings).toEqual([])
  expect(waits).toEqual([])
  await putPackage(store, key('b.rpm'), { name: 'b' })
  const told: number[] = []
  const report = await auditRepository(location, context, { settleMs: 30_000, onSettle: (count) => told.push(count) })
  expect(report).toMatchObject({ findings: [], listed: 2 })
  expect({ waits, told }).toEqual({ waits: [30_000], told: [1] })
})

it('takes what is replaced again while it waits for no drift: its notification is under way', async () => {
  const store = tickingStore()
  const location = locationIn(store)
  await putPackage(store, key('a.rpm'), { name: 'a' })
  const context = await newContext({ sleep: () => putPackage(store, key('a.rpm'), { name: 'a', version: '3' }) })
  await rebuildRepository(location, context)
  await putPackage(store, key('a.rpm'), { name: 'a', version: '2' })
  expect((await auditRepository(location, context, { settleMs: 1 })).findings).toEqual([])
  expect((await auditRepository(location, context)).findings).toMatchObject([{ kind: 'changed', path: 'a.rpm' }])
})

it('takes a repository that comes into being meanwhile for whole', async () => {
  const store = new MemoryStore()
  await putPackage(store, key('a.rpm'), { name: 'a' })
  const context = await newContext({
    sleep: async () => void (await rebuildRepository(locationIn(store), await newContext())),
  })
  expect((await auditRepository(locationIn(store), context, { settleMs: 1 })).findings).toEqual([])
})
