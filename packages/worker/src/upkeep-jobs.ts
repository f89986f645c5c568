import type { ObjectStore } from '@repokeeper/object-store'
import type { BatchWindows, RepositoryPlace } from '@repokeeper/repository'
import type { Buckets } from './buckets.ts'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import type { UpkeepJob } from './upkeep.ts'
import { type Audit, auditJob } from './upkeep-audit.ts'
import { type CollectGarbage, cleanUpJob } from './upkeep-clean-up.ts'
import { type HoldLease, leasedJob } from './upkeep-lease.ts'
import { type KeepPledges, secondLookJob } from './upkeep-second-look.ts'
import { siteJob, type WriteSite } from './upkeep-site.ts'

/** What is done beside the queue. Absent: it is not done. */
export interface UpkeepStages {
  readonly audit?: Audit
  readonly collectGarbage?: CollectGarbage
  readonly keepPledges?: KeepPledges
  readonly writeSite?: WriteSite
  /** Absent: audits, clean-ups and sites are done whatever other workers do. */
  readonly holdLease?: HoldLease
}

/** Milliseconds; an interval of 0 is never. */
export interface UpkeepSettings {
  readonly auditIntervalMs: number
  readonly gcIntervalMs: number
  /** How long superseded documents are kept, and of how many generations in any case. */
  readonly retentionMs: number
  readonly keepGenerations: number
}

export interface UpkeepJobsOptions extends UpkeepStages {
  /** Absent: nothing is done. */
  readonly upkeep?: UpkeepSettings
  readonly windows: BatchWindows
  readonly singleWriter: boolean
  readonly buckets: Buckets
  /** Has these keys looked at like those of a batch. */
  readonly heal: (place: RepositoryPlace, keys: readonly string[]) => void
  readonly clock: Clock
  readonly events: WorkerEvents
}

/** Beside the longest wait of a batch: what its publish may take before an audit counts as drift what it has not published. */
const publishMs = 10_000

/** The jobs of a worker, by what it has to do them with. */
export function upkeepJobs(options: UpkeepJobsOptions): UpkeepJob[] {
  const { upkeep, audit, collectGarbage, keepPledges, writeSite, holdLease } = options
  const { windows, singleWriter, buckets, heal, clock, events } = options
  if (upkeep === undefined) return []
  const openBucket = (bucket: string): ObjectStore => buckets.store(bucket)
  const alone = (job: UpkeepJob): UpkeepJob =>
    holdLease === undefined ? job : leasedJob(job, { holdLease, singleWriter, openBucket, events })
  const jobs: UpkeepJob[] = []
  // Who publishes without conditions must be alone in it, and would overwrite his own batch with this.
  if (keepPledges !== undefined && !singleWriter) {
    const openForPublish = async ({ bucket, root }: RepositoryPlace): Promise<ObjectStore> => {
      await buckets.ensureConditions(bucket, root)
      return openBucket(bucket)
    }
    jobs.push(secondLookJob({ keepPledges, singleWriter, openForPublish, events }))
  }
  if (audit !== undefined) {
    const settleMs = windows.longestWaitMs + publishMs
    const intervalMs = upkeep.auditIntervalMs
    jobs.push(alone(auditJob({ audit, intervalMs, settleMs, singleWriter, openBucket, heal, clock, events })))
  }
  if (collectGarbage !== undefined) {
    const intervalMs = upkeep.gcIntervalMs
    jobs.push(alone(cleanUpJob({ ...upkeep, collectGarbage, intervalMs, openBucket, clock, events })))
  }
  if (writeSite !== undefined) jobs.push(alone(siteJob({ writeSite, singleWriter, openBucket, clock, events })))
  return jobs
}
