/**
 * Whole repositories on their way: where they come from, and replicas that follow them.
 */

export type { BroughtPackage } from './bring-packages.ts'
export { followSource } from './follow-source.ts'
export { linkSnapshot } from './link-snapshot.ts'
export { Mirror, type MirrorOptions } from './mirror.ts'
export type { MirrorPlan } from './mirror-plan.ts'
export type { PackageRefusal } from './package-gate.ts'
export type { PrunedPackage } from './prune-dropped.ts'
export type { Companion, UpstreamPackage } from './read-upstream.ts'
export {
  Replica,
  type ReplicaEvent,
  type ReplicaOptions,
  type ReplicaTime,
  type ReplicaUpdate,
  realTime,
} from './replica.ts'
export type { ReplicaPlan, WantedFile } from './replica-plan.ts'
export { type PackageSelection, selectPackages } from './select-packages.ts'
export {
  type ByteRange,
  openBody,
  type RepositorySource,
  type SourceAnswer,
  type SourceRequest,
  type SourceVersion,
} from './source.ts'
export { storeSource } from './store-source.ts'
export { TransferError, type TransferErrorCode } from './transfer-error.ts'
export { type OpenUpstreamOptions, openUpstream, type Upstream, type UpstreamAddress } from './upstream.ts'
export { WebError, WebReader, type WebReaderOptions } from './web-reader.ts'
export { parseWebUrl, webSource } from './web-source.ts'
