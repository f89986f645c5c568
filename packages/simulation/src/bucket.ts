/**
 * The bucket that everybody shares, with its history: what stood at each key from when on.
 */
import { MemoryStore, type ObjectStore } from '@repokeeper/object-store'
import type { Scheduler } from './scheduler.ts'

/** What stands at a key from one moment on; moments are counted, since many things happen within one millisecond. */
export interface Version {
  readonly moment: number
  /** Milliseconds of simulated time. */
  readonly at: number
  /** `undefined`: nothing stands there. */
  readonly bytes: Buffer | undefined
  /** Seconds since 1970, as the store tells it. */
  readonly modified: number
}

/** By the store's own clock a run begins here. */
const epochMs = Date.UTC(2026, 0, 1)

export class Bucket {
  readonly store: ObjectStore
  /** Called at the moment of each change, before anything else can happen. */
  onChange: (key: string, version: Version) => void = () => {}
  readonly #scheduler: Scheduler
  readonly #history = new Map<string, Version[]>()
  #moment = 0

  /** @param knowsSha256 whether the store can say the digest of an object */
  constructor(scheduler: Scheduler, knowsSha256: boolean) {
    this.#scheduler = scheduler
    this.store = new MemoryStore({
      name: 's3://bucket',
      clock: () => this.clock(),
      sha256: knowsSha256 ? 'always' : 'promised',
    })
  }

  /** Whole seconds, as S3 tells them. */
  clock(): Date {
    return new Date(Math.floor((epochMs + this.#scheduler.now) / 1000) * 1000)
  }

  /** Counts everything that anybody wants to have an order. */
  nextMoment(): number {
    this.#moment += 1
    return this.#moment
  }

  /** To be called as soon as the store has taken it. `bytes` absent: it was deleted. */
  record(key: string, bytes: Uint8Array | undefined): void {
    const history = this.#history.get(key) ?? []
    const version: Version = {
      moment: this.nextMoment(),
      at: this.#scheduler.now,
      bytes: bytes === undefined ? undefined : Buffer.from(bytes),
      modified: this.clock().getTime() / 1000,
    }
    history.push(version)
    this.#history.set(key, history)
    this.onChange(key, version)
  }

  at(key: string): Version | undefined {
    return this.#history.get(key)?.at(-1)
  }

  /** All versions that stood there at that moment or later. */
  since(key: string, moment: number): readonly Version[] {
    const history = this.#history.get(key) ?? []
    const first = history.findLastIndex((version) => version.moment <= moment)
    return history.slice(Math.max(0, first))
  }

  keys(): readonly string[] {
    return [...this.#history.keys()].filter((key) => this.at(key)?.bytes !== undefined)
  }
}
