/**
 * Whole repositories on their way: where they come from, and replicas that follow them.
 */

export { followSource } from './follow-source.ts'
export { linkSnapshot } from './link-snapshot.ts'
export {
  Replica,
  type ReplicaEvent,
  type ReplicaOptions,
  type ReplicaTime,
  type ReplicaUpdate,
  realTime,
} from './replica.ts'
export type { ReplicaPlan, WantedFile } from './replica-plan.ts'
export { openBody, type RepositorySource, type SourceAnswer, type SourceVersion } from './source.ts'
export { storeSource } from './store-source.ts'
export { TransferError, type TransferErrorCode } from './transfer-error.ts'
export { WebError, WebReader, type WebReaderOptions } from './web-reader.ts'
export { parseWebUrl, webSource } from './web-source.ts'
