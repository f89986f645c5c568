import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Reconcile } from '../src/reconcile.ts'
import { bench, covered, keysOf, notification } from './bench.ts'

/** What one call of reconcile does: it covers, or fails, after a time; keys of `bad` packages are refused whatever it does. */
const call = fc.record({ ms: fc.constantFrom(0, 10, 3_000, 90_000), fails: fc.boolean() })
const root = fc.constantFrom('el8', 'el9')
const name = fc.constantFrom('a', 'b', 'c', 'bad')
const key = fc.tuple(root, name).map(([directory, file]) => `${directory}/${file}.rpm`)
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      keys: fc.uniqueArray(key, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(100, 1_900, 5_000, 70_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('receive-fails' as const), times: fc.integer({ min: 1, max: 3 }) }),
  },
)
/** Chance decides in turn whether one more of these happens. */
const faults = fc.record({
  duplicates: fc.array(fc.boolean(), { maxLength: 30 }),
  deletes: fc.array(fc.boolean(), { maxLength: 10 }),
  extensions: fc.array(fc.boolean(), { maxLength: 10 }),
})

describe('for any interleaving of deliveries, faults and refusals', () => {
  it('no message is deleted before all of its keys are covered, and none is lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 15 }),
        fc.array(call, { maxLength: 10 }),
        faults,
        fc.option(fc.constantFrom(0, 1_000, 40_000), { nil: undefined }),
        async (steps, calls, { duplicates, deletes, extensions }, stopAfterMs) => {
          let moment = 0
          /** When the call began that covered a key last, and when a message was sent. */
          const coveredSince = new Map<string, number>()
          const sent = new Map<string, { readonly at: number; readonly body: string }>()
          const reconcile: Reconcile = async (location, keys) => {
            const { ms, fails } = calls.shift() ?? { ms: 10, fails: false }
            moment += 1
            const began = moment
            await new Promise<void>((resolve) => clock.after(ms, resolve))
            if (fails) throw new Error('a fault')
            const isBad = (one: string) => one.includes('bad')
            for (const one of keys) if (!isBad(one)) coveredSince.set(`${location.store.name}/${one}`, began)
            const refused = { kind: 'refused' as const, code: 'BAD', reason: 'bad' }
            return { verdicts: new Map([...keys].map((one) => [one, isBad(one) ? refused : covered])) }
          }
          const { worker, queue, clock } = bench({
            reconcile,
            concurrency: 2,
            messagesMax: 8,
            visibilityTimeoutSeconds: 30,
          })
          queue.duplicate = () => duplicates.shift() ?? false
          const fault = (id: string, final: boolean) => ({ id, code: 'InternalError', message: 'a fault', final })
          queue.failDelete = (id) => (deletes.shift() ? fault(id, false) : undefined)
          queue.failVisibility = (id) => (extensions.shift() ? fault(id, true) : undefined)
          const deletedTooSoon: string[] = []
          queue.onDelete = (id) => {
            const message = sent.get(id)
            const isCovered = (one: string) => (coveredSince.get(one) ?? -1) > (message?.at ?? Number.POSITIVE_INFINITY)
            if (!keysOf(message?.body ?? '').every(isCovered)) deletedTooSoon.push(id)
          }

          worker.start()
          for (const [index, next] of steps.entries()) {
            if (next.do === 'pass') await clock.pass(next.ms)
            if (next.do === 'receive-fails') queue.receiveFailures += next.times
            if (next.do === 'send') {
              const body = notification(...next.keys)
              sent.set(`m${index}`, { at: moment, body })
              queue.send(`m${index}`, body)
            }
          }
          if (stopAfterMs !== undefined) {
            await clock.pass(stopAfterMs)
            const stopped = worker.stop()
            await clock.pass(60_000)
            await stopped
          } else {
            await clock.pass(4 * 3_600_000)
          }
          expect(deletedTooSoon).toEqual([])
          for (const [id, { body }] of sent) {
            // Deleted, or still there: nothing in between.
            expect(queue.deleted.includes(id) !== queue.messages.has(id)).toBe(true)
            if (stopAfterMs !== undefined) continue
            expect([id, queue.deleted.includes(id)]).toEqual([id, !body.includes('bad')])
          }
          if (stopAfterMs === undefined) await worker.stop()
          await clock.pass(31_000)
          for (const id of queue.messages.keys())
            expect([id, queue.isVisible(id) || queue.visibilityChanges.some((change) => change.id === id)]).toEqual([
              id,
              true,
            ])
        },
      ),
      { numRuns: 60 },
    )
  })
})
