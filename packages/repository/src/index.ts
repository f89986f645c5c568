/**
 * The use case: bring the metadata of an RPM repository to what its bucket holds. A file per stage.
 */

export { type Adoption, adoptRepository, examineForAdoption, type FoundRecord } from './adopt.ts'
export { type AuditOptions, type AuditReport, auditRepository } from './audit.ts'
export { openChecksumOf } from './audit-deep.ts'
export type {
  AuditFinding,
  AuditNote,
  DocumentFindingKind,
  GenerationFindingKind,
  Mend,
  PackageFindingKind,
  PackageSignatureFindingKind,
  RepomdFindingKind,
} from './audit-finding.ts'
export type { SignerCount } from './audit-package-signatures.ts'
export { type Repair, type RepairOptions, type RepairReport, repairRepository } from './audit-repair.ts'
export { type Batch, Batches, type BatchWindows, type RepositoryPlace } from './batch.ts'
export { type Interpretation, interpretMessage, type ObjectChange } from './change.ts'
export {
  type CleanUpInput,
  type CleanUpPlan,
  type KeepReason,
  type PlannedDelete,
  type PlannedKeep,
  planCleanUp,
  type RepodataObject,
} from './clean-up-plan.ts'
export {
  type ContextOptions,
  type DocumentOptions,
  describeLocation,
  type RepositoryContext,
  type RepositoryLocation,
  realContext,
  usualDocuments,
  withSignal,
} from './context.ts'
export { DiskCache, type DiskCacheOptions } from './disk-cache.ts'
export type { DocumentCache, DocumentDigest } from './document-cache.ts'
export { DocumentCheck } from './document-check.ts'
export { forEachOf } from './for-each-of.ts'
export { type Founding, foundRepository } from './found-repository.ts'
export { markLeft, withClaim } from './generation-claim.ts'
export {
  deleteGenerationDirectory,
  type GenerationDirectory,
  listGenerationDirectories,
} from './generation-directories.ts'
export { generationLocation, writeGenerationDirectory } from './generation-directory.ts'
export { type GenerationHolders, heldGenerations, readGenerationHolders, snapshotKey } from './generation-holders.ts'
export { type ListedGeneration, listGenerations } from './generation-list.ts'
export { type Generations, generationsUrl, wrongGenerationsUrl } from './generation-settings.ts'
export { deleteSnapshot, pinGeneration, resumeMirrorlist, takeSnapshot } from './generation-use.ts'
export { keepFollowers, putMirrorlist, readMirrorlist } from './generations.ts'
export { HeaderSizes } from './header-sizes.ts'
export { HeldPackages, type PlacedPackage } from './held-packages.ts'
export { inParallel } from './in-parallel.ts'
export { type KnownGeneration, knownGeneration } from './known-generation.ts'
export { type LeaseOutcome, leaseName, withLease } from './lease.ts'
export { type PublishedAt, readListedAt } from './listed-at.ts'
export { describeLostPackages, findLostPackages, type LostPackage } from './lost-packages.ts'
export { MemoryCache } from './memory-cache.ts'
export {
  formatMirrorlist,
  type GenerationId,
  generationIdOf,
  type Mirrorlist,
  mirrorlistKey,
  parseGenerationId,
  parseMirrorlist,
} from './mirrorlist.ts'
export { moduleArtifactsIn } from './module-artifacts.ts'
export { type Observation, observeAll } from './observe.ts'
export { withoutOwnBase } from './own-base.ts'
export { inboxPlaceOf, isRejected, type PackageInbox, parsePackageInbox, parsePackageInboxes } from './package-inbox.ts'
export {
  anyPackage,
  type PackageCheck,
  type PackagePolicy,
  type PackageSigner,
  type PackageVerifier,
  type PolicyRefusal,
  type PolicyRefusalCode,
  type PolicyVerdict,
  refusalOf,
  verifierOf,
} from './package-policy.ts'
export { largeBytes, modifiedSeconds, type PackageFacts, PackageReader } from './package-reader.ts'
export { PassingPackage, type PassingVerdict } from './passing-package.ts'
export { changesMetadata, type PlannedChange, planChanges, type RepositoryPlan } from './plan.ts'
export { deletePruned, type PruneOutcome, type ReadForPrune, readForPrune } from './prune.ts'
export {
  moduleArtifact,
  type PrunablePackage,
  type PruneDecision,
  type PruneInput,
  type PrunePolicy,
  planPrune,
} from './prune-plan.ts'
export { type DraftRecord, publishRecords, type RecordsChange } from './publish-records.ts'
export { type PackageReading, readPackage } from './read-package.ts'
export { type RangesRead, readRanges } from './read-ranges.ts'
export { type RebuildOptions, type RebuildReport, rebuildRepository } from './rebuild.ts'
export {
  type KeyVerdict,
  keepLeftPledges,
  type ReconcileOptions,
  type ReconcileReport,
  reconcile,
} from './reconcile.ts'
export { reconcileInbox } from './reconcile-inbox.ts'
export { RepositoryError, type RepositoryErrorCode } from './repository-error.ts'
export type { RepositoryEvent } from './repository-event.ts'
export { type CleanUpOptions, carryOut, collectGarbage, readForCleanUp, retentionMsDefault } from './retention.ts'
export * from './roots.ts'
export { hitLimits, type PackageHit, type SearchOptions, type SearchReport, searchPackages } from './search-packages.ts'
export {
  judgeSignature,
  keepSignature,
  publicKeyKey,
  type RepomdSigner,
  readPublicKey,
  readSignature,
  refuseToUnsign,
  type Signing,
  signatureKey,
} from './signature.ts'
export {
  type IndexedSnapshot,
  readIndexedSnapshot,
  readRepomd,
  readSnapshot,
  readStoredRepomd,
  recordKey,
  type Snapshot,
} from './snapshot.ts'
export {
  type Difference,
  liesInNested,
  listPackages,
  nestedRootOf,
  type Survey,
  surveyRepository,
} from './survey.ts'
export { Turnstile } from './turnstile.ts'
