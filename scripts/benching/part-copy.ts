/**
 * Documents after one change, brought to S3 in two ways: whole, in one PUT; and as a multipart upload in which S3 itself copies what stands
 * in the published document already. The second is not what repokeeper does: this measures what it would save.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { type Cloud, startCloud } from '../../fixtures/cloud-process.ts'
import { calibratedRepository } from './calibrated-repository.ts'
import { makeChange } from './change.ts'
import { coldWithEmptyCache } from './commands.ts'
import { median } from './figures.ts'
import { documentFiles } from './published.ts'
import { copyByLinks } from './repository-copy.ts'
import { callsOf, trafficOf } from './warm-worker.ts'

export interface PartCopyOptions {
  readonly packages: number
  readonly rounds: number
  /** Of every answer of S3. */
  readonly latencyMs: number
  readonly cacheDirectory: string
}

/** Of all documents of one generation, which are uploaded side by side. */
export interface UploadCost {
  readonly requests: number
  readonly bytesSent: number
  /** One after the other, of the document with most of them. */
  readonly roundTrips: number
  readonly seconds: number
}

export interface PartCopyFigures {
  readonly packages: number
  readonly documentBytes: number
  readonly whole: UploadCost
  readonly copied: UploadCost
}

/** AWS, "Amazon S3 multipart upload limits": of every part but the last. */
const partBytesMin = 5 * 2 ** 20

export async function measurePartCopy(options: PartCopyOptions): Promise<PartCopyFigures> {
  const { packages, rounds, latencyMs, cacheDirectory } = options
  await mkdir(cacheDirectory, { recursive: true })
  const ground = await mkdtemp(join(cacheDirectory, 'runs-'))
  const cloud = await startCloud({ directory: ground, seed: 1, maxReceiveCount: 5, visibilityTimeoutSeconds: 60 })
  const client = new S3Client({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'uploader', secretAccessKey: 'anything' },
  })
  try {
    const documents = await changedDocuments(ground, options)
    await Promise.all(documents.map(({ key, before }) => cloud.store.put(`before/${key}`, before, { if: 'always' })))
    await cloud.setFaults([
      { service: 's3', accessKey: 'uploader', action: { kind: 'delay', milliseconds: latencyMs } },
    ])
    const target: Target = { client, bucket: cloud.bucket }
    const wholes: UploadCost[] = []
    const copies: UploadCost[] = []
    for (let round = 0; round < rounds; round += 1) {
      wholes.push(await measure(cloud, documents, (document) => sendWhole(target, document)))
      copies.push(await measure(cloud, documents, (document) => sendParts(target, document)))
      for (const { key, after } of documents) await checkStored(cloud, key, after)
    }
    const documentBytes = documents.reduce((sum, { after }) => sum + after.length, 0)
    return { packages, documentBytes, whole: middleOf(wholes), copied: middleOf(copies) }
  } finally {
    client.destroy()
    await cloud.close()
    await rm(ground, { recursive: true, force: true })
  }
}

interface ChangedDocument {
  readonly key: string
  readonly before: Uint8Array
  readonly after: Uint8Array
}

/** Primary, filelists and other before one package was added, and after. */
async function changedDocuments(
  ground: string,
  { packages, cacheDirectory }: PartCopyOptions,
): Promise<ChangedDocument[]> {
  const [directory, scratch, rpms] = [join(ground, 'repository'), join(ground, 'scratch'), join(ground, 'rpms')]
  await copyByLinks(await calibratedRepository(cacheDirectory, 'ours', packages), directory)
  const before = await documentFiles(directory)
  const old = await Promise.all(before.map((file) => readFile(file)))
  const change = await makeChange(rpms, packages, 1)
  await coldWithEmptyCache.run({ packages, directory, scratch, rpms, change })
  const after = await documentFiles(directory)
  return Promise.all(
    after.map(async (file, at) => ({
      key: basename(before[at] ?? ''),
      before: old[at] ?? Buffer.alloc(0),
      after: await readFile(file),
    })),
  )
}

interface Target {
  readonly client: S3Client
  readonly bucket: string
}

async function measure(
  { endpoint }: Cloud,
  documents: readonly ChangedDocument[],
  send: (document: ChangedDocument) => Promise<number>,
): Promise<UploadCost> {
  await fetch(`${endpoint}/_local/calls`, { method: 'DELETE' })
  const begun = performance.now()
  const roundTrips = await Promise.all(documents.map((document) => send(document)))
  const seconds = (performance.now() - begun) / 1000
  const { requests, bytesSent } = trafficOf(await callsOf(endpoint, 'uploader'))
  return { requests, bytesSent, roundTrips: Math.max(...roundTrips), seconds }
}

/** @returns round trips, one after the other */
async function sendWhole({ client, bucket }: Target, { key, after }: ChangedDocument): Promise<number> {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: `after/${key}`, Body: after }))
  return 1
}

/** As `sendWhole`, and that alone where there is nothing to copy. */
async function sendParts(target: Target, document: ChangedDocument): Promise<number> {
  const parts = planParts(document)
  if (!parts.some(({ copyFrom }) => copyFrom !== undefined)) return sendWhole(target, document)
  const { client, bucket } = target
  const { key, after } = document
  const Upload = { Bucket: bucket, Key: `after/${key}` }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(Upload))
  const Parts = await Promise.all(
    parts.map(async ({ start, end, copyFrom }, at) => {
      const PartNumber = at + 1
      if (copyFrom === undefined) {
        const Body = after.subarray(start, end)
        const { ETag } = await client.send(new UploadPartCommand({ ...Upload, UploadId, PartNumber, Body }))
        return { PartNumber, ETag }
      }
      const CopySource = `${bucket}/before/${key}`
      const CopySourceRange = `bytes=${copyFrom}-${copyFrom + end - start - 1}`
      const input = { ...Upload, UploadId, PartNumber, CopySource, CopySourceRange }
      const { CopyPartResult } = await client.send(new UploadPartCopyCommand(input))
      return { PartNumber, ETag: CopyPartResult?.ETag }
    }),
  )
  await client.send(new CompleteMultipartUploadCommand({ ...Upload, UploadId, MultipartUpload: { Parts } }))
  return 3
}

interface Part {
  readonly start: number
  readonly end: number
  /** Where these bytes stand in the document before; `undefined`: they are sent. */
  readonly copyFrom?: number
}

/**
 * As few bytes as can be sent: runs that are worth it are copied, and what is between them is filled up to a part from the next run.
 *
 * @returns parts that are no shorter than S3 allows, the last apart
 */
function planParts({ before, after }: ChangedDocument): Part[] {
  const parts: Part[] = []
  let sentFrom = 0
  for (const { start, length, from } of equalRuns(before, after)) {
    const filled = start === sentFrom ? start : Math.max(start, sentFrom + partBytesMin)
    const end = start + length
    if (end - filled < partBytesMin) continue
    if (filled > sentFrom) parts.push({ start: sentFrom, end: filled })
    parts.push({ start: filled, end, copyFrom: from + filled - start })
    sentFrom = end
  }
  if (sentFrom < after.length) parts.push({ start: sentFrom, end: after.length })
  return parts
}

interface EqualRun {
  readonly start: number
  readonly length: number
  /** In the document before. */
  readonly from: number
}

/** Enough to be no chance in compressed bytes. */
const anchorBytes = 64
const strideBytes = 4_096

function equalRuns(before: Uint8Array, after: Uint8Array): EqualRun[] {
  const old = Buffer.from(before.buffer, before.byteOffset, before.length)
  const runs: EqualRun[] = []
  let at = 0
  while (at + anchorBytes <= after.length) {
    const from = old.indexOf(after.subarray(at, at + anchorBytes))
    let length = 0
    while (from >= 0 && from + length < old.length && old[from + length] === after[at + length]) length += 1
    if (length >= partBytesMin) runs.push({ start: at, length, from })
    at += Math.max(length, strideBytes)
  }
  return runs
}

async function checkStored({ store }: Cloud, key: string, after: Uint8Array): Promise<void> {
  const got = await store.get(`after/${key}`)
  if (got.kind !== 'found') throw new Error(`after/${key} was not stored`)
  const chunks: Uint8Array[] = []
  for await (const chunk of got.body) chunks.push(chunk)
  if (!Buffer.concat(chunks).equals(after)) throw new Error(`after/${key} is not what was to be sent`)
}

function middleOf(costs: readonly UploadCost[]): UploadCost {
  const of = (name: keyof UploadCost): number => median(costs.map((cost) => cost[name]))
  return {
    requests: of('requests'),
    bytesSent: of('bytesSent'),
    roundTrips: of('roundTrips'),
    seconds: of('seconds'),
  }
}
