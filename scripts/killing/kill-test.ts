/**
 * The kill test: workers that are killed at random on bad days, under load, while clients read; then the bucket beside the metadata.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { differences } from '../../fixtures/bucket-truth.ts'
import { type Cloud, startCloud } from '../../fixtures/cloud-process.ts'
import { type CleanUpFigures, cleanUpAgainAndAgain } from './clean-up.ts'
import { badDays } from './faults.ts'
import { Fleet, type FleetFigures } from './fleet.ts'
import { Load, type LoadFigures, repositories } from './load.ts'
import { type Chance, createChance } from './random.ts'
import { noFigures, type ReaderFigures, readGenerations, runDnf } from './readers.ts'

export interface KillTestOptions {
  readonly seconds: number
  /** Of what is changed and killed, and of the faults. The run itself is not the same again: processes have a time of their own. */
  readonly seed: number
}

export interface KillTestFigures {
  readonly load: LoadFigures
  readonly events: number
  readonly fleet: FleetFigures
  readonly readers: ReaderFigures
  readonly cleanUps: CleanUpFigures
  /** In the bucket at the end. */
  readonly packages: number
  /** Packages that the metadata does not say as they are in the bucket. */
  readonly lost: number
  /** Everything that must not be, a line each. */
  readonly failures: readonly string[]
}

/** Documents are kept so long for clients: short, so that clean-up has its part, and long against what a loaded machine adds to a read. */
const retentionSeconds = 20
const heldSeconds = 5
/** Messages of a worker that was killed come back after so long. */
const visibilityTimeoutSeconds = 5
/** No poison is in the load, and every kill spends deliveries. */
const maxReceiveCount = 1_000
/**
 * Until everything is published after the last change. A message that was delivered often, because its workers were killed, and then met a fault
 * is held back for minutes (`retryDelay` in worker/src/settle.ts).
 */
const drainMs = 600_000

export async function killTest({ seconds, seed }: KillTestOptions): Promise<KillTestFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-kill-test-'))
  const cloud = await startCloud({ directory, seed, maxReceiveCount, visibilityTimeoutSeconds })
  try {
    return await run(cloud, directory, seconds, seed)
  } finally {
    await cloud.close()
    await rm(directory, { recursive: true, force: true })
  }
}

async function run(cloud: Cloud, directory: string, seconds: number, seed: number): Promise<KillTestFigures> {
  const { add, remove, deadLetters } = cloud.queues
  await cloud.setFaults(badDays)
  const fleet = new Fleet({ cloud, directory, queues: [add, add, remove, remove], environment: workerOptions })
  const load = new Load(cloud.store, createChance(seed))
  const readers = noFigures()
  const cleanUps: CleanUpFigures = { runs: 0, kills: 0, deleted: 0, failures: [] }
  const failures: string[] = []
  const busy = new AbortController()
  const reading = new AbortController()
  const clients = startClients(cloud, directory, readers, createChance(seed + 1), reading.signal)
  try {
    const disturbance = [
      load.run(busy.signal),
      fleet.killAtRandom(createChance(seed + 2), busy.signal),
      cleanUpAgainAndAgain({
        cloud,
        directory,
        retentionSeconds,
        figures: cleanUps,
        chance: createChance(seed + 3),
        signal: busy.signal,
      }),
    ]
    await Promise.race([delay(seconds * 1_000), ...disturbance])
    busy.abort()
    await Promise.all(disturbance)

    await cloud.setFaults([])
    if (!(await cloud.drained(drainMs))) failures.push(`messages are left in the queues after ${drainMs / 1000} s`)
    await pledgesKept(cloud, directory)
    reading.abort()
    await clients
  } finally {
    busy.abort()
    reading.abort()
    await fleet.stop()
  }

  const dead = await cloud.messagesIn(deadLetters)
  if (dead > 0) failures.push(`${dead} messages are in the dead-letter queue`)
  let packages = 0
  const wrong: string[] = []
  for (const root of repositories) {
    const compared = await differences(cloud.store, root, directory)
    packages += compared.packages
    wrong.push(...compared.wrong)
  }
  failures.push(...wrong, ...readers.failures, ...fleet.figures.ended, ...cleanUps.failures)
  const { figures, events } = load
  return {
    load: figures,
    events,
    fleet: fleet.figures,
    readers,
    cleanUps,
    packages,
    lost: wrong.length,
    failures,
  }
}

/** An audit would find what was lost, and mend it: here nothing may be lost in the first place. */
const workerOptions: NodeJS.ProcessEnv = {
  REPOKEEPER_BATCH_QUIET_SECONDS: '0.2',
  REPOKEEPER_BATCH_LONGEST_WAIT_SECONDS: '1',
  REPOKEEPER_VISIBILITY_TIMEOUT_SECONDS: String(visibilityTimeoutSeconds),
  REPOKEEPER_AUDIT_INTERVAL: '0',
  REPOKEEPER_GC_INTERVAL: '0',
  // So that a worker that was started anew knows them.
  REPOKEEPER_REPOSITORIES: repositories.map((root) => `s3://packages/${root}`).join(','),
}

/** Of each repository two who read everything, and one dnf. */
async function startClients(
  cloud: Cloud,
  directory: string,
  figures: ReaderFigures,
  chance: Chance,
  signal: AbortSignal,
): Promise<void> {
  const clients = join(directory, 'clients')
  await mkdir(clients)
  const readings = repositories.flatMap((root) => {
    const options = { baseUrl: `${cloud.endpoint}/${cloud.bucket}/${root}`, figures, signal }
    return [
      readGenerations({ ...options, heldMs: heldSeconds * 1_000, chance }),
      runDnf({ ...options, directory: clients }),
    ]
  })
  await Promise.all(readings).catch((error: unknown) => {
    figures.failures.push(`a client failed: ${error instanceof Error ? error.message : String(error)}`)
  })
}

/**
 * Who was killed between a swap and the last look has left a pledge, and others look in its stead after a minute or two. Where the
 * metadata is right already that changes nothing, and is not waited for.
 */
async function pledgesKept({ store }: Cloud, directory: string): Promise<void> {
  const until = performance.now() + drainMs
  for (const root of repositories) {
    while (performance.now() < until && (await differences(store, root, directory)).wrong.length > 0) {
      let left = 0
      for await (const _ of store.list(`${root}repodata/pledge-`)) left += 1
      if (left === 0) break
      await delay(5_000)
    }
  }
}
