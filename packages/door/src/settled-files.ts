/**
 * Files that something has happened to, until nothing happens any more: whoever writes one says neither that it begins nor that it ends.
 */
import { inParallel } from '@repokeeper/repository'
import type { Clock } from './clock.ts'

export interface SettledFilesOptions {
  /** What a file is now; equal as long as nothing was written to it. `undefined`: it is gone. */
  readonly look: (key: string) => Promise<string | undefined>
  readonly clock: Clock
  /** Called with those that have settled, or are gone: each once, and those that came together at once. */
  readonly onSettled: (keys: readonly string[]) => void
  /** A look that failed is tried again. */
  readonly onFault: (key: string, error: unknown) => void
}

interface Pending {
  /** What it was at the last look; absent before the first one. */
  state?: string | undefined
  since: number
}

/** Between two looks, and how long a file has to stay as it is. A copy that stops for longer is looked at again when it goes on. */
const lookEveryMs = 100
const stillMs = 400
/**
 * Where more than so many come together, somebody copies a whole tree: those that have settled wait for the others, so that they make one
 * publish and not one for each second of the copy.
 */
const floodMin = 20
const floodWaitMsMax = 20_000
/** Enough to keep a disk busy. */
const looksAtOnce = 32

export class SettledFiles {
  readonly #options: SettledFilesOptions
  readonly #pending = new Map<string, Pending>()
  readonly #settled = new Set<string>()
  #firstSettledAt = 0
  #cancelLook: (() => void) | undefined
  #isClosed = false

  constructor(options: SettledFilesOptions) {
    this.#options = options
  }

  /** Something has happened to it. */
  touch(key: string): void {
    this.#settled.delete(key)
    this.#pending.set(key, { since: this.#options.clock.now() })
    this.#lookLater()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelLook?.()
  }

  #lookLater(): void {
    if (this.#isClosed || this.#cancelLook !== undefined || this.#pending.size + this.#settled.size === 0) return
    this.#cancelLook = this.#options.clock.after(lookEveryMs, () => {
      void this.#lookAtAll().then(() => {
        this.#cancelLook = undefined
        this.#lookLater()
      })
    })
  }

  /** Never rejects. */
  async #lookAtAll(): Promise<void> {
    const { clock } = this.#options
    const due = [...this.#pending].filter(
      ([, { state, since }]) => state === undefined || clock.now() - since >= stillMs,
    )
    await inParallel(due, looksAtOnce, ([key, pending]) => this.#lookAt(key, pending))
    if (this.#isClosed || this.#settled.size === 0) return
    const isFlood = this.#pending.size > 0 && this.#pending.size + this.#settled.size > floodMin
    if (isFlood && clock.now() - this.#firstSettledAt < floodWaitMsMax) return
    const keys = [...this.#settled]
    this.#settled.clear()
    this.#options.onSettled(keys)
  }

  async #lookAt(key: string, pending: Pending): Promise<void> {
    const { look, clock, onFault } = this.#options
    let state: string | undefined
    try {
      state = await look(key)
    } catch (error) {
      onFault(key, error)
      pending.since = clock.now()
      return
    }
    // Touched again meanwhile: that one counts.
    if (this.#pending.get(key) !== pending) return
    if (state === undefined || state === pending.state) {
      this.#pending.delete(key)
      if (this.#settled.size === 0) this.#firstSettledAt = clock.now()
      this.#settled.add(key)
      return
    }
    pending.state = state
    pending.since = clock.now()
  }
}
