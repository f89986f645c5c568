import { Batches, type RepositoryPlace } from '@repokeeper/repository'
import { Buckets, rootNames, WorkerError } from './buckets.ts'
import { finishesWithin } from './clock.ts'
import { type HeldMessage, Inbox } from './inbox.ts'
import { Intake } from './intake.ts'
import { outageOf } from './outage.ts'
import { Publisher } from './publisher.ts'
import type { Delivery, ReceiveFailure, Subscription } from './queue.ts'
import { ReceiveGate } from './receive-gate.ts'
import { backOffSeconds, judge, Settler } from './settle.ts'
import { type ScheduledJob, Upkeep, type UpkeepJob } from './upkeep.ts'
import { upkeepJobs } from './upkeep-jobs.ts'
import { VisibilityKeeper } from './visibility.ts'
import type { Worker, WorkerEnd, WorkerParts, WorkerSettings } from './worker-parts.ts'

/** Of receives that found nothing in a row, before `once` believes it: a server without long polling may overlook messages. */
const emptyReceivesMax = 2
/** A long poll that comes back empty sooner than this was none: then it is not asked at once again. */
const shortPollMs = 500
const shortPollPauseMs = 1_000
/** After these `once` gives up; a service goes on trying. */
const receiveFailuresOfOnceMax = 4
const receiveFailureDelay = { firstSeconds: 1, mostSeconds: 60 }
const outageDelay = { firstSeconds: 5, mostSeconds: 60 }
/** Milliseconds that a publish has to notice that it was given up. */
const abortMs = 5_000
/** Stands for a message where no message asked: no queue has one of this id, so nothing waits for what becomes of it. */
const auditId = 'audit'

/**
 * The long-running process: messages in, publishes out. A message is deleted only when every key that it names is covered by a publish
 * that landed; everything else that may happen to it ends in it being delivered again.
 */
export function createWorker(parts: WorkerParts, settings: WorkerSettings): Worker {
  return new QueueWorker(parts, settings)
}

class QueueWorker implements Worker {
  readonly finished: Promise<WorkerEnd>
  readonly #parts: WorkerParts
  readonly #settings: WorkerSettings
  readonly #inbox: Inbox
  readonly #batches: Batches
  readonly #buckets: Buckets
  readonly #settler: Settler
  readonly #visibility: VisibilityKeeper
  readonly #gate: ReceiveGate
  readonly #intake: Intake
  readonly #receiving = new AbortController()
  readonly #publisher: Publisher
  readonly #upkeep: Upkeep
  /** `once` gives these back only at its end, so that none is received twice in one run. */
  readonly #parked = new Map<HeldMessage, number>()
  #subscription: Subscription | undefined
  #finish: (end: WorkerEnd) => void = () => {}
  #ending: Promise<void> | undefined
  #draining = false
  #emptyReceives = 0
  #receiveFailures = 0
  #outages = 0
  #undeleted = 0
  #receivingSince = 0

  constructor(parts: WorkerParts, settings: WorkerSettings) {
    const { queue, clock, events } = parts
    this.#parts = parts
    this.#settings = settings
    this.#inbox = new Inbox({ visibilityTimeoutMs: settings.visibilityTimeoutSeconds * 1000 })
    this.#batches = new Batches(settings.windows)
    this.#buckets = parts.buckets ?? new Buckets({ ...settings, ...parts })
    this.#intake = new Intake({
      inbox: this.#inbox,
      batches: this.#batches,
      buckets: this.#buckets,
      events,
      clock,
      signal: this.#receiving.signal,
    })
    this.#publisher = new Publisher({
      ...settings,
      ...parts,
      inbox: this.#inbox,
      batches: this.#batches,
      buckets: this.#buckets,
      onPublished: (complete, fault) => this.#published(complete, fault),
      onRoom: () => this.#gate.recheck(),
    })
    this.#settler = new Settler({ queue, inbox: this.#inbox, clock, events })
    this.#visibility = new VisibilityKeeper({ ...settings, ...parts, inbox: this.#inbox })
    this.#gate = new ReceiveGate(clock, () => this.#hasRoom())
    this.#upkeep = new Upkeep({ jobs: this.#upkeepJobs(), roots: settings.roots, clock, events })
    this.finished = new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  start(): void {
    if (this.#subscription !== undefined || this.#ending !== undefined) return
    const { queue, events, clock } = this.#parts
    const { once, roots, inboxes = [] } = this.#settings
    const repositories = rootNames(roots)
    const started = { queue: queue.name, once, ...(repositories !== undefined && { repositories }) }
    const named = inboxes.map(({ from, to }) => `${from}=${to}`)
    events.emit('started', named.length === 0 ? started : { ...started, inboxes: named })
    this.#visibility.start()
    this.#upkeep.start()
    const tried = this.#tryStores()
    this.#subscription = queue.subscribe({
      ready: async () => {
        await tried
        await this.#gate.pass()
        this.#receivingSince = clock.now()
      },
      deliver: (deliveries) => this.#deliver(deliveries),
      empty: () => {
        events.emit('polled', { messages: 0 })
        this.#foundNothing()
      },
      failed: (failure) => this.#receiveFailed(failure),
    })
  }

  async stop(): Promise<void> {
    this.#ending ??= this.#giveBack().then((givenBack) => {
      this.#parts.events.emit('stopped', { givenBack })
      this.#finish({ kind: 'stopped', givenBack })
    })
    await this.#ending
  }

  scheduled(): readonly ScheduledJob[] {
    return this.#upkeep.scheduled()
  }

  /** Nothing is received for a store on which nothing could be published. Never rejects. */
  async #tryStores(): Promise<void> {
    const { events } = this.#parts
    try {
      await this.#buckets.ensureConfigured((bucket, error) => events.emit('store-untried', { bucket, error }))
    } catch (error) {
      this.#fail(error)
    }
  }

  // Receiving

  #hasRoom(): boolean {
    return this.#inbox.size < this.#settings.messagesMax && this.#publisher.running < this.#settings.concurrency
  }

  async #deliver(deliveries: readonly Delivery[]): Promise<void> {
    this.#receiveWorked()
    const { events, clock } = this.#parts
    events.emit('polled', { messages: deliveries.length })
    const fresh: { readonly message: HeldMessage; readonly body: string }[] = []
    for (const delivery of deliveries) {
      const { kind, message } = this.#inbox.accept(delivery, clock.now())
      const { id: messageId, receiveCount } = message
      const { sentAt } = delivery
      if (kind === 'again') events.emit('received-again', { messageId, receiveCount })
      else events.emit('received', { messageId, receiveCount, ...(sentAt === undefined ? {} : { sentAt }) })
      if (kind === 'new') fresh.push({ message, body: delivery.body })
    }
    if (fresh.length === 0) return this.#foundNothing()
    this.#emptyReceives = 0
    // Delivered by a receive that was under way when the worker was stopped: those who give back may have been here already.
    if (this.#receiving.signal.aborted) {
      await this.#settler.release(fresh.map(({ message }) => ({ message, afterSeconds: 0 })))
      return
    }
    const complete: HeldMessage[] = []
    await Promise.all(
      fresh.map(async ({ message, body }) => {
        if ((await this.#intake.take(message, body)) === 'settle') complete.push(message)
        for (const fault of message.faults) this.#noteOutage(fault)
      }),
    )
    await this.#settle(complete)
    this.#publisher.pump()
  }

  /** Also where everything that came is held already. */
  #foundNothing(): void {
    this.#receiveWorked()
    if (this.#parts.clock.now() - this.#receivingSince < shortPollMs) this.#gate.pause(shortPollPauseMs)
    this.#emptyReceives += 1
    if (this.#settings.once && this.#emptyReceives >= emptyReceivesMax) this.#drain()
  }

  #receiveFailed(failure: ReceiveFailure): void {
    if (this.#ending !== undefined || this.#draining) return
    this.#receiveFailures += 1
    const retrySeconds = backOffSeconds(this.#receiveFailures, receiveFailureDelay, this.#parts.clock.random)
    this.#gate.pause(retrySeconds * 1000)
    // By name: of an error, which it may be, a spread would leave out the message.
    const { code, message, whatToDo } = failure
    const failures = this.#receiveFailures
    this.#parts.events.emit('receive-failed', { code, message, whatToDo, failures, retrySeconds })
    if (this.#settings.once && this.#receiveFailures >= receiveFailuresOfOnceMax) {
      this.#fail(new WorkerError('RECEIVE_FAILED', `${failure.message} ${failure.whatToDo}`))
    }
  }

  #receiveWorked(): void {
    if (this.#receiveFailures > 0) this.#parts.events.emit('receive-recovered', { failures: this.#receiveFailures })
    this.#receiveFailures = 0
  }

  // Upkeep

  #upkeepJobs(): UpkeepJob[] {
    const heal = (place: RepositoryPlace, keys: readonly string[]): void => this.#heal(place, keys)
    return this.#settings.once ? [] : upkeepJobs({ ...this.#settings, ...this.#parts, buckets: this.#buckets, heal })
  }

  /** As if a notification had named them. */
  #heal(place: RepositoryPlace, keys: readonly string[]): void {
    if (this.#ending !== undefined) return
    for (const key of keys) this.#batches.add(place, key, auditId, this.#parts.clock.now())
    this.#publisher.pump()
  }

  // Settling

  async #published(complete: readonly HeldMessage[], fault: unknown): Promise<void> {
    if (fault === undefined) this.#outages = 0
    this.#noteOutage(fault)
    if (fault instanceof WorkerError) this.#fail(fault)
    else await this.#settle(complete)
  }

  /** Receiving during an outage would only spend deliveries. Other faults are those of one repository and hold nobody else back. */
  #noteOutage(error: unknown): void {
    const outage = outageOf(error)
    if (this.#ending !== undefined || outage === undefined) return
    this.#outages += 1
    const seconds = backOffSeconds(this.#outages, outageDelay, this.#parts.clock.random)
    this.#gate.pause(seconds * 1000)
    this.#parts.events.emit('receive-paused', { seconds, outage, error })
  }

  /** Messages that wait for nothing more. */
  async #settle(messages: readonly HeldMessage[]): Promise<void> {
    const done: HeldMessage[] = []
    const released: { readonly message: HeldMessage; readonly afterSeconds: number }[] = []
    for (const message of messages) {
      const verdict = judge(message, this.#parts.clock.random)
      switch (verdict.kind) {
        case 'delete':
          done.push(message)
          break
        case 'refused':
        case 'retry':
          // Who is stopping gives it back at once, with all that is not settled.
          if (this.#ending !== undefined) break
          if (this.#settings.once) this.#parked.set(message, verdict.afterSeconds)
          else released.push({ message, afterSeconds: verdict.afterSeconds })
          break
        default:
          verdict satisfies never
      }
    }
    const [undeleted] = await Promise.all([this.#settler.delete(done), this.#settler.release(released)])
    this.#undeleted += undeleted
    // There is no room for more, and nothing that could make some.
    if (this.#settings.once && this.#parked.size >= this.#settings.messagesMax) this.#drain()
  }

  // Ending

  /** Publishes what was gathered, whatever the windows say, and ends. */
  #drain(): void {
    if (this.#draining || this.#ending !== undefined) return
    this.#draining = true
    this.#gate.close()
    void this.#finishDraining()
  }

  async #finishDraining(): Promise<void> {
    await this.#subscription?.stop()
    await this.#publisher.flush()
    const untried = await this.#untriedBuckets()
    if (this.#ending !== undefined) return
    this.#ending = (async () => {
      const left = this.#inbox.size + this.#undeleted
      await this.#visibility.stop()
      const afterSeconds = (message: HeldMessage) => this.#parked.get(message) ?? 0
      await this.#settler.release([...this.#inbox].map((message) => ({ message, afterSeconds: afterSeconds(message) })))
      await this.#closeBuckets()
      this.#parts.events.emit('drained', { left, untried })
      this.#finish({ kind: 'drained', left, untried })
    })()
    await this.#ending
  }

  /** An empty queue says nothing of a bucket that is not there: nobody could have told it anything. Never rejects. */
  async #untriedBuckets(): Promise<string[]> {
    const untried: string[] = []
    try {
      await this.#buckets.ensureConfigured((bucket) => untried.push(`s3://${bucket}`))
    } catch (error) {
      this.#fail(error)
    }
    return untried
  }

  /** The worker cannot go on. Not to be awaited by a publish, which is itself waited for. */
  #fail(error: unknown): void {
    if (this.#ending !== undefined) return
    this.#parts.events.emit('failed', { error })
    this.#ending = this.#giveBack().then(() => this.#finish({ kind: 'failed', error }))
  }

  async #closeBuckets(): Promise<void> {
    if (this.#parts.buckets === undefined) await this.#buckets.close()
  }

  /** Gives how many messages were given back. Never rejects. */
  async #giveBack(): Promise<number> {
    // `#ending` is set by the caller before anything below is reached.
    await Promise.resolve()
    const { clock, events } = this.#parts
    events.emit('stopping', { publishing: this.#publisher.running, held: this.#inbox.size })
    this.#publisher.close()
    const upkeepOver = this.#upkeep.stop()
    this.#receiving.abort()
    this.#gate.close()
    await this.#subscription?.stop()

    const gathered = new Set(
      this.#batches.takeAll().flatMap(({ keys }) => [...keys.values()].flatMap((ids) => [...ids])),
    )
    let givenBack = await this.#giveBackAll((message) => gathered.has(message.id))
    this.#visibility.start()

    const over = this.#publisher.settled()
    if (!(await finishesWithin(clock, this.#settings.graceMs, over))) {
      this.#publisher.abort()
      await finishesWithin(clock, abortMs, over)
    }
    givenBack += await this.#giveBackAll(() => true)
    await finishesWithin(clock, abortMs, upkeepOver)
    await this.#closeBuckets()
    return givenBack
  }

  /** With the keeper at rest: an extension that arrives after it was given back would hide the message again. */
  async #giveBackAll(which: (message: HeldMessage) => boolean): Promise<number> {
    await this.#visibility.stop()
    const messages = [...this.#inbox].filter(which)
    await this.#settler.release(messages.map((message) => ({ message, afterSeconds: 0 })))
    return messages.length
  }
}
