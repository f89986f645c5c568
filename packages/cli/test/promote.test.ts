import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
let cloud: LocalCloud
let s3: S3Client
const testing = 's3://testing/el9'
const stable = 's3://stable/el9/x86_64'
const packages: string[] = []

beforeAll(async () => {
  cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
  s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  for (const Bucket of ['testing', 'stable']) await s3.send(new CreateBucketCommand({ Bucket }))
  for (const version of ['1', '2']) packages.push(await place().rpm({ name: 'foo+bar', version }))
  expect(await here().repokeeper('add', testing, ...packages, '--to', 'Packages/f', '--publish')).toMatchObject({
    code: 0,
  })
})
afterAll(async () => {
  s3.destroy()
  await cloud.close()
  await rm(join(place().directory, 'cloud'), { recursive: true })
})

test('from bucket to bucket the store copies by itself, into the same directory, and the metadata follows', async () => {
  const before = cloud.calls.list().at(-1)?.number ?? 0
  const ran = await here().repokeeper('promote', 'foo+bar-2-1', testing, stable)
  expect(ran).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('note: there is no repository in s3://stable/el9/x86_64/ yet'),
  })
  expect(ran.stdout).toMatch(
    /^copied Packages\/f\/foo\+bar-2-1\.noarch\.rpm \(foo\+bar-2-1\.noarch, 1\.. kB\)\ns3:\/\/stable\/el9\/x86_64\/: 1 copied\n$/,
  )
  const calls = cloud.calls.list().filter(({ number, key }) => number > before && key?.endsWith('.rpm'))
  expect(new Set(calls.map(({ operation }) => operation))).toEqual(new Set(['HeadObject', 'CopyObject']))
  const head = {
    Bucket: 'stable',
    Key: 'el9/x86_64/Packages/f/foo+bar-2-1.noarch.rpm',
    ChecksumMode: 'ENABLED',
  } as const
  expect(await s3.send(new HeadObjectCommand(head))).toMatchObject({
    ChecksumType: 'FULL_OBJECT',
    ContentType: 'application/x-rpm',
  })

  const again = await here().repokeeper(
    'promote',
    'foo+bar',
    '--all-versions',
    testing,
    stable,
    '--publish',
    '--wait',
    '--json',
  )
  expect(again).toMatchObject({ code: 0, stderr: '' })
  const report = JSON.parse(again.stdout)
  expect(report).toMatchObject({
    from: 's3://testing/el9/',
    to: 's3://stable/el9/x86_64/',
    ok: true,
    waited: { kind: 'shown' },
  })
  expect(report.packages.map(({ nevra, status }: { nevra: string; status: string }) => [nevra, status])).toEqual([
    ['foo+bar-1-1.noarch', 'copied'],
    ['foo+bar-2-1.noarch', 'skipped'],
  ])
  expect((await here().repokeeper('list', stable)).stdout.trimEnd().split('\n')).toHaveLength(2)
})

test('a server that does not copy by itself is read and written, under the same condition', async () => {
  const id = cloud.faults.add({
    operation: 'CopyObject',
    action: { kind: 'error', status: 501, code: 'NotImplemented' },
  })
  const ran = await here().repokeeper('promote', 'foo+bar-1-1', testing, 's3://stable/streamed')
  cloud.faults.remove(id)
  expect(ran).toMatchObject({ code: 0 })
  expect(await bytesOf('stable', `streamed/Packages/f/${packages[0]}`)).toEqual(
    await bytesOf('testing', `el9/Packages/f/${packages[0]}`),
  )
})

test('another file of the same name stays, but for --replace; nothing is changed in a dry run', async () => {
  await mkdir(join(place().directory, 'other'))
  const other = await place().rpm({ name: 'foo+bar', version: '1', summary: 'built again' }, `other/${packages[0]}`)
  const rebuilt = 's3://stable/rebuilt'
  expect(await here().repokeeper('add', rebuilt, other)).toMatchObject({ code: 0 })
  const key = `rebuilt/${packages[0]}`
  const before = await bytesOf('stable', key)
  const promote = (...args: string[]) =>
    here().repokeeper('promote', 'foo+bar-1-1', testing, rebuilt, '--to', '.', ...args)
  expect(await promote()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--replace puts this one in its place'),
  })
  expect(await promote('--replace', '--dry-run')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('s3://stable/rebuilt/: 1 would be replaced (dry run: nothing was changed)'),
  })
  expect(await bytesOf('stable', key)).toEqual(before)
  expect(await promote('--replace')).toMatchObject({ code: 0, stdout: expect.stringContaining('replaced') })
  expect(await bytesOf('stable', key)).toEqual(await bytesOf('testing', `el9/Packages/f/${packages[0]}`))
})

test('between a bucket and a directory the bytes come by, and the directory is published at once', async () => {
  await mkdir(join(place().directory, 'mirror'))
  const down = await here().repokeeper('promote', '*', testing, 'mirror')
  expect(down).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringContaining('mirror: 2 copied\nmirror: metadata published: a new repository\n'),
  })
  const local = await readFile(join(place().directory, 'mirror', 'Packages', 'f', packages[0] ?? ''))
  expect(local).toEqual(await bytesOf('testing', `el9/Packages/f/${packages[0]}`))
  const up = await here().repokeeper('promote', 'foo+bar-1-1', 'nothing-like-it', 'mirror', 's3://stable/up')
  expect(up).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/\nnothing-like-it: no package of that file name, path or NEVRA\n$/),
  })
  const head = { Bucket: 'stable', Key: `up/Packages/f/${packages[0]}`, ChecksumMode: 'ENABLED' } as const
  expect((await s3.send(new HeadObjectCommand(head))).ChecksumSHA256, 'so that no worker reads it').toBeDefined()
})

test('a package that is another by now than the one that is listed is not promoted', async () => {
  const replaced = 's3://testing/replaced'
  expect(await here().repokeeper('add', replaced, packages[0] ?? '', '--publish')).toMatchObject({ code: 0 })
  await here().repokeeper('add', replaced, `other/${packages[0]}`, '--replace')
  const ran = await here().repokeeper('promote', 'foo+bar-1-1', replaced, 's3://stable/replaced')
  expect(ran).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('another package now than the one that is listed'),
  })
})

test.each([
  [['foo', 's3://testing/el9'], 'then the one that they go to'],
  [['foo', 's3://testing/el9', 's3://testing/el9/'], 'cannot be promoted to itself'],
])('%j is wrong use', async (args, message) => {
  const { code, stderr } = await here().repokeeper('promote', ...args)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) })
})

async function bytesOf(Bucket: string, Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

function here(): Workplace {
  return place().with({
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'tester',
    AWS_SECRET_ACCESS_KEY: 'anything',
    AWS_MAX_ATTEMPTS: '1',
  })
}
