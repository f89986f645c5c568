/**
 * What a command says: results on stdout, everything else on stderr.
 */
import type { WriteStream } from 'node:tty'

type Stream = NodeJS.WritableStream & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>

export class Output {
  readonly #stdout: Stream
  readonly #stderr: Stream
  readonly #gone = new Set<Stream>()
  readonly #held: { readonly stream: Stream; readonly text: string }[] = []
  #holding = false

  constructor(stdout: Stream, stderr: Stream) {
    this.#stdout = stdout
    this.#stderr = stderr
    for (const stream of [stdout, stderr]) stream.on('error', (error) => this.#onError(stream, error))
  }

  /** Progress may be drawn. */
  get isTerminal(): boolean {
    return this.#stderr.isTTY === true
  }

  /** Where progress is drawn. */
  get terminal(): Stream {
    return this.#stderr
  }

  /** Nobody reads the results any more (`| head`): a command that does nothing but print may stop. */
  get isUnread(): boolean {
    return this.#gone.has(this.#stdout)
  }

  /** A line of the result. */
  print(line: string): void {
    this.#write(this.#stdout, `${visible(line)}\n`)
  }

  /** A value of the result, as one line of JSON. */
  printJson(value: unknown): void {
    this.#write(this.#stdout, `${JSON.stringify(value)}\n`)
  }

  /** A line about how it goes, or what went wrong. */
  tell(line: string): void {
    this.#write(this.#stderr, `${visible(line)}\n`)
  }

  /** Text as it is: help, and stacks. */
  writeRaw(where: 'stdout' | 'stderr', text: string): void {
    this.#write(where === 'stdout' ? this.#stdout : this.#stderr, text)
  }

  /** Lines wait until `release`: something is being drawn on the terminal. */
  hold(): void {
    this.#holding = true
  }

  release(): void {
    this.#holding = false
    for (const { stream, text } of this.#held.splice(0)) this.#write(stream, text)
  }

  /** Resolves when everything is written, or nobody is left to read it. */
  async flush(): Promise<void> {
    this.release()
    await Promise.all([this.#stdout, this.#stderr].map((stream) => this.#drained(stream)))
  }

  #write(stream: Stream, text: string): void {
    if (this.#gone.has(stream)) return
    if (this.#holding) this.#held.push({ stream, text })
    else stream.write(text)
  }

  #drained(stream: Stream): Promise<void> {
    if (this.#gone.has(stream)) return Promise.resolve()
    return new Promise((resolve) => {
      stream.once('error', () => resolve())
      stream.write('', () => resolve())
    })
  }

  /** A reader that went away is no error of the command: what it does goes on, unheard. */
  #onError(stream: Stream, error: unknown): void {
    this.#gone.add(stream)
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || stream === this.#stderr) return
    this.tell(`cannot write the result: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}

/** Names come from buckets and packages: what would steer the terminal is shown as an escape, `\x1b`. */
function visible(line: string): string {
  return line.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
