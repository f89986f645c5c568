/**
 * Locks that WebDAV clients take: RFC 4918, section 6. They live in this process, and end with it: another door in front of the same store knows
 * nothing of them. What a door does to the store is done by compare-and-swap in any case, so a lock is a courtesy among clients of one door,
 * and never what keeps the store whole.
 *
 * All are exclusive write locks, so there is one at most on each path.
 */
import { randomUUID } from 'node:crypto'

export interface Lock {
  /** `urn:uuid:…` */
  readonly token: string
  /** What it was taken on, below the top of the door and without a slash at its end; empty: the top. */
  readonly root: string
  readonly depth: '0' | 'infinity'
  /** As the client calls itself; shown to others as it is. */
  readonly owner: LockOwner | undefined
  /** Who took it, where that is known: nobody else may use it. */
  readonly user: string | undefined
  /** Who took it, for the number of locks that one may have. */
  readonly holder: string
  readonly secondsLeft: number
}

export interface LockOwner {
  readonly kind: 'text' | 'href'
  readonly text: string
}

export type Taken =
  | { readonly kind: 'locked'; readonly lock: Lock }
  /** It is, or would be, in the way of this one. */
  | { readonly kind: 'taken'; readonly by: Lock }
  | { readonly kind: 'too many' }

export interface LockLimits {
  readonly locksMax: number
  /** Of one holder. davfs2 takes one for each file of a tree that it copies, and writes them later, one by one. */
  readonly locksOfOneMax: number
}

const usualLimits: LockLimits = { locksMax: 50_000, locksOfOneMax: 10_000 }
/** Where there is no room, ended ones are looked for so often. */
const sweepMs = 1_000
/** A client that lives on renews it; one that is gone is not to be waited for longer. */
export const secondsMax = 3_600

export class Locks {
  readonly #now: () => number
  readonly #limits: LockLimits
  /** By their roots. */
  readonly #locks = new Map<string, { readonly lock: Lock; readonly until: number }>()
  /** How many each holder has. */
  readonly #counts = new Map<string, number>()

  #sweptAt = Number.NEGATIVE_INFINITY

  /** @param now milliseconds */
  constructor(now: () => number, limits: LockLimits = usualLimits) {
    this.#now = now
    this.#limits = limits
  }

  take(wanted: Omit<Lock, 'token'>): Taken {
    const [by] = [...this.covering(wanted.root), ...(wanted.depth === 'infinity' ? this.below(wanted.root) : [])]
    if (by !== undefined) return { kind: 'taken', by }
    if (this.#isFull(wanted.holder)) this.#forgetEnded()
    if (this.#isFull(wanted.holder)) return { kind: 'too many' }
    const lock = { ...wanted, token: `urn:uuid:${randomUUID()}` }
    this.#hold(lock)
    return { kind: 'locked', lock }
  }

  /** From now on it holds for so long. */
  refresh(lock: Lock, seconds: number): Lock {
    const renewed = { ...lock, secondsLeft: seconds }
    this.#hold(renewed)
    return renewed
  }

  release({ root, token }: Lock): void {
    if (this.#locks.get(root)?.lock.token === token) this.#remove(root)
  }

  /** What lay there is gone, and a lock on it with it; one on a folder above it stays. */
  releaseRoot(path: string): void {
    this.#remove(bare(path))
  }

  /** The locks that it lies under. */
  covering(path: string): Lock[] {
    const own = bare(path)
    const above = foldersAbove(own).map((folder) => this.#at(folder))
    return [this.#at(own), ...above.filter((lock) => lock?.depth === 'infinity')].filter((lock) => lock !== undefined)
  }

  /**
   * The locks whose tokens are needed to write there. Section 7.4: a lock on a folder alone is one on what it has in it. (That a file of
   * the same name may be written anew is not told apart: here a name is written once.)
   */
  binding(path: string): Lock[] {
    const [folder] = foldersAbove(bare(path))
    const onFolder = folder === undefined ? undefined : this.#at(folder)
    return [...this.covering(path), ...(onFolder?.depth === '0' ? [onFolder] : [])]
  }

  /** Those that were taken on something in a folder. */
  below(folder: string): Lock[] {
    const start = folder === '' ? '' : `${bare(folder)}/`
    const roots = [...this.#locks.keys()].filter((root) => root !== bare(folder) && root.startsWith(start))
    return roots.map((root) => this.#at(root)).filter((lock) => lock !== undefined)
  }

  #at(root: string): Lock | undefined {
    const found = this.#locks.get(root)
    if (found === undefined) return undefined
    const secondsLeft = Math.ceil((found.until - this.#now()) / 1000)
    if (secondsLeft > 0) return { ...found.lock, secondsLeft }
    this.#remove(root)
    return undefined
  }

  #hold(lock: Lock): void {
    if (!this.#locks.has(lock.root)) this.#count(lock.holder, 1)
    this.#locks.set(lock.root, { lock, until: this.#now() + lock.secondsLeft * 1000 })
  }

  #remove(root: string): void {
    const found = this.#locks.get(root)
    if (found !== undefined) this.#count(found.lock.holder, -1)
    this.#locks.delete(root)
  }

  #count(holder: string, more: 1 | -1): void {
    const count = (this.#counts.get(holder) ?? 0) + more
    if (count > 0) this.#counts.set(holder, count)
    else this.#counts.delete(holder)
  }

  #isFull(holder: string): boolean {
    const { locksMax, locksOfOneMax } = this.#limits
    return this.#locks.size >= locksMax || (this.#counts.get(holder) ?? 0) >= locksOfOneMax
  }

  #forgetEnded(): void {
    if (this.#now() - this.#sweptAt < sweepMs) return
    this.#sweptAt = this.#now()
    for (const root of [...this.#locks.keys()]) this.#at(root)
  }
}

/** Its folder first, the top last. */
function foldersAbove(path: string): string[] {
  if (path === '') return []
  const folders: string[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) folders.push(path.slice(0, end))
  return [...folders, '']
}

function bare(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}
