import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import type { ETag, GetOptions, ListOptions, ObjectStore } from '../src/index.ts'
import { describeBodies } from './contract-bodies.ts'
import { describeClock } from './contract-clock.ts'
import { describeConditions } from './contract-conditions.ts'
import { describeCopies } from './contract-copies.ts'
import { describeList } from './contract-list.ts'
import { describeModel } from './contract-model.ts'
import { describeReading } from './contract-reading.ts'
import { bytesOf, keysOf, readFrom } from './texts.ts'

export interface StoreUnderTest {
  readonly store: ObjectStore
  /** Another client of the same storage, as another process would have. */
  another(): ObjectStore
  /** Puts the storage's own clock forward, for all clients. */
  advance(milliseconds: number): void
  close(): Promise<void>
}

export interface Traits {
  /** Whether `a//b` and `a/` are keys. */
  readonly emptySegments: boolean
  /** Whether `head` knows the SHA-256 of an object that was put with one. */
  readonly vouchesForPromised: boolean
  /** Whether big bodies pass through in constant memory. */
  readonly streams: boolean
  /** Property runs; a store behind HTTP gets fewer. */
  readonly runs: number
}

/** What every store has to do. Each test works under a prefix of its own in one storage. */
/** Where a test works. */
export interface Room {
  readonly traits: Traits
  readonly under: StoreUnderTest
  readonly store: ObjectStore
  /** What the keys of this test begin with. */
  readonly at: string
  put(key: string, text: string): Promise<ETag>
  read(key: string, options?: GetOptions): Promise<string>
  keys(prefix: string, options?: ListOptions): Promise<string[]>
}

/** What every store has to do. Each test works under a prefix of its own in one storage. */
export function describeStore(title: string, start: () => Promise<StoreUnderTest>, traits: Traits): void {
  describe(title, () => {
    let started: StoreUnderTest | undefined
    let tests = 0
    beforeAll(async () => {
      started = await start()
    })
    afterAll(() => started?.close())
    beforeEach(() => {
      tests += 1
    })

    const room: Room = {
      traits,
      get under() {
        if (started === undefined) throw new Error('the store is opened before the first test')
        return started
      },
      get store() {
        return room.under.store
      },
      get at() {
        return `test-${tests}/`
      },
      async put(key, text) {
        const outcome = await room.store.put(key, bytesOf(text), { if: 'always' })
        if (outcome.kind !== 'stored') throw new Error(`${key}: ${outcome.kind}`)
        return outcome.etag
      },
      read: (key, options) => readFrom(room.store, key, options),
      keys: (prefix, options) => keysOf(room.store, prefix, options),
    }
    describeReading(room)
    describeCopies(room)
    describeConditions(room)
    describeList(room)
    describeBodies(room)
    describeModel(room)
    // Last: from here on the storage's clock is not this machine's.
    describeClock(room)
  })
}
