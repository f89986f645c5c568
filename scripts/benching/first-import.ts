/**
 * A bucket full of packages that has no metadata yet: one worker empties the queue, and ends.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inParallel } from '@repokeeper/repository'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { environmentOf, startCloud } from '../../fixtures/cloud-process.ts'
import { calibratedFiles, calibratedName } from './calibrated-packages.ts'
import { seed } from './calibrated-repository.ts'
import { program } from './commands.ts'
import type { Traffic } from './contestant.ts'
import { type Cost, measureProcess } from './measured-process.ts'
import { atUrl, checkPublished } from './published.ts'
import { callsOf, trafficOf } from './warm-worker.ts'

export interface ImportFigures extends Cost {
  readonly packages: number
  /** Bytes of all packages. */
  readonly packageBytes: number
  /** With S3 alone. */
  readonly traffic: Traffic
}

const root = 'el9/'
const uploadsAtATime = 16
/** That no compression makes less. */
const payloadBytes = 100_000
const accessKeyId = 'worker-import'

/** @throws where the worker leaves a message, or any package is not listed */
export async function measureImport(packages: number): Promise<ImportFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-bench-'))
  const cloud = await startCloud({ directory, seed: 1, maxReceiveCount: 100, visibilityTimeoutSeconds: 600 })
  try {
    const numbers = Array.from({ length: packages }, (_, number) => number)
    const sizes = await inParallel(numbers, uploadsAtATime, async (number) => {
      const { location, bytes } = buildUsualPackage(number)
      await cloud.store.put(`${root}${location}`, bytes, { if: 'always' })
      return bytes.length
    })
    await fetch(`${cloud.endpoint}/_local/calls`, { method: 'DELETE' })
    const args = [program, 'worker', '-q', cloud.queues.add, '--once', '--log-level', 'warn']
    const cost = await measureProcess(process.execPath, args, {
      ...environmentOf(cloud.endpoint, accessKeyId),
      REPOKEEPER_CACHE_DIR: join(directory, 'cache'),
      REPOKEEPER_REPOSITORIES: `s3://${cloud.bucket}/${root}`,
    })
    const calls = await callsOf(cloud.endpoint, accessKeyId)
    const locations = new Set<string>(numbers.map((number) => calibratedName(seed, number).location))
    await checkPublished(atUrl(`${cloud.endpoint}/${cloud.bucket}/${root}`), locations)
    return {
      ...cost,
      packages,
      packageBytes: sizes.reduce((sum, one) => sum + one, 0),
      traffic: trafficOf(calls.filter(({ service }) => service === 's3')),
    }
  } finally {
    await cloud.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** With as many files as a package of a distribution has, so that its header is as long, and behind it some bytes that nobody needs to read. */
function buildUsualPackage(number: number): { readonly location: string; readonly bytes: Uint8Array } {
  const { location, ...named } = calibratedName(seed, number)
  const [first = '/usr/bin/it', ...others] = calibratedFiles(seed, number)
  const content = createHash('shake256', { outputLength: payloadBytes }).update(location).digest()
  const files = [{ path: first, content }, ...others.map((path) => ({ path }))]
  return { location, bytes: buildPackage({ ...named, files }) }
}
