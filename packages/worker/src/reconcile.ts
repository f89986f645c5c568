import type { ObjectStore } from '@repokeeper/object-store'
import type { ReconcileReport, RepositoryEvent, RepositoryRoot } from '@repokeeper/repository'

export interface ReconcileContext {
  /** Given up: nothing more is to be written. A publish that is under way may still land. */
  readonly signal: AbortSignal
  /** The person vouches that nobody else writes this repository: conditions need not be honoured. */
  readonly singleWriter: boolean
  /** What the stages have to tell. */
  readonly onEvent: (event: RepositoryEvent) => void
}

/** What a batch adds to that. */
export interface BatchContext extends ReconcileContext {
  /** Asked after each lost race: keys that were gathered meanwhile, and are reconciled along from then on. */
  readonly joining: () => Iterable<string>
}

/**
 * Brings the metadata of one repository to what the bucket holds at these keys: the stages from snapshot to publish. A key without a verdict was not
 * decided on; its messages come back.
 * @throws on a fault (the store is out, access is denied, …): then nothing counts as covered.
 */
export type Reconcile = (
  location: { readonly store: ObjectStore; readonly root: RepositoryRoot },
  keys: ReadonlySet<string>,
  context: BatchContext,
) => Promise<Pick<ReconcileReport, 'verdicts'> & Partial<Pick<ReconcileReport, 'undecided'>>>

/** Whether a store honours conditional writes, tried with an object of its own under `prefix`. */
export type ProbeConditions = (
  store: ObjectStore,
  prefix: string,
) => Promise<{
  readonly kind: 'honoured' | 'ignored' | 'unsupported'
  readonly which?: string
  readonly reason?: string
}>
