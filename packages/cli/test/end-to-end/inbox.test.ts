/**
 * An inbox, by worker processes on S3 and SQS: what is put there by who has no right to the repository is listed where it belongs, and nothing is
 * lost when workers are killed.
 */
import { createHash } from 'node:crypto'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { readBody } from '@repokeeper/object-store'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { expect, it } from 'vitest'
import { readRepodataBy } from '../../../../fixtures/repodata-trees.ts'
import { type CloudProcess, startCloudProcess } from './cloud-process.ts'

const options = ['--inbox', 'inbox/=repo/', '--repository', 's3://packages/repo/el9', '--batch-quiet-seconds', '0.2']

it('moves packages into the repository and the metadata, through crashes, and lays the others aside', async () => {
  const cloud = await startCloudProcess({ maxReceiveCount: 20, environment: {} })
  const start = () => [cloud.queues.add, cloud.queues.remove].map((queue) => cloud.startWorker(queue, ...options))
  const first = start()
  const packages = new Map<string, Buffer>()
  for (let number = 0; number < 24; number += 1) {
    packages.set(`el9/a/p${number}.rpm`, Buffer.from(buildPackage({ name: `p${number}` })))
  }
  const names = [...packages]
  for (const [path, bytes] of names.slice(0, 12)) await put(cloud, `inbox/${path}`, bytes)
  await first[0]?.sees(({ event }) => event === 'covered')
  for (const [path, bytes] of names.slice(12)) await put(cloud, `inbox/${path}`, bytes)
  await put(cloud, 'inbox/el9/bad.rpm', Buffer.from('no package'))
  for (const worker of first) await worker.crash()
  start()
  start()
  await cloud.drained()

  expect(await keysIn(cloud, 'inbox/')).toEqual([])
  expect(await keysIn(cloud, 'rejected/')).toEqual(['rejected/el9/bad.rpm', 'rejected/el9/bad.rpm.reason.txt'])
  const root = 'repo/el9/'
  const listed = await readRepodataBy(async (href) => {
    const got = await cloud.store.get(root + href)
    if (got.kind !== 'found') throw new Error(`${href} is ${got.kind}`)
    return readBody(got.body, 2 ** 30)
  })
  expect([...listed.keys()].toSorted()).toEqual(names.map(([path]) => path.slice('el9/'.length)).toSorted())
  for (const [path, bytes] of names) {
    // The digest is the one that the store has taken when it copied: uploads had none.
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(await cloud.store.head(`repo/${path}`)).toMatchObject({ size: bytes.length, sha256 })
  }
  expect(await cloud.messagesIn(cloud.queues.deadLetters)).toBe(0)
}, 180_000)

async function put({ endpoint, bucket }: CloudProcess, key: string, bytes: Buffer): Promise<void> {
  const credentials = { accessKeyId: 'builder', secretAccessKey: 'anything' }
  const plain = { requestChecksumCalculation: 'WHEN_REQUIRED', forcePathStyle: true } as const
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, ...plain })
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }))
  client.destroy()
}

async function keysIn({ store }: CloudProcess, prefix: string): Promise<string[]> {
  return (await Array.fromAsync(store.list(prefix))).map(({ key }) => key)
}
