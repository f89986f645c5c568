import { EventEmitter } from 'node:events'

/** The reason of an aborted signal: somebody wants the command to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly code = 'INTERRUPTED'
  readonly by: NodeJS.Signals

  constructor(by: NodeJS.Signals) {
    super(`interrupted by ${by}`)
    this.by = by
  }
}

/**
 * A terminal and a launcher may both deliver what was one Ctrl-C, and timeout(1) signals the process and its group: for so long
 * after the first one the same signal counts as it.
 */
const sameSignalMs = 1_000

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Signals that ask to end: the first one aborts `signal`, so that the command can stop in order and say what was done; the
 * next one ends the process. Emits both by their name, for those who end in their own way. Where somebody listens for `reload`, SIGHUP
 * means that, as to every server, and ends nothing.
 */
export class Interruption extends EventEmitter {
  readonly #abort = new AbortController()
  #firstAt: number | undefined

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** What has interrupted the command, if anything. */
  get by(): NodeJS.Signals | undefined {
    return this.signal.reason instanceof Interrupted ? this.signal.reason.by : undefined
  }

  watch(): void {
    for (const name of signals) process.on(name, this.#onSignal)
  }

  /** Signals have their usual effect again. */
  unwatch(): void {
    for (const name of signals) process.off(name, this.#onSignal)
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    if (name === 'SIGHUP' && this.emit('reload')) return
    const now = performance.now()
    if (this.#firstAt !== undefined && now - this.#firstAt < sameSignalMs) return
    const isFirst = this.#firstAt === undefined
    this.#firstAt ??= now
    this.#abort.abort(new Interrupted(name))
    // Who listens has its own way to end; otherwise the second one is meant.
    if (this.emit(name, name) || isFirst) return
    this.unwatch()
    process.kill(process.pid, name)
  }
}
