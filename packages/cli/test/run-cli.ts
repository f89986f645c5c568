/**
 * The programs as people start them: with nothing of this process's environment that matters, each in a process of its own, or in one that has run
 * others before where the process makes no difference.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { buildPackage, type PackageSpec } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll } from 'vitest'
import { own } from '../../../fixtures/cloud-process.ts'
import { isSoak } from '../../../fixtures/soak.ts'
import type { ProgramName } from '../src/run-program.ts'
import type { Interrupt } from './warm-program.ts'
import { runWarm } from './warm-programs.ts'

export const binaries = join(import.meta.dirname, '..', 'bin')

export interface Ran {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** What is tested is of the process: how it starts, what it prints to, how it ends. By default where something of that is asked for. */
  readonly ownProcess?: boolean
  readonly environment?: Readonly<Record<string, string>>
  /** Arguments of Node itself. */
  readonly nodeArguments?: readonly string[]
  /** Of a process of its own, unless that is not wanted. */
  readonly interrupt?: Interrupt
  /** Stdout is closed at the first byte, as `| head` does. */
  readonly closeStdout?: boolean
}

export type RunningProgram = ChildProcessByStdio<null, Readable, Readable>

/** A directory of its own for one test file: packages to add, a cache, and a home with no configuration. */
export class Workplace {
  readonly directory: string
  readonly #environment: Readonly<Record<string, string>>

  constructor(directory: string, environment: Readonly<Record<string, string>> = {}) {
    this.directory = directory
    this.#environment = environment
  }

  with(environment: Readonly<Record<string, string>>): Workplace {
    return new Workplace(this.directory, { ...this.#environment, ...environment })
  }

  /** Writes `name-version-1.noarch.rpm`, or a file of another name, and says its name. */
  async rpm(spec: PackageSpec, file = `${spec.name}-${spec.version ?? '1.0'}-${spec.release ?? '1'}.noarch.rpm`) {
    await writeFile(join(this.directory, file), buildPackage(spec))
    return file
  }

  repokeeper(...args: (string | RunOptions)[]): Promise<Ran> {
    return this.#run('repokeeper', args)
  }

  updatePackages(...args: (string | RunOptions)[]): Promise<Ran> {
    return this.#run('updatePackages', args)
  }

  /** `repokeeper`, running: the caller's to watch, and to end where the test does not. */
  start(...words: string[]): RunningProgram {
    return own(this.#spawn('repokeeper', words, {}))
  }

  #spawn(program: string, words: readonly string[], options: RunOptions): RunningProgram {
    return spawn(process.execPath, [...(options.nodeArguments ?? []), join(binaries, `${program}.js`), ...words], {
      cwd: this.directory,
      env: this.#environmentOf(options),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  #environmentOf({ environment }: RunOptions) {
    return {
      PATH: process.env.PATH,
      HOME: join(this.directory, 'home'),
      REPOKEEPER_CACHE_DIR: join(this.directory, 'cache'),
      NODE_COMPILE_CACHE: join(tmpdir(), 'repokeeper-test-compile-cache'),
      ...this.#environment,
      ...environment,
    }
  }

  async #run(program: ProgramName, args: readonly (string | RunOptions)[]): Promise<Ran> {
    const options = args.find((arg) => typeof arg !== 'string') ?? {}
    const words = args.filter((arg) => typeof arg === 'string')
    if (needsOwnProcess(words, options)) return await this.#runProcess(program, words, options)
    const { directory } = this
    const { interrupt } = options
    const order = { program, words, directory, environment: this.#environmentOf(options), interrupt }
    return { ...(await runWarm(order)), signal: null }
  }

  async #runProcess(program: ProgramName, words: readonly string[], options: RunOptions): Promise<Ran> {
    const { interrupt, closeStdout = false } = options
    const child = this.#spawn(program, words, options)
    if (interrupt !== undefined) {
      let heard = ''
      const isDue = () => [interrupt.when].flat().some((text) => heard.includes(text))
      child[interrupt.in ?? 'stdout'].on('data', (chunk: Buffer) => {
        if (isDue()) return
        heard += chunk
        if (isDue()) child.kill(interrupt.signal)
      })
    }
    if (closeStdout) child.stdout.once('data', () => child.stdout.destroy())
    const exit = once(child, 'exit')
    const stdout = closeStdout ? '' : text(child.stdout)
    const [out, err] = await Promise.all([stdout, text(child.stderr)])
    const [code, signal] = await exit
    return { code, signal, stdout: out, stderr: err }
  }
}

/** These run until they are told to end, and then end their process. */
const servers: ReadonlySet<string | undefined> = new Set(['worker', 'serve', 'gateway'])

function needsOwnProcess(words: readonly string[], options: RunOptions): boolean {
  const { interrupt, closeStdout = false, nodeArguments = [] } = options
  const serves = servers.has(words[0]) && !words.includes('--once')
  const { ownProcess = closeStdout || interrupt !== undefined || nodeArguments.length > 0 || serves } = options
  return ownProcess || isSoak
}

/** One for a test file; removed after it. */
export function workplaceForTests(): () => Workplace {
  let workplace: Workplace | undefined
  beforeAll(async () => {
    workplace = new Workplace(await mkdtemp(join(tmpdir(), 'repokeeper-cli-')))
  })
  afterAll(async () => {
    if (workplace !== undefined) await rm(workplace.directory, { recursive: true })
  })
  return () => {
    if (workplace === undefined) throw new Error('there is no workplace yet')
    return workplace
  }
}
