/**
 * Workers as processes that are killed and started again, and what their logs say.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { type Cloud, checkout, endProcess, environmentOf, own } from '../../fixtures/cloud-process.ts'
import type { Chance } from './random.ts'

export interface FleetOptions {
  readonly cloud: Cloud
  /** A directory of its own for the cache of each worker. */
  readonly directory: string
  /** The queue that each worker listens to. */
  readonly queues: readonly string[]
  /** Options of the workers, as environment variables. */
  readonly environment: NodeJS.ProcessEnv
}

/** What the workers have logged, those that were killed included. */
export interface FleetFigures {
  deliveries: number
  publishes: number
  /** Publishes that were lost to others. */
  conflicts: number
  kills: number
  /** Workers that ended although nobody killed them, with their last words. */
  readonly ended: string[]
}

/** A fleet that is complete again after every kill. */
export class Fleet {
  readonly figures: FleetFigures = { deliveries: 0, publishes: 0, conflicts: 0, kills: 0, ended: [] }
  readonly #options: FleetOptions
  readonly #workers: ChildProcess[]
  #stopping = false

  constructor(options: FleetOptions) {
    this.#options = options
    this.#workers = options.queues.map((queue, place) => this.#start(queue, place))
  }

  /** Kills one at random, now and then, until it is told to stop. */
  async killAtRandom(chance: Chance, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(chance.between(200, 2_000), signal)
      if (signal.aborted) return
      const place = chance.below(this.#workers.length)
      const worker = this.#workers[place]
      const queue = this.#options.queues[place]
      if (worker === undefined || queue === undefined || !isRunning(worker)) continue
      this.figures.kills += 1
      await endProcess(worker, 'SIGKILL')
      await pause(chance.between(0, 500), signal)
      this.#workers[place] = this.#start(queue, place)
    }
  }

  /** Ends all in order. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#workers.map((worker) => endProcess(worker, 'SIGTERM')))
  }

  #start(queue: string, place: number): ChildProcess {
    const { cloud, directory, environment } = this.#options
    const args = [
      join(checkout, 'packages', 'cli', 'bin', 'repokeeper.js'),
      'worker',
      '-q',
      queue,
      '--log-format',
      'json',
    ]
    const worker = own(
      spawn(process.execPath, args, {
        env: {
          ...environmentOf(cloud.endpoint, `worker-${place}`),
          REPOKEEPER_CACHE_DIR: join(directory, `cache-${place}`),
          REPOKEEPER_LOG_LEVEL: 'debug',
          ...environment,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      }),
    )
    let lastWords = ''
    createInterface({ input: worker.stderr }).on('line', (line) => {
      if (line.includes('"level":"error"')) lastWords = line
      this.#count(line)
    })
    void once(worker, 'exit').then(([code]) => {
      // The same worker is killed by us, or stopped; whatever else ends it is a failure.
      if (worker.killed || this.#stopping) return
      this.figures.ended.push(`worker ${place} of ${queue} ended with ${code}: ${lastWords}`)
      this.#workers[place] = this.#start(queue, place)
    })
    return worker
  }

  #count(line: string): void {
    if (line.includes('"event":"received')) this.figures.deliveries += 1
    else if (line.includes('"kind":"published"')) this.figures.publishes += 1
    else if (line.includes('"kind":"lost the race"')) this.figures.conflicts += 1
  }
}

/** Resolves after that time, or at once when the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => {})
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}
