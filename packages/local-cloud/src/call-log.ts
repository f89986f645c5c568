import type { AskedPermission } from './permissions.ts'

/** One request that was answered, or broken off. */
export interface Call {
  /** Counts up from 1, in the order in which calls ended. */
  readonly number: number
  /** When it came in, milliseconds since the epoch by local-cloud's clock. */
  readonly at: number
  readonly service: 's3' | 'sqs'
  /** AWS's name: `PutObject`, `ReceiveMessage`; `Unknown` where the request was none. */
  readonly operation: string
  readonly bucket?: string
  readonly key?: string
  readonly queue?: string
  /** The access key id of the credentials; absent for an anonymous call. */
  readonly accessKey?: string
  /** The HTTP status that the client saw; 0 where the connection was broken before one was sent. */
  readonly status: number
  /** AWS's error code, of a call that failed. */
  readonly code?: string
  /** Bytes of the request's body that were read. */
  readonly bytesIn: number
  /** Bytes of the answer's body that were sent. */
  readonly bytesOut: number
  /** The Range header as it was sent. */
  readonly range?: string
  /** What it asked of IAM, in order; the first that was not allowed is the last. */
  readonly permissions: readonly AskedPermission[]
  /** The ids of the fault rules that struck. */
  readonly faults: readonly string[]
}

/** The latest calls are kept; older ones are forgotten. */
const callsKeptMax = 100_000

export class CallLog {
  #calls: Call[] = []
  #number = 0
  readonly #waiting = new Set<(call: Call) => void>()

  add(call: Omit<Call, 'number'>): void {
    this.#number += 1
    const numbered = { number: this.#number, ...call }
    this.#calls.push(numbered)
    if (this.#calls.length > callsKeptMax * 1.1) this.#calls = this.#calls.slice(-callsKeptMax)
    for (const waiting of [...this.#waiting]) waiting(numbered)
  }

  /** In the order in which they ended. */
  list(): readonly Call[] {
    return [...this.#calls]
  }

  clear(): void {
    this.#calls = []
  }

  /** The first call, of those in the log or still to come, that is the one. */
  waitFor(isTheOne: (call: Call) => boolean): Promise<Call> {
    const found = this.#calls.find(isTheOne)
    if (found !== undefined) return Promise.resolve(found)
    return new Promise((resolve) => {
      const look = (call: Call) => {
        if (!isTheOne(call)) return
        this.#waiting.delete(look)
        resolve(call)
      }
      this.#waiting.add(look)
    })
  }
}
