/**
 * When a worker writes the pages of its repositories: at its start, and after what it has published; never for nothing.
 */
import { MemoryStore } from '@repokeeper/object-store'
import { parseRootPattern } from '@repokeeper/repository'
import { expect, it } from 'vitest'
import { type WorkerEventMap, WorkerEvents } from '../src/events.ts'
import { Upkeep } from '../src/upkeep.ts'
import { leasedJob } from '../src/upkeep-lease.ts'
import { siteJob } from '../src/upkeep-site.ts'
import { ManualClock } from './manual-clock.ts'

const minute = 60_000
const el9 = new Map([['packages', [parseRootPattern('el9')]]])

function setUp({ leased = false } = {}) {
  const clock = new ManualClock(() => 0.5)
  const events = new WorkerEvents()
  const calls: string[] = []
  const failed: unknown[] = []
  events.subscribe((name, event) => {
    if (name === 'upkeep-failed' && 'error' in event) failed.push(event.error)
  })
  const state = { fails: false, isTaken: false }
  const openBucket = () => new MemoryStore()
  const job = siteJob({
    writeSite: async ({ root }) => {
      calls.push(root)
      if (state.fails) throw new Error('out')
      return { files: 10, written: 2, deleted: 0 }
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
  return { clock, calls, failed, state, settle, upkeep, pass: (minutes: number) => clock.pass(minutes * minute) }
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
