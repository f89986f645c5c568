import type { ObjectStore } from '@repokeeper/object-store'
import type {
  AuditFinding,
  AuditReport,
  RepositoryEvent,
  RepositoryPlace,
  RepositoryRoot,
} from '@repokeeper/repository'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import type { ReconcileContext } from './reconcile.ts'
import type { UpkeepJob } from './upkeep.ts'

/**
 * Looks for drift, and changes nothing.
 * @throws where the bucket cannot be listed or the metadata not be read: then nothing is known.
 */
export type Audit = (
  location: { readonly store: ObjectStore; readonly root: RepositoryRoot },
  context: ReconcileContext & {
    /** Milliseconds that a change which is under way is given before it counts as drift. */
    readonly settleMs: number
  },
) => Promise<Pick<AuditReport, 'findings' | 'notes'>>

export interface AuditJobOptions {
  readonly audit: Audit
  readonly intervalMs: number
  readonly settleMs: number
  readonly singleWriter: boolean
  readonly openBucket: (bucket: string) => ObjectStore
  /** Has these keys looked at like those of a batch. */
  readonly heal: (place: RepositoryPlace, keys: readonly string[]) => void
  readonly clock: Clock
  readonly events: WorkerEvents
}

/** Of one audit, so many findings are told one by one; their number is told in any case. */
const findingsToldMax = 100

/**
 * Finds what no notification told, and heals what concerns packages by having their keys looked at: the bucket decides, the
 * finding is only another hint. So nothing is removed from the metadata because a listing had left it out.
 *
 * What would need documents to be written anew is told, and left to a person.
 */
export function auditJob(options: AuditJobOptions): UpkeepJob {
  const { audit, intervalMs, settleMs, singleWriter, openBucket, heal, clock, events } = options
  return {
    name: 'audit',
    intervalMs,
    async run(place, signal) {
      const { bucket, root } = place
      const startedAt = clock.now()
      const onEvent = (event: RepositoryEvent): void => events.emit('repository', { ...event, bucket, root })
      const { findings, notes } = await audit(
        { store: openBucket(bucket), root },
        { signal, singleWriter, onEvent, settleMs },
      )
      if (signal.aborted) return 'done'
      const healing = findings.filter(isHealed)
      for (const finding of findings.slice(0, findingsToldMax)) {
        const { kind, path, problem, remedy } = finding
        events.emit('drift', { bucket, root, kind, path, problem, remedy, healing: isHealed(finding) })
      }
      const counts = { findings: findings.length, healing: healing.length, notes: notes.length }
      events.emit('audited', { bucket, root, ...counts, durationMs: clock.now() - startedAt })
      if (healing.length > 0) heal(place, [...new Set(healing.map(({ path }) => `${root}${path}`))])
      return 'done'
    },
  }
}

function isHealed({ mend }: AuditFinding): boolean {
  return mend === 'reconcile'
}
