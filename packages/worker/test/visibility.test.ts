import { describe, expect, it } from 'vitest'
import { type WorkerEventMap, WorkerEvents } from '../src/events.ts'
import { Inbox } from '../src/inbox.ts'
import type { EntryFailure, MessageQueue } from '../src/queue.ts'
import { VisibilityKeeper } from '../src/visibility.ts'
import { ManualClock } from './manual-clock.ts'

function keeper(visibilityTimeoutSeconds = 60) {
  const clock = new ManualClock()
  const inbox = new Inbox({ visibilityTimeoutMs: visibilityTimeoutSeconds * 1000 })
  const asked: {
    readonly at: number
    readonly id: string
    readonly receiptHandle: string
    readonly seconds: number
  }[] = []
  const failed: WorkerEventMap['extend-failed'][] = []
  const state = { fail: (_id: string): EntryFailure | undefined => undefined }
  const queue: MessageQueue = {
    name: 'fake',
    subscribe: () => ({ stop: async () => {} }),
    delete: async () => [],
    changeVisibility: async (entries) => {
      asked.push(...entries.map((entry) => ({ at: clock.now(), ...entry })))
      return entries.map(({ id }) => state.fail(id)).filter((failure) => failure !== undefined)
    },
  }
  const events = new WorkerEvents()
  events.subscribe((name, event) => {
    if (name === 'extend-failed' && 'final' in event) failed.push(event)
  })
  const visibility = new VisibilityKeeper({ queue, inbox, clock, events, visibilityTimeoutSeconds })
  const accept = (id: string, receiptHandle = `${id} r1`) =>
    inbox.accept({ id, receiptHandle, body: '' }, clock.now()).message
  return { clock, inbox, asked, failed, state, visibility, accept }
}

describe('a held message', () => {
  it.each([2, 30, 120, 3_600])('is never visible while it is held, with a timeout of %i s', async (timeoutSeconds) => {
    const { clock, visibility, accept } = keeper(timeoutSeconds)
    visibility.start()
    const early = accept('m1')
    await clock.pass(timeoutSeconds * 333)
    const late = accept('m2')
    for (let step = 0; step < 40; step += 1) {
      await clock.pass(timeoutSeconds * 120)
      expect(Math.min(early.invisibleUntil, late.invisibleUntil)).toBeGreaterThan(clock.now())
    }
    await visibility.stop()
  })

  it('is extended no more once it is settled or the keeper has stopped', async () => {
    const { clock, inbox, asked, visibility, accept } = keeper()
    visibility.start()
    const message = accept('m1')
    accept('m2')
    await clock.pass(16_000)
    inbox.remove(message)
    await clock.pass(60_000)
    expect(new Set(asked.map(({ id }) => id))).toEqual(new Set(['m2']))
    await visibility.stop()
    asked.length = 0
    await clock.pass(600_000)
    expect(asked).toEqual([])
  })

  it('is extended by its newest receipt handle', async () => {
    const { clock, asked, visibility, accept } = keeper()
    visibility.start()
    accept('m1')
    accept('m1', 'm1 r2')
    await clock.pass(60_000)
    expect(asked.map(({ receiptHandle }) => receiptHandle)).toEqual(['m1 r2', 'm1 r2'])
    await visibility.stop()
  })

  it('stays within the twelve hours that SQS allows, to the last second', async () => {
    const { clock, asked, failed, visibility, accept } = keeper(3_600)
    visibility.start()
    accept('m1')
    await clock.pass(50_000_000)
    for (const { at, seconds } of asked) expect(at / 1000 + seconds).toBeLessThanOrEqual(43_200)
    expect(Math.max(...asked.map(({ at, seconds }) => at / 1000 + seconds))).toBe(43_200)
    expect(failed).toMatchObject([{ messageId: 'm1', code: 'TWELVE_HOURS', final: true }])
    await visibility.stop()
  })

  it('whose extension failed for good is left alone until it is delivered again', async () => {
    const { clock, asked, failed, state, visibility, accept } = keeper()
    state.fail = (id) => ({ id, code: 'MessageNotInflight', message: 'not in flight', final: true })
    visibility.start()
    accept('m1')
    await clock.pass(600_000)
    expect([asked.length, failed.length]).toEqual([1, 1])
    state.fail = () => undefined
    accept('m1', 'm1 r2')
    await clock.pass(60_000)
    expect(asked.at(-1)).toMatchObject({ receiptHandle: 'm1 r2' })
    await visibility.stop()
  })

  it('whose extension failed for now is tried again four times per timeout at most', async () => {
    const { clock, asked, state, visibility, accept } = keeper()
    state.fail = (id) => ({ id, code: 'UNREACHABLE', message: 'out', final: false })
    visibility.start()
    accept('m1')
    await clock.pass(600_000)
    expect(asked.length).toBeGreaterThan(30)
    expect(asked.length).toBeLessThanOrEqual(40)
    await visibility.stop()
  })
})
