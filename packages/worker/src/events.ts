import type { AuditFinding, KeyVerdict, RepositoryEvent } from '@repokeeper/repository'
import type { ExpiringKey } from './key-expiry.ts'
import type { Outage } from './outage.ts'
import type { KeyringKey, KeyringSummary } from './package-policy-settings.ts'
import type { UpkeepJob } from './upkeep.ts'

/** Everything that happens in a worker. Logs, history, metrics and the status page subscribe to it. Never a body, a receipt handle or a credential. */
export interface WorkerEventMap {
  started: {
    readonly queue: string
    readonly once: boolean
    /** Those that were configured, as `s3://bucket/el9/*`; absent: whatever messages name. */
    readonly repositories?: readonly string[]
    /** From where packages are let in, and where to: `inbox/=repo/`; absent: from nowhere. */
    readonly inboxes?: readonly string[]
  }
  /** Something about the queue's own settings that a person should know. */
  'queue-advice': { readonly queue: string; readonly advice: string }
  /** Packages have to be signed, by one of these keys. */
  'package-policy': {
    readonly keys: readonly Omit<KeyringKey, 'expires'>[]
    readonly acceptsWeak: boolean
  }
  /** A key of the keyring whose signatures do not count, or less than one thinks. */
  'keyring-note': KeyringSummary['notes'][number]
  /** A key that signs, or whose signatures count, is over soon, or already. Said at the start, and every day. */
  'key-expires': ExpiringKey & { readonly now: Date }
  /** Whether a configured bucket honours conditional writes could not be tried at the start; it is tried again at its first batch. */
  'store-untried': { readonly bucket: string; readonly error: unknown }
  /** A receive has come back, with so many messages or none. */
  polled: { readonly messages: number }
  received: {
    readonly messageId: string
    readonly receiveCount: number
    /** When it was sent to the queue, where the queue says so. */
    readonly sentAt?: Date
  }
  'received-again': { readonly messageId: string; readonly receiveCount: number }
  'test-event': { readonly messageId: string }
  /** A record that is none of ours; its message may be deleted. */
  'passed-over': { readonly messageId: string; readonly bucket: string; readonly key: string; readonly why: string }
  /** A message, or one record of it, that nobody can read; it is left to the dead-letter queue. */
  unreadable: { readonly messageId: string; readonly receiveCount: number; readonly reason: string }
  /** The repository of a key could not be told. */
  'locate-failed': {
    readonly messageId: string
    readonly bucket: string
    readonly key: string
    readonly error: unknown
  }
  /** `batch`, here and below, is one id from the messages to the publish that covers them. */
  'batch-started': {
    readonly batch: string
    readonly bucket: string
    readonly root: string
    readonly keys: number
    readonly messages: number
  }
  /** What became of the keys of one repository, all of them covered or refused, or rejected by an inbox: that counts as refused. */
  'batch-settled': {
    readonly batch: string
    readonly bucket: string
    readonly root: string
    readonly changes: Readonly<Record<Extract<KeyVerdict, { kind: 'covered' }>['change'], number>>
    readonly refused: number
    readonly durationMs: number
  }
  /** An outage: the keys stay here and are tried again, no message is given back for it. */
  'batch-held': {
    readonly batch: string
    readonly bucket: string
    readonly root: string
    readonly keys: number
    readonly error: unknown
    readonly retrySeconds: number
  }
  'batch-failed': {
    readonly batch: string
    readonly bucket: string
    readonly root: string
    readonly keys: number
    readonly error: unknown
  }
  /** What the stages tell meanwhile; without a batch where no message asked for it. */
  repository: RepositoryEvent & { readonly bucket: string; readonly root: string; readonly batch?: string }
  /** What a message tells of one key is published now, or was so already. */
  covered: {
    readonly messageId: string
    readonly batch: string
    readonly bucket: string
    readonly root: string
    readonly key: string
    readonly change: Extract<KeyVerdict, { kind: 'covered' }>['change']
    /** When it happened, by the clock of the store, where the notification says so. */
    readonly eventTime?: Date
  }
  /** One object that cannot be listed, or is not signed as it has to be; its messages are left to the dead-letter queue. */
  refused: {
    readonly messageId: string
    readonly receiveCount: number
    readonly batch: string
    readonly bucket: string
    readonly root: string
    readonly key: string
    readonly code: string
    readonly reason: string
  }
  /** One object on which nothing could be decided, in a batch of which the rest was; its messages are delivered again. */
  undecided: {
    readonly batch: string
    readonly bucket: string
    readonly root: string
    readonly key: string
    readonly error: unknown
  }
  deleted: { readonly messageId: string; readonly batches: readonly string[] }
  'delete-failed': { readonly messageId: string; readonly code: string; readonly message: string }
  released: { readonly messageId: string; readonly afterSeconds: number; readonly batches: readonly string[] }
  'release-failed': { readonly messageId: string; readonly code: string; readonly message: string }
  /** The message may be delivered to someone else as well. `final`: it will not be tried again. */
  'extend-failed': {
    readonly messageId: string
    readonly code: string
    readonly message: string
    readonly final: boolean
  }
  'receive-failed': {
    readonly code: string
    readonly message: string
    readonly whatToDo: string
    readonly failures: number
    readonly retrySeconds: number
  }
  'receive-recovered': { readonly failures: number }
  /** An outage: no further messages are received for a while, so that they are not spent on it. */
  'receive-paused': { readonly seconds: number; readonly outage: Outage; readonly error: unknown }
  /** An audit found the bucket and its metadata to differ. `healing`: the worker brings it into line by itself. */
  drift: {
    readonly bucket: string
    readonly root: string
    readonly kind: AuditFinding['kind']
    readonly path: string
    readonly problem: string
    readonly remedy: string
    readonly healing: boolean
  }
  audited: {
    readonly bucket: string
    readonly root: string
    readonly findings: number
    /** Of these, packages whose keys are looked at now, as if their notifications had come. */
    readonly healing: number
    /** Files that are rightly not listed. */
    readonly notes: number
    readonly durationMs: number
  }
  /** Superseded documents were deleted. */
  'cleaned-up': {
    readonly bucket: string
    readonly root: string
    readonly objects: number
    readonly bytes: number
    readonly durationMs: number
  }
  /** The pages for people were brought up to date. */
  'site-written': {
    readonly bucket: string
    readonly root: string
    readonly files: number
    /** Of these, those that were not there as they should be. */
    readonly written: number
    readonly deleted: number
    readonly durationMs: number
  }
  /** A publisher had not come back to these after its swap. */
  'looked-again': { readonly bucket: string; readonly root: string; readonly keys: number }
  /** Another worker is at work on this repository, with a job of its own. It is tried again a little later. */
  'left-to-others': {
    readonly job: UpkeepJob['name']
    readonly bucket: string
    readonly root: string
    readonly theirs: string
  }
  /** It is tried again in its next round. */
  'upkeep-failed': {
    readonly job: UpkeepJob['name']
    readonly bucket: string
    readonly root: string
    readonly error: unknown
  }
  /** The file of the history cannot be read or written. Said once, until it can be again. */
  'history-unwritable': { readonly path: string; readonly error: unknown }
  /** The operations endpoint answers here. */
  'ops-listening': { readonly host: string; readonly port: number }
  /** Measurements do not arrive. Said once, until they do again. */
  'metrics-failed': { readonly sink: string; readonly error: unknown }
  stopping: { readonly publishing: number; readonly held: number }
  stopped: { readonly givenBack: number }
  /** `--once` has found the queue empty and published. */
  drained: {
    readonly left: number
    /** Configured buckets that could not be tried, as `s3://bucket`. */
    readonly untried: readonly string[]
  }
  /** The worker cannot go on. */
  failed: { readonly error: unknown }
}

export type WorkerEventName = keyof WorkerEventMap

export type WorkerEventListener = <E extends WorkerEventName>(name: E, event: WorkerEventMap[E]) => void

/** Tells everybody who listens. What a listener throws is its own affair: the worker goes on. */
export class WorkerEvents {
  readonly #listeners = new Set<WorkerEventListener>()

  /** Gives what ends the subscription. */
  subscribe(listener: WorkerEventListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit<E extends WorkerEventName>(name: E, event: WorkerEventMap[E]): void {
    for (const listener of this.#listeners) {
      try {
        listener(name, event)
      } catch {
        // A log that cannot be written must not keep a message from being settled.
      }
    }
  }
}
