/**
 * Folders that were made by MKCOL and that nothing lies in yet. A store knows folders by what lies in them; so these are remembered here, for
 * clients that make a folder before they put something into it, and forgotten with the process.
 */
export class MadeFolders {
  /** In the order of their making, each with its slash at the end. */
  readonly #keys = new Set<string>()

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  add(key: string): void {
    this.#keys.add(key)
    for (const oldest of this.#keys) {
      if (this.#keys.size <= foldersMax) break
      this.#keys.delete(oldest)
    }
  }

  remove(key: string): void {
    this.#keys.delete(key)
  }

  /** The names of those that lie directly in a folder. */
  in(folder: string): string[] {
    const below = [...this.#keys].filter((key) => key.startsWith(folder) && key !== folder)
    return below.map((key) => key.slice(folder.length)).filter((name) => name.indexOf('/') === name.length - 1)
  }
}

/** Of more the oldest are forgotten. */
const foldersMax = 10_000
