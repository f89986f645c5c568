import type { ObjectStore } from '@repokeeper/object-store'

/** The stores of buckets that somebody asks about: opened once each, beside those that the worker publishes in. */
export class KeptStores {
  readonly #openBucket: (bucket: string) => ObjectStore
  readonly #open = new Map<string, ObjectStore>()

  constructor(openBucket: (bucket: string) => ObjectStore) {
    this.#openBucket = openBucket
  }

  of(bucket: string): ObjectStore {
    const store = this.#open.get(bucket) ?? this.#openBucket(bucket)
    this.#open.set(bucket, store)
    return store
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map((store) => store.close()))
  }
}
