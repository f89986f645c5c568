import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Reconcile } from '../src/reconcile.ts'
import { bench, covered, notification } from './bench.ts'

const refusesPoison: Reconcile = async (_location, keys) => ({
  verdicts: new Map(
    [...keys].map((key) => [
      key,
      key.endsWith('poison.rpm') ? { kind: 'refused', code: 'CUT_OFF', reason: 'it is cut off' } : covered,
    ]),
  ),
})

it('a package that can never be indexed holds up others by no more than its own batch, while it is tried to its end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 0, max: 5_000 }),
      async (arrivals, maxReceiveCount, publishMs) => {
        const made = bench({
          maxReceiveCount,
          windows: { quietMs: 1_000, longestWaitMs: 3_000, keysMax: 1_000 },
          reconcile: async (...args) => {
            await new Promise<void>((resolve) => made.clock.after(publishMs, resolve))
            return await refusesPoison(...args)
          },
        })
        const { worker, queue, clock, calls, log } = made
        worker.start()
        queue.send('poison', notification('el9/poison.rpm'))
        for (const [number, at] of arrivals.entries()) {
          clock.after(at, () => queue.send(`m${number}`, notification(`el9/${number}.rpm`)))
        }
        await clock.pass(400_000)

        expect(queue.deadLetters).toEqual(['poison'])
        expect(log.filter(({ name }) => name === 'refused').map(({ event }) => event)).toMatchObject(
          Array.from({ length: maxReceiveCount }, (_, at) => ({ messageId: 'poison', receiveCount: at + 1 })),
        )
        expect(queue.deleted.toSorted()).toEqual(arrivals.map((_, number) => `m${number}`).toSorted())
        for (const number of arrivals.keys()) {
          // Published once, at its first delivery …
          expect(calls.filter(({ keys }) => keys.includes(`el9/${number}.rpm`)).length).toBe(1)
          const isOf = (name: string) => (entry: (typeof log)[number]) =>
            entry.name === name && 'messageId' in entry.event && entry.event.messageId === `m${number}`
          expect(log.filter(isOf('received')).length).toBe(1)
          // … and between its arrival and its publish the poison alone was looked at once at most.
          const waited = log.slice(log.findIndex(isOf('received')), log.findIndex(isOf('deleted')))
          const ownBatches = waited.filter(({ name, event }) => name === 'batch-settled' && isOfPoisonAlone(event))
          expect(ownBatches.length).toBeLessThanOrEqual(1)
        }
        await worker.stop()
      },
    ),
    { numRuns: 60 },
  )
})

function isOfPoisonAlone(event: object): boolean {
  return (
    'refused' in event &&
    event.refused === 1 &&
    'changes' in event &&
    JSON.stringify(event.changes).includes('"added":0')
  )
}
