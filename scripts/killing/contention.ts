/**
 * A steady load on one repository with so many workers at its queue.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import type { FaultRule } from '@repokeeper/local-cloud'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { startCloud } from '../../fixtures/cloud-process.ts'
import { Fleet } from './fleet.ts'

export interface ContentionOptions {
  readonly directory: string
  readonly workers: number
  readonly seconds: number
  readonly perSecond: number
}

export interface Contention {
  readonly publishes: number
  readonly conflicts: number
  /** Of each upload, milliseconds from its answer until a client could read a generation that lists it; to within `lookEveryMs`. */
  readonly latenciesMs: readonly number[]
}

const root = 'el9/'
const lookEveryMs = 50
/** S3 in the same region answers after some ten milliseconds; on one machine without them the workers would hardly ever meet. */
const asFarAsS3: readonly FaultRule[] = [
  { service: 's3', accessKey: 'worker-*', action: { kind: 'delay', milliseconds: 15 } },
]

/** @throws where an upload is not listed two minutes after the last of them */
export async function measureContention({
  directory,
  workers,
  seconds,
  perSecond,
}: ContentionOptions): Promise<Contention> {
  const cloud = await startCloud({ directory, seed: 1, maxReceiveCount: 100, visibilityTimeoutSeconds: 60 })
  await cloud.setFaults(asFarAsS3)
  const fleet = new Fleet({
    cloud,
    directory,
    queues: Array.from({ length: workers }, () => cloud.queues.add),
    environment: {
      REPOKEEPER_BATCH_QUIET_SECONDS: '0.5',
      REPOKEEPER_BATCH_LONGEST_WAIT_SECONDS: '2',
      REPOKEEPER_AUDIT_INTERVAL: '0',
      REPOKEEPER_GC_INTERVAL: '0',
    },
  })
  const uploadedAt = new Map<string, number>()
  const latencies = new Map<string, number>()
  const uploading = { done: false }
  try {
    // So that none of them is still starting when the clock runs.
    await cloud.store.put(`${root}first.rpm`, buildPackage({ name: 'first' }), { if: 'always' })
    const baseUrl = `${cloud.endpoint}/${cloud.bucket}/${root}`
    while (!(await listedAt(baseUrl)).has('first.rpm')) await delay(lookEveryMs)
    await delay(2_000)
    const before = { ...fleet.figures }

    const watching = watch(baseUrl, uploadedAt, latencies, uploading)
    const uploads: Promise<void>[] = []
    for (let number = 1; number <= seconds * perSecond; number += 1) {
      uploads.push(upload(number))
      await delay(1_000 / perSecond)
    }
    await Promise.all(uploads)
    uploading.done = true
    await watching
    const { publishes, conflicts } = fleet.figures
    return {
      publishes: publishes - before.publishes,
      conflicts: conflicts - before.conflicts,
      latenciesMs: [...latencies.values()],
    }
  } finally {
    await fleet.stop()
    await cloud.close()
  }

  async function upload(number: number): Promise<void> {
    const name = `steady-${number}`
    const files = [{ path: `/usr/share/${name}` }]
    await cloud.store.put(`${root}${name}.rpm`, buildPackage({ name, files }), { if: 'always' })
    uploadedAt.set(`${name}.rpm`, performance.now())
  }
}

/** Looks at the published metadata as a client does, until every upload is listed. */
async function watch(
  baseUrl: string,
  uploadedAt: ReadonlyMap<string, number>,
  latencies: Map<string, number>,
  uploading: { readonly done: boolean },
): Promise<void> {
  let giveUpAt = Number.POSITIVE_INFINITY
  for (;;) {
    const isLast = uploading.done
    const listed = await listedAt(baseUrl)
    const now = performance.now()
    for (const [name, at] of uploadedAt) {
      if (listed.has(name) && !latencies.has(name)) latencies.set(name, now - at)
    }
    if (isLast && latencies.size === uploadedAt.size) return
    if (isLast) giveUpAt = Math.min(giveUpAt, now + 120_000)
    if (now > giveUpAt) throw new Error(`${uploadedAt.size - latencies.size} uploads are not listed after two minutes`)
    await delay(lookEveryMs)
  }
}

/** Locations in the primary of the generation that is published now. */
async function listedAt(baseUrl: string): Promise<Set<string>> {
  const repomd = await fetch(`${baseUrl}repodata/repomd.xml`)
  const text = await repomd.text()
  const href = /<data type="primary">[\s\S]*?<location href="([^"]+)"/.exec(text)?.[1]
  if (!repomd.ok || href === undefined) return new Set()
  const primary = await fetch(`${baseUrl}${href}`)
  const xml = gunzipSync(Buffer.from(await primary.arrayBuffer())).toString()
  return new Set([...xml.matchAll(/<location href="([^"]+)"/g)].map(([, location = '']) => location))
}
