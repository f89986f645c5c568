/**
 * What a worker is given, and what it is to those who start it.
 */
import type { ObjectStore } from '@repokeeper/object-store'
import type { BatchWindows, PackageInbox, RootPattern } from '@repokeeper/repository'
import type { Buckets } from './buckets.ts'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import type { MessageQueue } from './queue.ts'
import type { ProbeConditions, Reconcile } from './reconcile.ts'
import type { ScheduledJob } from './upkeep.ts'
import type { UpkeepSettings, UpkeepStages } from './upkeep-jobs.ts'

export interface WorkerParts extends UpkeepStages {
  readonly queue: MessageQueue
  readonly openBucket: (bucket: string) => ObjectStore
  readonly reconcile: Reconcile
  readonly probeConditions: ProbeConditions
  /** Of somebody who uses them again, and closes them. Absent: the worker has its own. */
  readonly buckets?: Buckets
  readonly clock: Clock
  readonly events: WorkerEvents
}

export interface WorkerSettings {
  /** Roots by bucket; `undefined`: none are configured, and they are looked for in the buckets. */
  readonly roots: ReadonlyMap<string, readonly RootPattern[]> | undefined
  /** Directories whose packages move to where repositories are. Absent: none. */
  readonly inboxes?: readonly PackageInbox[]
  readonly windows: BatchWindows
  readonly visibilityTimeoutSeconds: number
  /** Repositories published at the same time. While so many are, nothing is received. */
  readonly concurrency: number
  /** Messages held at most; up to nine more, since they come in tens. */
  readonly messagesMax: number
  readonly singleWriter: boolean
  /** Ends when the queue is empty and everything is published. */
  readonly once: boolean
  /** Milliseconds that publishes under way are given when the worker is stopped. */
  readonly graceMs: number
  /** What is done now and then beside the queue; absent, and with `once`: nothing. */
  readonly upkeep?: UpkeepSettings
}

export type WorkerEnd =
  /** `once`: messages that are left in the queue, or were not deleted; and configured buckets that could not be tried to the last. */
  | { readonly kind: 'drained'; readonly left: number; readonly untried: readonly string[] }
  | { readonly kind: 'stopped'; readonly givenBack: number }
  | { readonly kind: 'failed'; readonly error: unknown }

export interface Worker {
  start(): void
  /** Receives no more, finishes the publishes under way or gives back what is not settled. Resolves when that is done; may be called again. */
  stop(): Promise<void>
  /** What is done now and then, and when. */
  scheduled(): readonly ScheduledJob[]
  /** Never rejects. */
  readonly finished: Promise<WorkerEnd>
}
