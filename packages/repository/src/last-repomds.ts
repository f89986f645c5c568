/**
 * The last repomd.xml of some repositories, so that a look at one that has not moved is a conditional request and nothing else.
 */
import type { RepositoryLocation } from './context.ts'
import type { StoredRepomd } from './snapshot.ts'

const repositoriesMax = 64
/** Longer ones are read again each time. */
const bytesMax = 2 ** 18

export class LastRepomds {
  /** The least recently read first. */
  readonly #known = new Map<string, StoredRepomd>()

  of(location: RepositoryLocation): StoredRepomd | undefined {
    return this.#known.get(nameOf(location))
  }

  remember(location: RepositoryLocation, stored: StoredRepomd): void {
    const name = nameOf(location)
    this.#known.delete(name)
    if (stored.bytes === undefined || stored.bytes.length > bytesMax) return
    this.#known.set(name, stored)
    const [oldest] = this.#known.keys()
    if (this.#known.size > repositoriesMax && oldest !== undefined) this.#known.delete(oldest)
  }
}

function nameOf({ store, root }: RepositoryLocation): string {
  return `${store.name}/${root}`
}
