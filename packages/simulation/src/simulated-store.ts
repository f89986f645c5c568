/**
 * The bucket as one process reaches it: over a network that loses requests and answers.
 */
import {
  type CopyOptions,
  type CopyOutcome,
  type CopySource,
  copyByStreaming,
  type DeleteOptions,
  type GetOptions,
  type GetOutcome,
  type ListedObject,
  type ListOptions,
  type ObjectHead,
  type ObjectStore,
  type PutBody,
  type PutCondition,
  type PutOptions,
  type PutOutcome,
  readBody,
  StoreError,
} from '@repokeeper/object-store'
import type { Bucket } from './bucket.ts'
import type { Fault, Scheduler, SimulatedProcess } from './scheduler.ts'

/** A page of a listing; S3's has a thousand keys. */
const pageKeys = 3

export class SimulatedStore implements ObjectStore {
  readonly name: string
  readonly #bucket: Bucket
  readonly #scheduler: Scheduler
  readonly #process: SimulatedProcess

  constructor(bucket: Bucket, scheduler: Scheduler, process: SimulatedProcess) {
    this.name = bucket.store.name
    this.#bucket = bucket
    this.#scheduler = scheduler
    this.#process = process
  }

  async get(key: string, options: GetOptions = {}): Promise<GetOutcome> {
    options.signal?.throwIfAborted()
    const { signal: _, ...plain } = options
    const torn: Fault<GetOutcome> = {
      name: 'the body is cut off',
      tookEffect: true,
      answer: (got) => (got?.kind === 'found' ? { ...got, body: this.#cutOff(key, got.body) } : this.#unavailable(key)),
    }
    return this.#call(`GET ${key}`, () => this.#bucket.store.get(key, plain), [...this.#faults<GetOutcome>(key), torn])
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<ObjectHead | undefined> {
    options.signal?.throwIfAborted()
    return this.#call(`HEAD ${key}`, () => this.#bucket.store.head(key), this.#faults(key))
  }

  async put(key: string, body: PutBody, condition: PutCondition, options: PutOptions = {}): Promise<PutOutcome> {
    options.signal?.throwIfAborted()
    const { signal: _, ...plain } = options
    const bytes = body instanceof Uint8Array ? body : await readBody(body.open(), body.size)
    const effect = async (): Promise<PutOutcome> => {
      const outcome = await this.#bucket.store.put(key, bytes, condition, plain)
      if (outcome.kind === 'stored') this.#bucket.record(key, bytes)
      return outcome
    }
    const conditional: Fault<PutOutcome>[] = [
      { name: '409: another write is under way', tookEffect: false, answer: () => ({ kind: 'conflict' }) },
      {
        name: 'the answer is lost, and the second try meets the first',
        tookEffect: true,
        answer: () => ({ kind: 'conflict' }),
      },
    ]
    const faults = [...this.#faults<PutOutcome>(key), ...(condition.if === 'always' ? [] : conditional)]
    return this.#call(`PUT ${key} if ${condition.if}`, effect, faults)
  }

  copy(source: CopySource, key: string, condition: PutCondition, options: CopyOptions = {}): Promise<CopyOutcome> {
    return copyByStreaming(source, this, key, condition, options)
  }

  async delete(
    key: string,
    options: DeleteOptions = {},
  ): Promise<{ readonly kind: 'deleted' } | { readonly kind: 'conflict' }> {
    options.signal?.throwIfAborted()
    const { signal: _, ...plain } = options
    const effect = async () => {
      const outcome = await this.#bucket.store.delete(key, plain)
      if (outcome.kind === 'deleted' && this.#bucket.at(key)?.bytes !== undefined) this.#bucket.record(key, undefined)
      return outcome
    }
    return this.#call(`DELETE ${key}`, effect, this.#faults(key))
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    let { startAfter } = options
    while (true) {
      options.signal?.throwIfAborted()
      const page = await this.#call(
        `LIST ${prefix}`,
        async () => {
          const listed: ListedObject[] = []
          const after = startAfter === undefined ? {} : { startAfter }
          for await (const object of this.#bucket.store.list(prefix, after)) {
            listed.push(object)
            if (listed.length === pageKeys) break
          }
          return listed
        },
        this.#faults<ListedObject[]>(prefix),
      )
      yield* page
      startAfter = page.at(-1)?.key
      if (page.length < pageKeys) return
    }
  }

  async clock(): Promise<Date> {
    return this.#call('clock', () => this.#bucket.clock(), this.#faults('clock'))
  }

  async close(): Promise<void> {}

  #call<T>(label: string, effect: () => T | Promise<T>, faults: readonly Fault<T>[]): Promise<T> {
    return this.#scheduler.call(this.#process, label, effect, faults)
  }

  /** What every call may meet; retries that helped are none. */
  #faults<T>(key: string): Fault<T>[] {
    return [
      { name: 'the store answers 503', tookEffect: false, answer: () => this.#unavailable(key) },
      { name: 'the answer is lost', tookEffect: true, answer: () => this.#unavailable(key) },
    ]
  }

  #unavailable(key: string): never {
    throw new StoreError('UNAVAILABLE', `${this.name}/${key}: the store is out`, { store: this.name, key })
  }

  async *#cutOff(key: string, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      yield chunk.subarray(0, Math.floor(chunk.length / 2))
      this.#unavailable(key)
    }
  }
}
