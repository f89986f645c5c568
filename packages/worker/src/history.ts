import type { Clock } from './clock.ts'
import { messageOf } from './event-text.ts'
import type { WorkerEventMap, WorkerEvents } from './events.ts'
import { withoutSecrets } from './log.ts'

/** What became of one batch of one repository: plain data, as JSON has it. */
export interface Run {
  /** As the log names it; absent in what older versions have written. */
  readonly batch?: string
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly durationMs: number
  /** `s3://bucket/root/`. */
  readonly repository: string
  /** Keys of the batch, and messages that named them. */
  readonly keys: number
  readonly messages: number
  readonly added: number
  readonly replaced: number
  readonly removed: number
  /** What the metadata said already: of packages that are there, and of such that are not. */
  readonly kept: number
  readonly absent: number
  /** All of them, with what an inbox rejected; `refusals` may tell fewer. */
  readonly refused: number
  /** Left for later, each with a reason of its own. */
  readonly undecided: number
  /** The first `reasonsMax` reasons, why a key was refused or left for later. */
  readonly refusals: readonly Refusal[]
  /** Publishes that landed, and those that were lost to others. */
  readonly publishes: number
  readonly conflicts: number
  /** Bytes of documents that were sent. */
  readonly bytesSent: number
  /** Of the last generation that was published here. */
  readonly revision?: string
  readonly outcome: /** Every key was decided on, and what had to be published is. */
    | 'settled'
    /** An outage: the keys stay here, and a later run has them again. */
    | 'held'
    /** Nothing was decided; the messages are delivered again. */
    | 'failed'
  /** Of a run that did not settle. */
  readonly reason?: string
}

export interface Refusal {
  readonly key: string
  /** `UNDECIDED` for what is only left for later. */
  readonly code: string
  readonly reason: string
  /** How often its message has been delivered. */
  readonly delivery?: number
}

/** A message, or one record of it, that nobody can read: it belongs to no repository. */
export interface UnreadableMessage {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly messageId: string
  readonly delivery: number
  readonly reason: string
}

/** That a worker began, and which repositories it was given. */
export interface WorkerStart {
  /** ISO 8601, UTC. */
  readonly at: string
  /** As `s3://bucket/el9/*`; absent: whatever messages name. Everything else it passes over. */
  readonly repositories?: readonly string[]
}

export type HistoryRecord =
  | (Run & { readonly kind: 'run' })
  | (UnreadableMessage & { readonly kind: 'unreadable' })
  | (WorkerStart & { readonly kind: 'started' })

/** So many runs are remembered, and so many messages that nobody could read. */
export const rememberedMax = 60
/** Reasons of one run, and characters of one reason. */
const reasonsMax = 20
const reasonCharactersMax = 500

export interface RunHistoryOptions {
  /** For durations. */
  readonly clock: Pick<Clock, 'now'>
  /** The time of day. */
  readonly date: () => Date
  /** Of earlier, the oldest first. */
  readonly remembered?: readonly HistoryRecord[] | undefined
  /** Is given each record when it is complete. What it throws is its own affair. */
  readonly keep?: ((record: HistoryRecord) => void) | undefined
}

type RunUnderWay = { -readonly [Field in keyof Run]: Run[Field] } & { readonly began: number; refusals: Refusal[] }

/** The last runs of a worker, for people who want to know what it did. Memory is bounded, whatever the events say. */
export class RunHistory {
  readonly #clock: Pick<Clock, 'now'>
  readonly #date: () => Date
  readonly #keep: (record: HistoryRecord) => void
  /** Of each repository that is being published: one batch at a time. */
  readonly #underWay = new Map<string, RunUnderWay>()
  readonly #runs: Run[] = []
  readonly #unreadable: UnreadableMessage[] = []
  #started: WorkerStart | undefined
  /** Listens no more; what is remembered stays. */
  readonly close: () => void

  constructor(events: WorkerEvents, { clock, date, remembered = [], keep = () => {} }: RunHistoryOptions) {
    this.#clock = clock
    this.#date = date
    this.#keep = keep
    for (const record of remembered) this.#remember(record)
    const handlers: { readonly [E in keyof WorkerEventMap]?: (event: WorkerEventMap[E]) => void } = {
      started: (event) => this.#begin(event),
      'batch-started': (event) => this.#start(event),
      repository: (event) => this.#note(event),
      refused: (event) => this.#refuse(event),
      undecided: (event) => this.#leave(event),
      'batch-settled': ({ changes, refused, ...place }) =>
        this.#finish(place, { ...changes, refused, outcome: 'settled' }),
      'batch-held': ({ error, ...place }) => this.#finish(place, { outcome: 'held', reason: reasonOf(error) }),
      'batch-failed': ({ error, ...place }) => this.#finish(place, { outcome: 'failed', reason: reasonOf(error) }),
      unreadable: (event) => this.#passOver(event),
    }
    this.close = events.subscribe((name, event) => handlers[name]?.(event))
  }

  /** The newest first. */
  runs(): readonly Run[] {
    return this.#runs.toReversed()
  }

  /** The newest first. */
  unreadable(): readonly UnreadableMessage[] {
    return this.#unreadable.toReversed()
  }

  /** The last start of a worker; none where nothing of it is remembered. */
  started(): WorkerStart | undefined {
    return this.#started
  }

  #begin({ repositories }: WorkerEventMap['started']): void {
    const at = this.#date().toISOString()
    this.#take({ kind: 'started', at, ...(repositories !== undefined && { repositories }) })
  }

  #start({ batch, bucket, root, keys, messages }: WorkerEventMap['batch-started']): void {
    this.#underWay.set(placeIn({ bucket, root }), {
      began: this.#clock.now(),
      batch,
      startedAt: this.#date().toISOString(),
      durationMs: 0,
      repository: `s3://${bucket}/${root}`,
      keys,
      messages,
      added: 0,
      replaced: 0,
      removed: 0,
      kept: 0,
      absent: 0,
      refused: 0,
      undecided: 0,
      refusals: [],
      publishes: 0,
      conflicts: 0,
      bytesSent: 0,
      outcome: 'settled',
    })
  }

  #note(event: WorkerEventMap['repository']): void {
    const run = this.#underWay.get(placeIn(event))
    if (run === undefined) return
    if (event.kind === 'rejected') {
      const { bucket, root, key, code, reason } = event
      this.#addReason({ bucket, root }, { key, code, reason: cut(reason) })
    }
    if (event.kind === 'lost the race') run.conflicts += 1
    if (event.kind !== 'published') return
    run.publishes += 1
    run.bytesSent += event.bytesSent
    run.revision = event.revision
  }

  #refuse({ bucket, root, key, code, reason, receiveCount }: WorkerEventMap['refused']): void {
    this.#addReason({ bucket, root }, { key, code, reason: cut(reason), delivery: receiveCount })
  }

  #leave({ bucket, root, key, error }: WorkerEventMap['undecided']): void {
    const run = this.#underWay.get(placeIn({ bucket, root }))
    if (run !== undefined) run.undecided += 1
    this.#addReason({ bucket, root }, { key, code: 'UNDECIDED', reason: reasonOf(error) })
  }

  /** One for each key, however many messages name it. */
  #addReason(place: { bucket: string; root: string }, refusal: Refusal): void {
    const refusals = this.#underWay.get(placeIn(place))?.refusals
    if (refusals === undefined || refusals.length >= reasonsMax) return
    if (!refusals.some(({ key }) => key === refusal.key)) refusals.push(refusal)
  }

  #finish(place: { bucket: string; root: string }, end: Partial<Run>): void {
    const run = this.#underWay.get(placeIn(place))
    if (run === undefined) return
    this.#underWay.delete(placeIn(place))
    const { began, ...rest } = run
    const { added, replaced, removed, kept, absent, refused, outcome, reason } = { ...rest, ...end }
    const counts = { added, replaced, removed, kept, absent, refused }
    const durationMs = Math.round(this.#clock.now() - began)
    this.#take({ kind: 'run', ...rest, ...counts, durationMs, outcome, ...(reason !== undefined && { reason }) })
  }

  #passOver({ messageId, receiveCount, reason }: WorkerEventMap['unreadable']): void {
    const at = this.#date().toISOString()
    this.#take({ kind: 'unreadable', at, messageId, delivery: receiveCount, reason: cut(reason) })
  }

  #take(record: HistoryRecord): void {
    this.#remember(record)
    this.#keep(record)
  }

  #remember(record: HistoryRecord): void {
    switch (record.kind) {
      case 'run': {
        const { kind: _kind, ...run } = record
        addToLast(this.#runs, run)
        break
      }
      case 'unreadable': {
        const { kind: _kind, ...message } = record
        addToLast(this.#unreadable, message)
        break
      }
      case 'started': {
        const { kind: _kind, ...start } = record
        this.#started = start
        break
      }
    }
  }
}

function placeIn({ bucket, root }: { readonly bucket: string; readonly root: string }): string {
  return `${bucket}/${root}`
}

function addToLast<T>(list: T[], one: T): void {
  list.push(one)
  if (list.length > rememberedMax) list.shift()
}

function reasonOf(error: unknown): string {
  return cut(withoutSecrets(messageOf(error)))
}

function cut(text: string): string {
  return text.length > reasonCharactersMax ? `${text.slice(0, reasonCharactersMax)}…` : text
}
