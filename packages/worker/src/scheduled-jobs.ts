import type { Clock } from './clock.ts'
import type { Heartbeat } from './metrics.ts'
import type { ScheduledJob } from './upkeep.ts'

/** One job of one repository, as it is told outside: plain data, as JSON has it. Times are ISO 8601, UTC. */
export interface JobDescription {
  readonly name: ScheduledJob['name'] | 'heartbeat'
  /** `s3://bucket/root/`; `null` for what is done for none of them. */
  readonly repository: string | null
  readonly intervalSeconds: number
  readonly lastStartedAt: string | null
  readonly lastEndedAt: string | null
  readonly lastOutcome: ScheduledJob['outcome'] | null
  /** `null` while a round is under way, or waits for another job. */
  readonly nextAt: string | null
  readonly isRunning: boolean
}

export function describeJobs(
  jobs: readonly ScheduledJob[],
  heartbeat: Heartbeat,
  { clock, date }: { readonly clock: Pick<Clock, 'now'>; readonly date: () => Date },
): JobDescription[] {
  const [now, today] = [clock.now(), date().getTime()]
  const timeOf = (at: number | undefined): string | null =>
    at === undefined ? null : new Date(today + at - now).toISOString()
  const { intervalMs, lastAt, nextAt } = heartbeat
  return [
    {
      name: 'heartbeat',
      repository: null,
      intervalSeconds: intervalMs / 1000,
      lastStartedAt: timeOf(lastAt),
      lastEndedAt: timeOf(lastAt),
      lastOutcome: lastAt === undefined ? null : 'done',
      nextAt: timeOf(nextAt),
      isRunning: false,
    },
    ...jobs.map((job) => ({
      name: job.name,
      repository: `s3://${job.bucket}/${job.root}`,
      intervalSeconds: job.intervalMs / 1000,
      lastStartedAt: timeOf(job.startedAt),
      lastEndedAt: timeOf(job.endedAt),
      lastOutcome: job.outcome ?? null,
      nextAt: timeOf(job.nextAt),
      isRunning: job.isRunning,
    })),
  ]
}
