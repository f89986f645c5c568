/**
 * Decoders with a fault, each reached by few inputs only: what the fuzz runner must find.
 */
import type { Target } from './targets.ts'

const planted = (read: Target['read']): Target => ({
  seeds: () => [{ bytes: Uint8Array.from(Buffer.from('a count follows: 7, and no more')) }],
  placesOf: () => [{ start: 17, end: 18, values: [Uint8Array.from(Buffer.from('4294967295'))] }],
  tokens: [],
  read,
})

const countIn = (bytes: Uint8Array): number => Number(/follows: (\d{10})/.exec(Buffer.from(bytes).toString())?.[1] ?? 0)

export const targets: Readonly<Record<string, Target>> = {
  'believes a count in a loop': planted(({ bytes }) => {
    const count = countIn(bytes)
    // Three hours, were nobody to look.
    for (const end = performance.now() + count / 400; performance.now() < end; );
  }),
  'waits for what never comes': planted(({ bytes }) => (countIn(bytes) > 0 ? new Promise(() => {}) : undefined)),
  'allocates what it is told': planted(({ bytes }) => {
    if (countIn(bytes) === 0) return
    // No more than shows: a small machine is to survive it.
    const kept = Array.from({ length: 40 }, () => Buffer.alloc(2 ** 24, 1))
    return new Promise((resolve) => setTimeout(() => resolve(void kept.length), 30_000))
  }),
  'fills the heap': planted(({ bytes }) => {
    if (countIn(bytes) > 0) for (const kept: object[] = []; ; ) kept.push({ kept: kept.length })
  }),
  'throws what nobody thought of': planted(({ bytes }) => void ''.repeat(-countIn(bytes))),
  'throws when nobody listens': planted(({ bytes }) => {
    if (countIn(bytes) === 0) return
    setImmediate(() => {
      throw new Error('too late')
    })
    return new Promise((resolve) => setTimeout(resolve, 1000))
  }),
}
