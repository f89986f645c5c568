/** The long-running process between a queue of notifications and the repositories that it keeps. */
export { WorkerError } from './buckets.ts'
export { type Clock, systemClock } from './clock.ts'
export {
  type DeadLetter,
  type DeadLetters,
  openDeadLetters,
  type Returned,
  type Taken,
} from './dead-letters.ts'
export { type WorkerEventListener, type WorkerEventMap, type WorkerEventName, WorkerEvents } from './events.ts'
export { generationsOf } from './generations-settings.ts'
export {
  type HistoryRecord,
  type Refusal,
  type Run,
  RunHistory,
  type UnreadableMessage,
  type WorkerStart,
} from './history.ts'
export { HistoryFile, readHistory } from './history-file.ts'
export { logEvents } from './log.ts'
export { type MetricDescription, type MetricName, metricsCatalogue } from './metrics-catalogue.ts'
export {
  findOverlap,
  isExpiration,
  isTold,
  notificationFor,
  type QueuePurpose,
  queuesTold,
  untold,
} from './notification-rules.ts'
export {
  describeWorkerOptions,
  inboxesOf,
  type OptionDescription,
  type OptionSources,
  type OptionsOutcome,
  parseRepository,
  readWorkerOptions,
  type WorkerOptions,
} from './options.ts'
export type { FoundPackages, SearchPackages } from './package-search.ts'
export type { Delivery, EntryFailure, MessageQueue, Subscriber, Subscription } from './queue.ts'
export { openQueueDesk, type QueueDesk, type QueueState } from './queue-desk.ts'
export { QueueError, type QueueErrorCode } from './queue-error.ts'
export {
  bucketSender,
  letsSend,
  type QueuePolicyVerdict,
  type Sender,
  withSender,
} from './queue-policy.ts'
export type { BatchContext, ProbeConditions, Reconcile, ReconcileContext } from './reconcile.ts'
export { type RedrivePolicy, receiveCountMin } from './redrive-policy.ts'
export { runWorker, settingsOf, type WorkerIo, type WorkerStages } from './run.ts'
export { queueName, regionOfUrl, type SqsConnection } from './sqs-client.ts'
export { openSqsQueue, type SqsQueue, type SqsQueueOptions } from './sqs-queue.ts'
export type { Audit } from './upkeep-audit.ts'
export type { CollectGarbage } from './upkeep-clean-up.ts'
export type { HoldLease } from './upkeep-lease.ts'
export type { KeepPledges } from './upkeep-second-look.ts'
export type { WriteSite } from './upkeep-site.ts'
export { WatchedSigner } from './watched-signer.ts'
export { createWorker } from './worker.ts'
export type { Worker, WorkerEnd, WorkerParts, WorkerSettings } from './worker-parts.ts'
