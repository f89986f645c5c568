import { StoreError } from '@repokeeper/object-store'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WorkerEvents } from '../src/events.ts'
import { RunHistory } from '../src/history.ts'
import type { Reconcile } from '../src/reconcile.ts'
import { type BenchOptions, bench, coverAll, latch, notification } from './bench.ts'

const startOfTime = Date.UTC(2026, 10, 21, 12)

/** A worker whose history is kept; its time of day goes with its clock. */
function remembered(options: BenchOptions = {}) {
  const made = bench(options)
  const history = new RunHistory(made.parts.events, {
    clock: made.clock,
    date: () => new Date(startOfTime + made.clock.now()),
  })
  return { ...made, history }
}

describe('a run', () => {
  it('says what became of its keys, what it published and what it lost', async () => {
    const reconcile: Reconcile = async (_location, _keys, { onEvent }) => {
      const repository = 's3://packages/el9/'
      onEvent({ kind: 'lost the race', repository, attempt: 1, waitMilliseconds: 5 })
      onEvent({ kind: 'published', repository, revision: '17', packages: 4, bytesSent: 1000, milliseconds: 3 })
      onEvent({ kind: 'published', repository, revision: '18', packages: 4, bytesSent: 200, milliseconds: 3 })
      return {
        verdicts: new Map([
          ['el9/new.rpm', { kind: 'covered', change: 'added' }],
          ['el9/old.rpm', { kind: 'covered', change: 'removed' }],
          ['el9/bad.rpm', { kind: 'refused', code: 'CUT_OFF', reason: '10 bytes are missing' }],
        ]),
        undecided: new Map([['el9/cold.rpm', new StoreError('ACCESS_DENIED', 'it is in an archive', { store: 'x' })]]),
      }
    }
    const { worker, queue, clock, history } = remembered({ reconcile })
    worker.start()
    queue.send('m1', notification('el9/new.rpm', 'el9/old.rpm', 'el9/bad.rpm'))
    queue.send('m2', notification('el9/bad.rpm', 'el9/cold.rpm'))
    await clock.pass(2_000)
    expect(history.runs()).toEqual([
      {
        batch: '80000000-1',
        startedAt: '2026-11-21T12:00:02.000Z',
        durationMs: 0,
        repository: 's3://packages/el9/',
        keys: 4,
        messages: 2,
        added: 1,
        replaced: 0,
        removed: 1,
        kept: 0,
        absent: 0,
        refused: 1,
        undecided: 1,
        refusals: [
          { key: 'el9/bad.rpm', code: 'CUT_OFF', reason: '10 bytes are missing', delivery: 1 },
          { key: 'el9/cold.rpm', code: 'UNDECIDED', reason: 'ACCESS_DENIED: it is in an archive' },
        ],
        publishes: 2,
        conflicts: 1,
        bytesSent: 1200,
        revision: '18',
        outcome: 'settled',
      },
    ])
    expect(JSON.parse(JSON.stringify(history.runs()))).toEqual(history.runs())
    await worker.stop()
  })

  it('counts what an inbox rejects as refused, with the reason, in the metrics as well, and settles its message', async () => {
    const reconcile: Reconcile = async (_location, _keys, { onEvent }) => {
      const key = 'el9/inbox.rpm'
      const repository = 's3://packages/el9/'
      onEvent({ kind: 'rejected', repository, key, code: 'UNSIGNED', reason: 'sign it', movedTo: 'rejected/inbox.rpm' })
      return {
        verdicts: new Map([
          [key, { kind: 'covered', change: 'absent' }],
          ['el9/gone.rpm', { kind: 'covered', change: 'absent' }],
        ]),
      }
    }
    const { worker, parts, queue, clock, history } = remembered({ reconcile })
    const measured: unknown[] = []
    parts.events.subscribe(
      (name, event) => name === 'batch-settled' && 'refused' in event && measured.push(event.refused),
    )
    worker.start()
    queue.send('m1', notification('el9/inbox.rpm', 'el9/gone.rpm'))
    await clock.pass(2_000)
    const refusals = [{ key: 'el9/inbox.rpm', code: 'UNSIGNED', reason: 'sign it' }]
    expect(history.runs()).toMatchObject([{ keys: 2, refused: 1, absent: 1, refusals, outcome: 'settled' }])
    expect({ measured, left: queue.deadLetters }).toEqual({ measured: [1], left: [] })
    await worker.stop()
  })

  it('takes as long as it takes, and is not mixed up with one of another repository', async () => {
    const el8 = latch()
    const { worker, queue, clock, history } = remembered({
      reconcile: async (location, keys, context) => {
        if (location.root === 'el8/') await el8.opened
        const repository = `s3://packages/${location.root}`
        const revision = location.root
        context.onEvent({ kind: 'published', repository, revision, packages: 1, bytesSent: 8, milliseconds: 1 })
        return await coverAll(location, keys, context)
      },
    })
    worker.start()
    queue.send('m1', notification('el8/a.rpm', 'el8/b.rpm'))
    queue.send('m2', notification('el9/a.rpm'))
    await clock.pass(5_000)
    el8.open()
    await clock.pass(0)
    expect(history.runs()).toMatchObject([
      { repository: 's3://packages/el8/', keys: 2, added: 2, durationMs: 3_000, revision: 'el8/', bytesSent: 8 },
      { repository: 's3://packages/el9/', keys: 1, added: 1, durationMs: 0, revision: 'el9/', bytesSent: 8 },
    ])
    await worker.stop()
  })

  it('that met an outage was held, one that broke has failed, both with the reason', async () => {
    const faults = [new StoreError('UNAVAILABLE', 'the store is out', { store: 's3://packages' }), new Error('broken')]
    const { worker, queue, clock, history } = remembered({
      reconcile: async (...args) => {
        const fault = faults.shift()
        if (fault !== undefined) throw fault
        return await coverAll(...args)
      },
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(60_000)
    expect(history.runs().toReversed()).toMatchObject([
      { outcome: 'held', reason: 'UNAVAILABLE: the store is out', keys: 1, added: 0 },
      { outcome: 'failed', reason: 'broken', keys: 1, added: 0 },
      { outcome: 'settled', keys: 1, added: 1 },
    ])
    expect(history.runs()[0]).not.toHaveProperty('reason')
    await worker.stop()
  })
})

it('a message that nobody can read is remembered at each of its deliveries', async () => {
  const { worker, queue, clock, history } = remembered({ maxReceiveCount: 2 })
  worker.start()
  queue.send('m1', 'hello')
  await clock.pass(30_000)
  expect(queue.deadLetters).toEqual(['m1'])
  expect(history.unreadable()).toMatchObject([
    { messageId: 'm1', delivery: 2, reason: expect.stringContaining('JSON') },
    { messageId: 'm1', delivery: 1, at: '2026-11-21T12:00:00.000Z' },
  ])
  expect(history.runs()).toEqual([])
  await worker.stop()
})

describe('what is remembered is bounded', () => {
  it('to sixty runs, the newest, and to sixty unreadable messages', () => {
    const { events, history } = listening()
    for (let number = 1; number <= 100; number += 1) {
      events.emit('batch-started', { batch: 'b-1', bucket: 'b', root: '', keys: number, messages: 1 })
      events.emit('batch-failed', { batch: 'b-1', bucket: 'b', root: '', keys: number, error: 'no' })
      events.emit('unreadable', { messageId: `m${number}`, receiveCount: 1, reason: 'no' })
    }
    expect(history.runs().map(({ keys }) => keys)).toEqual(Array.from({ length: 60 }, (_, at) => 100 - at))
    expect(history.unreadable().map(({ messageId }) => messageId)).toEqual(
      Array.from({ length: 60 }, (_, at) => `m${100 - at}`),
    )
  })

  it('to some reasons of each run, none of them long, while the counts are of all', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), fc.nat(5_000), (refused, undecided, length) => {
        const { events, history } = listening()
        const place = { batch: 'b-1', bucket: 'b', root: 'el9/' }
        events.emit('batch-started', { ...place, keys: refused + undecided, messages: 1 })
        const reason = 'x'.repeat(length)
        for (let number = 0; number < refused; number += 1) {
          const refusal = { ...place, key: `bad ${number}`, messageId: 'm', receiveCount: 3, code: 'BAD', reason }
          // Two messages name it.
          events.emit('refused', refusal)
          events.emit('refused', refusal)
        }
        for (let number = 0; number < undecided; number += 1) {
          events.emit('undecided', { ...place, key: `cold ${number}`, error: new Error(reason) })
        }
        const changes = { added: 0, replaced: 0, removed: 0, kept: 0, absent: 0 }
        events.emit('batch-settled', { ...place, changes, refused, durationMs: 1 })
        const [run] = history.runs()
        expect(run).toMatchObject({ refused, undecided })
        expect(run?.refusals.length).toBe(Math.min(20, refused + undecided))
        expect(run?.refusals.every((refusal) => refusal.reason.length <= 510)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})

it('secrets in a reason are not remembered, and after close nothing more is', () => {
  const { events, history } = listening()
  const fail = (error: unknown) => {
    events.emit('batch-started', { batch: 'b-1', bucket: 'b', root: '', keys: 1, messages: 1 })
    events.emit('batch-failed', { batch: 'b-1', bucket: 'b', root: '', keys: 1, error })
  }
  fail(new Error('https://me:secret@s3.example/b?X-Amz-Signature=abc&x=1'))
  expect(history.runs()).toMatchObject([{ reason: 'https://s3.example/b?X-Amz-Signature=…&x=1' }])
  history.close()
  fail('more')
  expect(history.runs().length).toBe(1)
})

function listening() {
  const events = new WorkerEvents()
  return { events, history: new RunHistory(events, { clock: { now: () => 0 }, date: () => new Date(0) }) }
}
