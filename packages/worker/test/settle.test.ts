import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WorkerEvents } from '../src/events.ts'
import { Inbox } from '../src/inbox.ts'
import { backOffSeconds, judge, Settler } from '../src/settle.ts'
import { FakeQueue } from './fake-queue.ts'
import { ManualClock } from './manual-clock.ts'

const half = () => 0.5
const refusal = { code: 'BAD', reason: 'bad', key: 'a.rpm' }

describe('the verdict on a message', () => {
  it.each([
    ['nothing went wrong', [], [], { kind: 'delete' }],
    ['a key was refused', [refusal], [], { kind: 'refused', afterSeconds: 4 }],
    ['there was a fault', [], [new Error('out')], { kind: 'retry', afterSeconds: 80 }],
    ['a key was refused and there was a fault', [refusal], [new Error('out')], { kind: 'retry', afterSeconds: 80 }],
  ])('where %s', (_what, refusals, faults, verdict) => {
    expect(judge({ refusals, faults, receiveCount: 3 }, half)).toEqual(verdict)
  })

  it('never delays beyond its bound nor below a second, whatever the count and chance', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 }),
        chance,
        fc.integer({ min: 1, max: 30 }),
        (attempt, random, firstSeconds) => {
          const seconds = backOffSeconds(attempt, { firstSeconds, mostSeconds: 900 }, () => random)
          expect(Number.isInteger(seconds)).toBe(true)
          expect(seconds).toBeGreaterThanOrEqual(1)
          expect(seconds).toBeLessThanOrEqual(900 * 1.25)
          expect(backOffSeconds(attempt + 1, { firstSeconds, mostSeconds: 900 }, () => random)).toBeGreaterThanOrEqual(
            seconds,
          )
        },
      ),
    )
  })
})

describe('deleting', () => {
  async function held() {
    const clock = new ManualClock()
    const queue = new FakeQueue(clock, { visibilityTimeoutSeconds: 30 })
    const inbox = new Inbox({ visibilityTimeoutMs: 30_000 })
    const settler = new Settler({ queue, inbox, clock, events: new WorkerEvents() })
    const received = new Promise<void>((resolve) => {
      queue.send('m1', 'x')
      queue.send('m2', 'x')
      const subscription = queue.subscribe({
        ready: async () => {},
        deliver: async (deliveries) => {
          for (const delivery of deliveries) inbox.accept(delivery, 0)
          void subscription.stop()
          resolve()
        },
        empty: () => {},
        failed: () => {},
      })
    })
    await received
    return { clock, queue, inbox, settler }
  }

  it('is tried again for what failed, and not for what cannot succeed', async () => {
    const { clock, queue, inbox, settler } = await held()
    let failures = 2
    queue.failDelete = (id) => {
      if (id === 'm2') return { id, code: 'ReceiptHandleIsInvalid', message: 'expired', final: true }
      return failures-- > 0 ? { id, code: 'InternalError', message: 'later', final: false } : undefined
    }
    const done = settler.delete([...inbox])
    await clock.pass(10_000)
    expect(await done).toBe(1)
    expect(queue.deleted).toEqual(['m1'])
    expect(inbox.size).toBe(0)
  })

  it('is given up after three times, and the message is let go', async () => {
    const { clock, queue, inbox, settler } = await held()
    let tries = 0
    queue.failDelete = (id) => {
      tries += 1
      return { id, code: 'InternalError', message: 'later', final: false }
    }
    const done = settler.delete([...inbox])
    await clock.pass(10_000)
    expect([await done, tries, inbox.size]).toEqual([2, 6, 0])
  })
})
