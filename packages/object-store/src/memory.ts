import { createHash } from 'node:crypto'
import { readBody } from './body.ts'
import { copyByStreaming } from './copy-by-streaming.ts'
import { parseETag } from './etag.ts'
import { checkKey, compareKeys } from './key.ts'
import {
  type ClockOptions,
  type CopyOptions,
  type CopyOutcome,
  type CopySource,
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
  StoreError,
} from './port.ts'
import { holds } from './put-condition.ts'
import { checkRange, clampRange } from './range.ts'
import { bodySize, verifiedSource } from './verified-source.ts'

export interface MemoryStoreOptions {
  /** For messages. Default `memory`. */
  readonly name?: string
  /** The store's clock, by which `lastModified` is. Default: the time of day. */
  readonly clock?: () => Date
  /** Whose SHA-256 `head` knows: of every object, of those put with one (as S3), or of none. Default `always`. */
  readonly sha256?: 'always' | 'promised' | 'never'
  /** `ignored` stores whatever the condition says, `unsupported` refuses it: as some S3-compatible servers do. Default `honoured`. */
  readonly conditions?: 'honoured' | 'ignored' | 'unsupported'
}

interface StoredObject {
  readonly head: ObjectHead
  readonly bytes: Uint8Array
}

/** Objects in a map. As in S3 the ETag is the MD5 of the content, so the same bytes stored again are the same version. */
export class MemoryStore implements ObjectStore {
  readonly name: string
  readonly #clock: () => Date
  readonly #sha256: 'always' | 'promised' | 'never'
  readonly #conditions: 'honoured' | 'ignored' | 'unsupported'
  readonly #objects = new Map<string, StoredObject>()

  constructor(options: MemoryStoreOptions = {}) {
    this.name = options.name ?? 'memory'
    this.#clock = options.clock ?? (() => new Date())
    this.#sha256 = options.sha256 ?? 'always'
    this.#conditions = options.conditions ?? 'honoured'
  }

  async get(key: string, options: GetOptions = {}): Promise<GetOutcome> {
    checkKey(key, this.name)
    options.signal?.throwIfAborted()
    if (options.range !== undefined) checkRange(options.range)
    const object = this.#objects.get(key)
    if (object === undefined) return { kind: 'absent' }
    if (options.ifMatch !== undefined && object.head.etag !== options.ifMatch) return { kind: 'changed' }
    if (options.ifNoneMatch === object.head.etag) return { kind: 'unchanged' }
    const { start, end } = clampRange(options.range, object.bytes.length)
    return { kind: 'found', head: object.head, body: chunks(object.bytes.subarray(start, end), options.signal) }
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<ObjectHead | undefined> {
    checkKey(key, this.name)
    options.signal?.throwIfAborted()
    return this.#objects.get(key)?.head
  }

  async put(key: string, body: PutBody, condition: PutCondition, options: PutOptions = {}): Promise<PutOutcome> {
    checkKey(key, this.name)
    options.signal?.throwIfAborted()
    if (condition.if !== 'always' && this.#conditions === 'unsupported') {
      throw new StoreError('UNSUPPORTED', `${this.name}: does not do "if ${condition.if}"`, { store: this.name, key })
    }
    const source = verifiedSource(body, { ...options, subject: { store: this.name, key } })
    // Copied: the caller may go on to reuse its buffers.
    const bytes = Uint8Array.from(await readBody(source, bodySize(body)))
    // Nothing is awaited from here on: condition and write are one step.
    if (this.#conditions === 'honoured' && !holds(condition, this.#objects.get(key)?.head.etag)) {
      return { kind: 'conflict' }
    }
    const etag = parseETag(createHash('md5').update(bytes).digest('hex'))
    const sha256 = this.#vouchedFor(bytes, options.sha256)
    this.#objects.set(key, {
      head: { key, etag, size: bytes.length, lastModified: this.#clock(), ...(sha256 !== undefined && { sha256 }) },
      bytes,
    })
    return { kind: 'stored', etag }
  }

  copy(source: CopySource, key: string, condition: PutCondition, options: CopyOptions = {}): Promise<CopyOutcome> {
    return copyByStreaming(source, this, key, condition, options)
  }

  async delete(
    key: string,
    options: DeleteOptions = {},
  ): Promise<{ readonly kind: 'deleted' } | { readonly kind: 'conflict' }> {
    checkKey(key, this.name)
    options.signal?.throwIfAborted()
    const object = this.#objects.get(key)
    if (object !== undefined && options.ifMatch !== undefined && object.head.etag !== options.ifMatch) {
      return { kind: 'conflict' }
    }
    this.#objects.delete(key)
    return { kind: 'deleted' }
  }

  /** What stands there when the listing starts; an object that is gone by its turn is left out. */
  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    const { startAfter, signal } = options
    const keys = [...this.#objects.keys()].filter(
      (key) => key.startsWith(prefix) && (startAfter === undefined || compareKeys(key, startAfter) > 0),
    )
    for (const key of keys.sort(compareKeys)) {
      signal?.throwIfAborted()
      const object = this.#objects.get(key)
      if (object === undefined) continue
      const { etag, size, lastModified } = object.head
      yield { key, etag, size, lastModified }
    }
  }

  async clock(options: ClockOptions = {}): Promise<Date> {
    options.signal?.throwIfAborted()
    return this.#clock()
  }

  async close(): Promise<void> {}

  #vouchedFor(bytes: Uint8Array, promised: string | undefined): string | undefined {
    if (this.#sha256 === 'never') return undefined
    return promised ?? (this.#sha256 === 'always' ? createHash('sha256').update(bytes).digest('hex') : undefined)
  }
}

/** In pieces, so that who reads it meets the boundaries that a network has. */
async function* chunks(bytes: Uint8Array, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const chunkBytes = 64 * 1024
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
    signal?.throwIfAborted()
    yield bytes.slice(offset, offset + chunkBytes)
  }
}
