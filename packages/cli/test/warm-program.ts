/**
 * A process that keeps the programs loaded and runs them one after the other, as its parent asks: so that only the first run pays for a start. Each
 * has the directory, the environment and the streams that a process of its own would have.
 */
import { flushCompileCache } from 'node:module'
import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Cli } from '../src/cli.ts'
import { ExitCode } from '../src/failure.ts'
import { Interruption } from '../src/interruption.ts'
import { Output } from '../src/output.ts'
import { type ProgramName, runProgram } from '../src/run-program.ts'
import { tellWarnings } from '../src/tell-warnings.ts'

/** What somebody at the terminal does as soon as he has read one of these texts. */
export interface Interrupt {
  readonly when: string | readonly string[]
  readonly signal: NodeJS.Signals
  /** Default: stdout. */
  readonly in?: 'stdout' | 'stderr'
}

export interface Order {
  readonly program: ProgramName
  readonly words: readonly string[]
  readonly directory: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly interrupt?: Interrupt | undefined
}

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

process.on('message', async (order: Order) => {
  const outcome = await carryOut(order)
  process.send?.(outcome)
  // Its parent ends without a word, and what was compiled is for the next one, too.
  flushCompileCache()
})
process.on('disconnect', () => process.exit())

async function carryOut({ program, words, directory, environment, interrupt }: Order): Promise<Outcome> {
  process.chdir(directory)
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, environment)
  const stdout = new Kept(process.stdout)
  const stderr = new Kept(process.stderr)
  const output = new Output(stdout, stderr)
  const interruption = new Interruption()
  tellWarnings(output, environment)
  interruption.watch()
  if (interrupt !== undefined) {
    const { when, signal } = interrupt
    // To those who listen: a real one would end this process where it comes too late.
    const heard = interrupt.in === 'stderr' ? stderr : stdout
    heard.onText = (text) => [when].flat().some((one) => text.includes(one)) && process.emit(signal, signal)
  }
  try {
    const cli: Cli = { output, interruption, environment, exitCode: ExitCode.done }
    const code = await runProgram(program, words, cli)
    await output.flush()
    return { code, stdout: stdout.text, stderr: stderr.text }
  } finally {
    interruption.unwatch()
    stdout.giveBack()
    stderr.giveBack()
  }
}

/** Keeps what is written to it, and to the stream of the process whose place it takes. */
class Kept extends Writable {
  text = ''
  /** Told of all that was written so far, until it answers yes. */
  onText: ((text: string) => boolean) | undefined
  readonly #decoder = new StringDecoder()
  readonly giveBack: () => void

  constructor(replaced: NodeJS.WriteStream) {
    super()
    const { write } = replaced
    replaced.write = this.write.bind(this)
    this.giveBack = () => {
      replaced.write = write
    }
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += this.#decoder.write(chunk)
    if (this.onText?.(this.text) === true) this.onText = undefined
    done()
  }
}
