/**
 * What happens in a run: who works, what people do to the bucket, and in which order everything gets its turn.
 */
import * as fc from 'fast-check'
import { contents } from './packages.ts'

export interface Scenario {
  readonly addWorkers: number
  readonly removeWorkers: number
  /** Whether the store can say the digest of an object. */
  readonly storeKnowsSha256: boolean
  /** How far the clock of each process is off. Milliseconds. */
  readonly clockOffsetsMs: readonly number[]
  readonly deeds: readonly Deed[]
  readonly mishaps: Mishaps
  /** One number for each turn; when they are used up everything goes on as it comes, without faults. */
  readonly turns: readonly number[]
}

/** What may go wrong at all in a run: some bugs show only where most things go right. */
export interface Mishaps {
  readonly faults: boolean
  readonly kills: boolean
  readonly duplicates: boolean
  /** Time passes while calls are under way: slow workers, messages that come back. */
  readonly delays: boolean
  /** One of the processes gets no turn for a while, and all others do. */
  readonly freezes: boolean
}

/** What people and programs beside the workers do. */
export type Deed =
  | { readonly kind: 'upload'; readonly path: string; readonly content: number }
  | { readonly kind: 'delete'; readonly path: string }
  /** After so much time in which nobody got an answer. Milliseconds. */
  | { readonly kind: 'clean up' | 'look again'; readonly afterMs: number }

/** Mostly one and the same: there everybody meets. */
const path = fc.oneof(
  { weight: 4, arbitrary: fc.constant('a.rpm') },
  { weight: 1, arbitrary: fc.constantFrom('b.rpm', 'c.rpm') },
)
const hour = 3_600_000

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('upload' as const),
      path,
      content: fc.oneof(
        { weight: 9, arbitrary: fc.nat(contents.length - 2) },
        { weight: 1, arbitrary: fc.constant(contents.length - 1) },
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), path }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('clean up' as const, 'clean up' as const, 'look again' as const),
      afterMs: fc.constantFrom(0, 0, 100_000, 200_000),
    }),
  },
)

export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  addWorkers: fc.integer({ min: 1, max: 3 }),
  removeWorkers: fc.integer({ min: 1, max: 2 }),
  storeKnowsSha256: fc.boolean(),
  clockOffsetsMs: fc.array(fc.constantFrom(0, -3 * hour, 400 * 24 * hour), { minLength: 3, maxLength: 3 }),
  deeds: fc.array(deed, { minLength: 1, maxLength: 14, size: 'max' }),
  mishaps: fc.record({
    faults: fc.boolean(),
    kills: fc.boolean(),
    duplicates: fc.boolean(),
    delays: fc.boolean(),
    freezes: fc.boolean(),
  }),
  turns: fc.array(fc.nat(2 ** 24 - 1), { maxLength: 400, size: 'max' }),
})
