import type { ObjectStore } from '@repokeeper/object-store'
import manifest from '../package.json' with { type: 'json' }
import { AskedSeldom } from './asked-seldom.ts'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import { HeldMessages } from './held-messages.ts'
import type { RunHistory } from './history.ts'
import { KeptStores } from './kept-stores.ts'
import type { WatchedKey } from './key-expiry.ts'
import { KnownRepositories } from './known-repositories.ts'
import { Metrics } from './metrics.ts'
import { PrometheusSink } from './metrics-prometheus.ts'
import { outwardSinks } from './metrics-sinks.ts'
import { parseAddress } from './network-address.ts'
import { OpsServer, type ShownPage } from './ops-server.ts'
import { rootsOf, type WorkerOptions } from './options.ts'
import { PackageSearch, type SearchPackages } from './package-search.ts'
import type { QueueDepth } from './queue-depth.ts'
import { Readiness } from './readiness.ts'
import { describeJobs } from './scheduled-jobs.ts'
import { queueName } from './sqs-client.ts'
import type { SqsQueue } from './sqs-queue.ts'
import { StatusBoard } from './status-board.ts'
import type { WatchedSigner } from './watched-signer.ts'
import type { Worker } from './worker-parts.ts'

export interface OperationsOptions {
  readonly options: WorkerOptions
  readonly events: WorkerEvents
  readonly history: RunHistory
  readonly clock: Clock
  readonly date: () => Date
  readonly openBucket: (bucket: string) => ObjectStore
  /** Where lines of the embedded metric format go. */
  readonly stdout: { write(text: string): unknown }
  /** What the endpoint shows people at `/`. */
  readonly page: ShownPage | undefined
  /** Absent: nothing is signed. */
  readonly signer: WatchedSigner | undefined
  /** Those that sign, and those whose signatures count. */
  readonly keys: () => readonly WatchedKey[]
  /** Absent: the endpoint searches for nothing. */
  readonly searchPackages: SearchPackages | undefined
}

/** Queue and dead-letter queue are asked no more often. */
const depthBelievedMs = 15_000
const depthAnswerMs = 5_000

/** What a worker tells those who run it: metrics, and the endpoint with its status. */
export class Operations {
  readonly #given: OperationsOptions
  readonly #queue: string
  readonly #startedAt: Date
  readonly #held: HeldMessages
  readonly #board: StatusBoard
  readonly #known: KnownRepositories
  readonly #stores: KeptStores
  readonly #search: PackageSearch | undefined
  readonly #prometheus: PrometheusSink
  readonly #metrics: Metrics
  readonly #readiness: Readiness
  readonly #depth: AskedSeldom<(QueueDepth & { readonly asOf: Date }) | undefined>
  #server: OpsServer | undefined
  #sqs: Pick<SqsQueue, 'depth'> | undefined
  #worker: Pick<Worker, 'scheduled'> | undefined

  private constructor(given: OperationsOptions) {
    const { options, events, history, clock, date, openBucket, searchPackages, signer, keys } = given
    this.#given = given
    this.#queue = queueName(options.queue)
    this.#startedAt = date()
    this.#held = new HeldMessages(events)
    this.#board = new StatusBoard(events, { date, history })
    this.#prometheus = new PrometheusSink(this.#queue)
    const sinks = [this.#board, this.#prometheus, ...outwardSinks(given, this.#queue)]
    this.#metrics = new Metrics(events, { sinks, held: this.#held, keys, clock, date })
    this.#depth = new AskedSeldom(() => this.#askDepth(), { clock, forMs: depthBelievedMs })
    const depth = () => this.#depth.get()
    const roots = rootsOf(options.repositories)
    const stores = new KeptStores(openBucket)
    const known = new KnownRepositories(events, { date, history, roots })
    this.#readiness = new Readiness(events, { held: this.#held, clock, date, depth, stores, roots, signer })
    this.#search = searchPackages && new PackageSearch({ known, stores, search: searchPackages, clock })
    this.#stores = stores
    this.#known = known
  }

  /** @throws {OpsServerError} where the endpoint cannot be opened */
  static async open(given: OperationsOptions): Promise<Operations> {
    const operations = new Operations(given)
    try {
      await operations.#listen()
      return operations
    } catch (error) {
      await operations.close()
      throw error
    }
  }

  /** The queue that was found, and the worker that works it. */
  attach(queue: Pick<SqsQueue, 'depth'>, worker: Pick<Worker, 'scheduled'>): void {
    this.#sqs = queue
    this.#worker = worker
  }

  async close(): Promise<void> {
    await this.#server?.close()
    await this.#search?.close()
    await this.#metrics.close()
    this.#readiness.close()
    this.#known.close()
    this.#held.close()
    await this.#stores.close()
  }

  async #listen(): Promise<void> {
    const { options, events, history, page } = this.#given
    const search = this.#search
    const address = options.http === undefined ? undefined : parseAddress(options.http)
    if (address === undefined) return
    this.#server = await OpsServer.open(address, {
      ready: () => this.#readiness.now(),
      metrics: async () => {
        this.#prometheus.take(this.#metrics.gauges())
        return { contentType: this.#prometheus.contentType, text: await this.#prometheus.text() }
      },
      history: () => {
        const started = history.started()
        return { queue: this.#queue, started, runs: history.runs(), unreadable: history.unreadable() }
      },
      scheduledJobs: () => {
        const { clock, date } = this.#given
        return describeJobs(this.#worker?.scheduled() ?? [], this.#metrics.heartbeat, { clock, date })
      },
      status: () => this.#status(),
      packages: search && ((parameters, gone) => search.answer(parameters, gone)),
      page,
    })
    events.emit('ops-listening', this.#server.address)
  }

  async #status(): Promise<unknown> {
    const [ready, depth] = await Promise.all([this.#readiness.now(), this.#depth.get().catch(() => undefined)])
    const now = this.#given.date()
    const { visible = null, inFlight = null, delayed = null, deadLetters = null, asOf = null } = depth ?? {}
    const oldest = this.#held.oldestSentAt
    // SQS tells the age of its oldest message to CloudWatch alone: this is the oldest of those that are here.
    const oldestAgeSeconds = oldest === undefined ? null : Math.max(0, (now.getTime() - oldest.getTime()) / 1000)
    return {
      version: manifest.version,
      queue: this.#queue,
      startedAt: this.#startedAt,
      now,
      ready,
      publishing: this.#board.publishing(),
      held: this.#held.count,
      queueDepth: { visible, inFlight, delayed, oldestAgeSeconds, deadLetters, asOf },
      latency: this.#board.latency(),
      perDay: this.#board.perDay(),
      refused: this.#board.refused(),
      repositories: this.#known.list(),
    }
  }

  /** `undefined`: the queue has not been found yet. */
  async #askDepth(): Promise<(QueueDepth & { readonly asOf: Date }) | undefined> {
    const depth = await this.#sqs?.depth({ signal: AbortSignal.timeout(depthAnswerMs) })
    return depth === undefined ? undefined : { ...depth, asOf: this.#given.date() }
  }
}
