import { placeId, type RepositoryPlace } from './roots.ts'

export type { RepositoryPlace }

/** Keys of one repository that are reconciled together, and who waits for each. */
export interface Batch extends RepositoryPlace {
  /** Key → ids of the messages that named it; never empty, at most `keysMax` keys. */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>
  /** Milliseconds of the caller's clock: when the first change came. */
  readonly openedAt: number
}

export interface BatchWindows {
  /** Milliseconds without a further change of the repository after which its batch closes. */
  readonly quietMs: number
  /** Milliseconds after its first change at which a batch closes at the latest. */
  readonly longestWaitMs: number
  /** A batch with this many keys is closed; further changes open the next one. */
  readonly keysMax: number
}

interface OpenBatch extends RepositoryPlace {
  readonly keys: Map<string, Set<string>>
  readonly openedAt: number
  lastChangeAt: number
}

/**
 * Gathers changes into one batch per repository. State without effects: the caller gives the time, in milliseconds of any clock that
 * doesn't run backwards, asks `wakeAt` when to come again, and takes what is due.
 */
export class Batches {
  readonly #windows: BatchWindows
  /** Of each repository in the order of their opening; all but the last are full. */
  readonly #open = new Map<string, OpenBatch[]>()

  constructor(windows: BatchWindows) {
    this.#windows = windows
  }

  /** A message names a key of a repository. One that is gathered already with this message does not prolong the quiet window. */
  add(place: RepositoryPlace, key: string, messageId: string, now: number): void {
    const id = placeId(place)
    const queue = this.#open.get(id) ?? []
    this.#open.set(id, queue)
    let batch = queue.find(({ keys }) => keys.has(key)) ?? queue.at(-1)
    if (batch === undefined || (batch.keys.size >= this.#windows.keysMax && !batch.keys.has(key))) {
      batch = { bucket: place.bucket, root: place.root, keys: new Map(), openedAt: now, lastChangeAt: now }
      queue.push(batch)
    }
    const waiting = batch.keys.get(key) ?? new Set()
    if (waiting.has(messageId)) return
    batch.keys.set(key, waiting.add(messageId))
    batch.lastChangeAt = now
  }

  /**
   * When the first batch of the repositories that `free` allows closes, in the caller's clock; it may lie in the past. `undefined`: nothing
   * is gathered for them.
   */
  wakeAt(free: (place: RepositoryPlace) => boolean = () => true): number | undefined {
    let first: number | undefined
    for (const batch of this.#firsts(free)) {
      const closes = this.#closesAt(batch)
      if (first === undefined || closes < first) first = closes
    }
    return first
  }

  /**
   * Takes out the batch that is due longest, or nothing. Repositories that are not `free` (one of their batches is being published) go on
   * gathering: their next batch is the fuller for it.
   */
  takeDue(now: number, free: (place: RepositoryPlace) => boolean = () => true): Batch | undefined {
    let due: OpenBatch | undefined
    for (const batch of this.#firsts(free)) {
      if (this.#closesAt(batch) > now) continue
      if (due === undefined || this.#closesAt(batch) < this.#closesAt(due)) due = batch
    }
    if (due !== undefined) this.#remove(due)
    return due
  }

  /** Takes out what was gathered first for one repository, closed or not. */
  take(place: RepositoryPlace): Batch | undefined {
    const first = this.#open.get(placeId(place))?.[0]
    if (first !== undefined) this.#remove(first)
    return first
  }

  /** Takes out everything, closed or not, in the order of opening within each repository. */
  takeAll(): Batch[] {
    const all = [...this.#open.values()].flat()
    this.#open.clear()
    return all
  }

  /** Nothing is gathered. */
  get isEmpty(): boolean {
    return this.#open.size === 0
  }

  *#firsts(free: (place: RepositoryPlace) => boolean): Iterable<OpenBatch> {
    for (const [first] of this.#open.values()) {
      if (first !== undefined && free(first)) yield first
    }
  }

  #closesAt(batch: OpenBatch): number {
    // A full batch has been due since its last change. One that others queue behind is full.
    const quietMs = batch.keys.size >= this.#windows.keysMax ? 0 : this.#windows.quietMs
    return Math.min(batch.lastChangeAt + quietMs, batch.openedAt + this.#windows.longestWaitMs)
  }

  #remove(batch: OpenBatch): void {
    const id = placeId(batch)
    const rest = (this.#open.get(id) ?? []).filter((other) => other !== batch)
    if (rest.length === 0) this.#open.delete(id)
    else this.#open.set(id, rest)
  }
}
