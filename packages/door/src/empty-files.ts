/**
 * Files that are there, and that nothing was written to yet: a client may lock a name before it writes to it (RFC 4918, section 7.3), or write
 * nothing to it first. Here no empty package is ever stored: such a name is remembered, shown to WebDAV clients as a file without
 * bytes, and forgotten when it is written to, given back, or its time is over.
 */
export class EmptyFiles {
  readonly #now: () => number
  /** Name below the top of the door → when it is forgotten, in the order in which they came. */
  readonly #until = new Map<string, number>()

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  has(path: string): boolean {
    const until = this.#until.get(path)
    if (until === undefined || until > this.#now()) return until !== undefined
    this.#until.delete(path)
    return false
  }

  hold(path: string, seconds = keptSeconds): void {
    this.#until.delete(path)
    this.#until.set(path, this.#now() + seconds * 1000)
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= filesMax) break
      this.#until.delete(oldest)
    }
  }

  forget(path: string): void {
    this.#until.delete(path)
  }

  /** The names of those that lie directly in a folder. @param folder empty, or with its slash at the end */
  in(folder: string): string[] {
    const below = [...this.#until.keys()].filter((path) => path.startsWith(folder) && this.has(path))
    return below.map((path) => path.slice(folder.length)).filter((name) => !name.includes('/'))
  }
}

/** Where nobody has locked it, which says for how long. */
const keptSeconds = 60
/** As many as there may be locks; of more the oldest are forgotten. */
const filesMax = 50_000
