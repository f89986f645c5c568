/**
 * A steady rate of uploads, a pair of workers, and a client that looks again and again.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Cloud, startCloud } from '../../fixtures/cloud-process.ts'
import { Fleet } from '../killing/fleet.ts'
import { calibratedName } from './calibrated-packages.ts'
import { calibratedRepository, seed } from './calibrated-repository.ts'
import { buildSmallPackage } from './change.ts'
import { type ClientName, type Look, openClient } from './upload-clients.ts'
import { uploadDocuments } from './warm-worker.ts'

export interface UploadsOptions {
  readonly perSecond: number
  readonly seconds: number
  /** In the repository before. */
  readonly packages: number
  /** Of the workers, each: seconds. */
  readonly windows: { readonly quiet: number; readonly longest: number }
  /** Of every answer that a worker gets from S3. */
  readonly latencyMs: number
  /** Who has to see an upload. */
  readonly client: ClientName
  readonly cacheDirectory: string
}

export interface UploadFigures {
  readonly uploads: number
  readonly publishes: number
  /** Publishes that were lost to the other worker, and done again. */
  readonly conflicts: number
  /** Of each upload, from its answer until the end of the client's first look that lists it. */
  readonly seconds: readonly number[]
  /** What such a look took, each that saw a new generation. */
  readonly lookSeconds: readonly number[]
  /** Uploads a second that were really made. */
  readonly perSecond: number
}

export const workers = 2
/** After the last upload. */
const patienceMs = 300_000
const root = 'el9/'

/** @throws where an upload is not listed after minutes */
export async function measureUploads(options: UploadsOptions): Promise<UploadFigures> {
  const { perSecond, seconds, packages, latencyMs, client, cacheDirectory } = options
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-bench-'))
  const cloud = await startCloud({ directory, seed: 1, maxReceiveCount: 100, visibilityTimeoutSeconds: 120 })
  const fleet = new Fleet({
    cloud,
    directory,
    queues: Array.from({ length: workers }, () => cloud.queues.add),
    environment: environmentOf(options),
  })
  const reading = new AbortController()
  try {
    await uploadDocuments(cloud.store, root, await calibratedRepository(cacheDirectory, 'ours', packages))
    const look = await openClient(client, { directory, url: `${cloud.endpoint}/${cloud.bucket}/${root}` })
    const reader = new Reader(look)
    const watching = reader.watch(reading.signal)
    watching.catch(() => {})
    /** Nor is it waited for for ever, nor once the client has failed. */
    const awaited = async <T>(listed: Promise<T>): Promise<T> => {
      const patience = delay(patienceMs, undefined, { signal: reading.signal }).then(() => {
        throw new Error(
          `${packages} packages, ${perSecond} uploads a second: not all are listed after ${patienceMs / 1000} s`,
        )
      })
      return Promise.race([listed, watching, patience])
    }
    // Until this one is listed the workers are still starting, and their caches are empty.
    await awaited(reader.listed(await upload(cloud, 0, packages)))
    if (latencyMs > 0) {
      await cloud.setFaults([
        { service: 's3', accessKey: 'worker-*', action: { kind: 'delay', milliseconds: latencyMs } },
      ])
    }
    const before = { ...fleet.figures }
    reader.lookSeconds.length = 0
    const startedAt = performance.now()
    const waits: Promise<number>[] = []
    const count = Math.max(1, Math.round(seconds * perSecond))
    for (let number = 1; number <= count; number += 1) {
      // By the clock, so that a busy machine makes no fewer of them.
      await delay(Math.max(0, startedAt + (number * 1000) / perSecond - performance.now()))
      waits.push(upload(cloud, number, packages).then((uploaded) => reader.listed(uploaded)))
    }
    const lasted = (performance.now() - startedAt) / 1000
    const milliseconds = await awaited(Promise.all(waits))
    const { publishes, conflicts, ended } = fleet.figures
    if (ended.length > 0) throw new Error(ended.join('\n'))
    return {
      uploads: count,
      publishes: publishes - before.publishes,
      conflicts: conflicts - before.conflicts,
      seconds: milliseconds.map((one) => one / 1000),
      lookSeconds: reader.lookSeconds,
      perSecond: count / lasted,
    }
  } finally {
    reading.abort()
    await fleet.stop()
    await cloud.close()
    await rm(directory, { recursive: true, force: true })
  }
}

function environmentOf({ windows }: UploadsOptions): NodeJS.ProcessEnv {
  return {
    REPOKEEPER_BATCH_QUIET_SECONDS: String(windows.quiet),
    REPOKEEPER_BATCH_LONGEST_WAIT_SECONDS: String(windows.longest),
    REPOKEEPER_AUDIT_INTERVAL: '0',
    REPOKEEPER_GC_INTERVAL: '0',
  }
}

interface Uploaded {
  readonly location: string
  /** When the answer was here. */
  readonly at: number
}

async function upload(cloud: Cloud, number: number, packages: number): Promise<Uploaded> {
  const { location, ...named } = calibratedName(seed, packages + number)
  await cloud.store.put(`${root}${location}`, buildSmallPackage(named), { if: 'always' })
  return { location, at: performance.now() }
}

/** Looks again and again, and notes when each location was there. */
class Reader {
  readonly lookSeconds: number[] = []
  readonly #look: Look
  readonly #waiting = new Map<string, (at: number) => void>()
  readonly #listedAt = new Map<string, number>()

  constructor(look: Look) {
    this.#look = look
  }

  /** @returns milliseconds from the upload's end, 0 where it was listed before its answer was here */
  async listed({ location, at }: Uploaded): Promise<number> {
    const listedAt =
      this.#listedAt.get(location) ??
      (await new Promise<number>((resolve) => {
        this.#waiting.set(location, resolve)
      }))
    return Math.max(0, listedAt - at)
  }

  /** Ends only by throwing, until it is told to stop. */
  async watch(signal: AbortSignal): Promise<never> {
    for (;;) {
      const begun = performance.now()
      const locations = await this.#look(signal)
      signal.throwIfAborted()
      if (locations !== undefined) {
        const now = performance.now()
        this.lookSeconds.push((now - begun) / 1000)
        this.#take(locations, now)
      }
    }
  }

  #take(locations: readonly string[], now: number): void {
    for (const location of locations) {
      if (this.#listedAt.has(location)) continue
      this.#listedAt.set(location, now)
      this.#waiting.get(location)?.(now)
      this.#waiting.delete(location)
    }
  }
}
