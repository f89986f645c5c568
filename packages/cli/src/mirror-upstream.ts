/**
 * One upstream into one repository: look, say what would be, bring, publish, prune.
 */
import { foundRepository, refuseToUnsign } from '@repokeeper/repository'
import type { Keyring } from '@repokeeper/signing'
import {
  type BroughtPackage,
  Mirror,
  type MirrorPlan,
  type PrunedPackage,
  realTime,
  type Upstream,
} from '@repokeeper/transfer'
import { refuseInnerRepository } from './check-place.ts'
import type { Cli } from './cli.ts'
import { digestThere } from './digest-there.ts'
import { namedBy } from './match-packages.ts'
import type { MirrorJob, MirrorManner, MirrorReport } from './mirror-repository.ts'
import { MirrorTeller } from './mirror-teller.ts'
import { noMetadata, type OpenRepository } from './open-repository.ts'
import { startProgress } from './progress.ts'
import { ensureConditions } from './publish-changes.ts'
import { settleChange } from './settle-change.ts'
import type { Expectation } from './wait-for-metadata.ts'

export interface UpstreamMirror {
  readonly job: MirrorJob
  readonly manner: MirrorManner
  readonly keyring: Keyring | undefined
  readonly scratch: string
}

/** @throws TransferError, WebError, StoreError, RepositoryError, CommandError, UsageError */
export async function mirrorUpstream(
  upstream: Upstream,
  repository: OpenRepository,
  { job, manner, keyring, scratch }: UpstreamMirror,
  cli: Cli,
): Promise<MirrorReport> {
  const { signal } = cli.interruption
  const { location } = repository
  const context = repository.context()
  const teller = new MirrorTeller(upstream.name, repository.name, { job, manner }, cli)
  const { concurrency, bytesPerSecond } = manner
  const mirror = await Mirror.look(upstream, location, context, {
    ...{ keyring, concurrency, bytesPerSecond, scratch, signal, time: realTime },
    ...{ selection: selectionOf(job), directory: job.directory, replaces: job.replace },
    ...{ bringsDocuments: !job.packagesOnly, copiesInStore: !repository.isDirectory && isBucket(job) },
    onBrought: (one) => teller.hear(one),
  })
  try {
    const { plan, newDocuments } = mirror
    for (const directory of directoriesOf(plan)) await refuseInnerRepository(repository, directory)
    if (manner.dryRun) return teller.tellPlan(plan, newDocuments)
    const publishes = manner.publish ?? repository.isDirectory
    if (publishes || newDocuments.length > 0) await refuseToUnsign(location, context)
    await ensureConditions(repository)
    const { kind } = await foundRepository(location, context)
    if (kind === 'packages without metadata') throw noMetadata(repository)

    await mirror.begin(context)
    const revision = await mirror.bringDocuments(context)
    if (revision !== undefined) teller.tellDocuments(newDocuments)
    const brought = await bring(mirror, teller, cli)
    if (signal.aborted) return teller.tellInterruption(brought)
    const settled = await settleChange(repository, await expectationsOf(brought, repository), manner, cli)

    const isPruned = job.prune && settled.ok && (plan.doubt === undefined || manner.forcePrune)
    const pruned = isPruned ? await mirror.prune(context) : []
    const gone = pruned.filter(({ outcome }) => outcome.kind !== 'changed')
    const afterPrune = await settleChange(repository, gone.map(absent), manner, cli)
    const isBelieved = plan.doubt === undefined || (job.prune && manner.forcePrune)
    await mirror.end(brought, pruned, isBelieved, context)
    return teller.report({ plan, documents: newDocuments, brought, pruned, settled: [settled, afterPrune] })
  } finally {
    await mirror.close()
  }
}

/** What comes by here anyway is verified to its end. */
function isBucket({ upstream }: MirrorJob): boolean {
  return /^s3:\/\//i.test(upstream.place)
}

function selectionOf({ include, exclude, arches, newest, sinceSeconds }: MirrorJob) {
  const [isIncluded, isExcluded] = [namedBy(include), namedBy(exclude)]
  return {
    ...{ arches, newest, sinceSeconds },
    isMeant: (one: Parameters<typeof isIncluded>[0]) => (include.length === 0 || isIncluded(one)) && !isExcluded(one),
  }
}

function directoriesOf({ fetch, check, different }: MirrorPlan): Set<string> {
  const paths = [...fetch, ...check, ...different].map(({ path }) => path)
  return new Set(paths.map((path) => path.slice(0, path.lastIndexOf('/') + 1)))
}

async function bring(mirror: Mirror, teller: MirrorTeller, { output }: Cli): Promise<BroughtPackage[]> {
  const { fetch, check, different, impossible } = mirror.plan
  const files = [...fetch, ...check, ...different, ...impossible.map(({ file }) => file)]
  const total = files.reduce((sum, { size }) => sum + (size ?? 0), 0)
  if (total === 0) return mirror.bringPackages()
  const progress = startProgress(output, { doing: 'mirroring', unit: 'bytes', total })
  teller.progress = progress
  try {
    return await mirror.bringPackages()
  } finally {
    teller.progress = undefined
    progress.end()
  }
}

/** What upstream gives with another digest than SHA-256 is listed with that of this repository. */
async function expectationsOf(
  brought: readonly BroughtPackage[],
  { location }: OpenRepository,
): Promise<Expectation[]> {
  const expectations: Expectation[] = []
  for (const { file, outcome } of brought) {
    if (outcome.kind !== 'fetched' && outcome.kind !== 'there') continue
    const { path, checksum } = file
    const sha256 = checksum.type === 'sha256' ? checksum.hex : await digestThere(location, path)
    expectations.push({ path, sha256 })
  }
  return expectations
}

function absent({ path }: PrunedPackage): Expectation {
  return { path, sha256: undefined }
}
