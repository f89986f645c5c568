/**
 * When a worker writes the pages of its repositories: at its start, and whenever another generation is published than they are of, by whomever;
 * never for nothing.
 */
import { MemoryStore, type ObjectStore, StoreError } from '@repokeeper/object-store'
import { parseRootPattern } from '@repokeeper/repository'
import { expect, it } from 'vitest'
import { type WorkerEventMap, WorkerEvents } from '../src/events.ts'
import { Upkeep } from '../src/upkeep.ts'
import { leasedJob } from '../src/upkeep-lease.ts'
import { siteJob } from '../src/upkeep-site.ts'
import { ManualClock } from './manual-clock.ts'

const minute = 60_000
const repomd = 'el9/repodata/repomd.xml'
const el9 = new Map([['packages', [parseRootPattern('el9')]]])

function setUp({ leased = false } = {}) {
  const clock = new ManualClock(() => 0.5)
  const events = new WorkerEvents()
  const calls: string[] = []
  const failed: unknown[] = []
  /** While the pages are written. */
  const meanwhile: (() => unknown)[] = []
  events.subscribe((name, event) => {
    if (name === 'upkeep-failed' && 'error' in event) failed.push(event.error)
  })
  const state = { fails: false, isTaken: false, looksFail: false }
  const bucket = new MemoryStore({ name: 's3://packages' })
  const looks: string[] = []
  const openBucket = (): ObjectStore => watched(bucket, looks, state)
  const generationNow = async () => (await bucket.head(repomd))?.etag
  /** Nobody tells this worker of it. */
  const publish = (text: string) => bucket.put(repomd, Buffer.from(text), { if: 'always' })
  const job = siteJob({
    writeSite: async ({ root }) => {
      calls.push(root)
      if (state.fails) throw new Error('out')
      const generation = await generationNow()
      await meanwhile.pop()?.()
      return generation === undefined ? undefined : { generation, files: 10, written: 2, deleted: 0 }
    },
    singleWriter: false,
    openBucket,
    clock,
    events,
  })
  const alone = leasedJob(job, {
    holdLease: async (_location, _job, context, work) =>
      state.isTaken
        ? { kind: 'elsewhere', job: 'site' }
        : { kind: 'done', value: await work(context.signal ?? new AbortController().signal) },
    singleWriter: false,
    openBucket,
    events,
  })
  const upkeep = new Upkeep({ jobs: [leased ? alone : job], roots: el9, clock, events })
  upkeep.start()
  const settle = (changes: Partial<WorkerEventMap['batch-settled']['changes']>): void =>
    events.emit('batch-settled', {
      batch: 'b',
      bucket: 'packages',
      root: 'el9/',
      changes: { added: 0, replaced: 0, removed: 0, kept: 0, absent: 0, ...changes },
      refused: 0,
      durationMs: 1,
    })
  const pass = (minutes: number) => clock.pass(minutes * minute)
  return { calls, failed, looks, meanwhile, state, publish, settle, upkeep, pass }
}

/** The bucket as the job sees it. */
function watched(bucket: MemoryStore, looks: string[], state: { readonly looksFail: boolean }): ObjectStore {
  return new Proxy(bucket, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]) => {
        looks.push(`${String(name)} ${args[0]}`)
        if (state.looksFail) throw new StoreError('UNAVAILABLE', 'out', { store: target.name })
        return Reflect.apply(value, target, args)
      }
    },
  })
}

it('at the start, and then only after a publish of its own that changed something', async () => {
  const { calls, settle, upkeep, pass } = setUp()
  await pass(1)
  expect(calls).toEqual(['el9/'])
  await pass(5)
  settle({ kept: 3, absent: 1 })
  await pass(5)
  expect(calls).toHaveLength(1)
  settle({ removed: 1 })
  settle({ added: 1 })
  await pass(5)
  expect(calls).toHaveLength(2)
  await upkeep.stop()
})

it('after a publish that it was never told of: its answer was lost, its publisher killed, or it was a person', async () => {
  const { calls, publish, upkeep, pass } = setUp()
  await pass(2)
  expect(calls).toHaveLength(1)
  await publish('first')
  await pass(3)
  expect(calls).toHaveLength(2)
  await publish('second')
  await pass(3)
  expect(calls).toHaveLength(3)
  await upkeep.stop()
})

it('not where nothing was published, and then a look at a repository is one request', async () => {
  const { calls, looks, publish, upkeep, pass } = setUp()
  await publish('first')
  await pass(1)
  looks.length = 0
  await pass(10)
  expect(calls).toHaveLength(1)
  expect(looks).toEqual(Array.from({ length: 10 }, () => `head ${repomd}`))
  await upkeep.stop()
})

it('once more for what is published while they are written, be it told or not', async () => {
  const { calls, meanwhile, publish, settle, upkeep, pass } = setUp()
  await publish('first')
  meanwhile.push(() => publish('second'))
  await pass(5)
  expect(calls).toHaveLength(2)
  // The same repomd.xml as was seen: its signature may have come after.
  meanwhile.push(() => settle({ added: 1 }))
  await publish('third')
  await pass(5)
  expect(calls).toHaveLength(4)
  await upkeep.stop()
})

it('later where it could not be told whether they are due, and says so', async () => {
  const { calls, failed, publish, state, upkeep, pass } = setUp()
  await pass(2)
  await publish('first')
  state.looksFail = true
  await pass(2)
  expect(calls).toHaveLength(1)
  expect(failed).toHaveLength(2)
  state.looksFail = false
  await pass(2)
  expect(calls).toHaveLength(2)
  await upkeep.stop()
})

it('once more where it failed, until it is done', async () => {
  const { calls, failed, state, upkeep, pass } = setUp()
  state.fails = true
  await pass(3)
  expect(calls.length).toBeGreaterThan(1)
  expect(failed).toHaveLength(calls.length)
  state.fails = false
  await pass(5)
  expect(calls.length - failed.length).toBe(1)
  await upkeep.stop()
})

it('later where another worker is at it, and not at all meanwhile', async () => {
  const { calls, state, upkeep, pass } = setUp({ leased: true })
  state.isTaken = true
  await pass(5)
  expect(calls).toEqual([])
  state.isTaken = false
  await pass(2)
  expect(calls).toEqual(['el9/'])
  await upkeep.stop()
})
