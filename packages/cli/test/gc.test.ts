import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const hourMs = 3600 * 1000
const packages: string[] = []
beforeAll(async () => {
  for (const version of ['1', '2', '3', '4']) packages.push(await place().rpm({ name: 'foo', version }))
})

describe('gc in a directory', () => {
  const repodata = (): string => join(place().directory, 'repo', 'repodata')
  beforeAll(async () => {
    await mkdir(join(place().directory, 'repo'))
    for (const name of packages) await place().repokeeper('add', './repo', name)
  })

  test('has nothing to do while everything was current a moment ago, and says so', async () => {
    const before = await readdir(repodata())
    const nothing = { code: 0, stderr: '' }
    expect(await place().repokeeper('gc', './repo')).toMatchObject({
      ...nothing,
      stdout: './repo: nothing to delete (retention 24h)\n',
    })
    expect(await place().repokeeper('gc', './repo', '--retention', '0', '--keep-generations', '4')).toMatchObject({
      ...nothing,
      stdout: './repo: nothing to delete (retention 0, 4 generations kept)\n',
    })
    expect(await readdir(repodata())).toEqual(before)
  })

  test('says in a dry run what would go, oldest first, and changes nothing', async () => {
    const before = await readdir(repodata())
    const { code, stdout, stderr } = await place().repokeeper('gc', './repo', '--retention', '0', '-n')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.at(-1)).toMatch(
      /^\.\/repo: would delete 9 documents, 3 records of generations, [0-9.]+ k?B \(dry run: nothing was changed\)$/,
    )
    const line =
      /^would be deleted {2}(document|record) +[0-9.]+ k?B {2}superseded (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC {2}repodata\/\S+$/
    const rows = lines.slice(0, -1).map((one) => line.exec(one) ?? [one])
    expect(rows.map(([, kind]) => kind)).toEqual([...Array(9).fill('document'), ...Array(3).fill('record')])
    const times = rows.slice(0, 9).map(([, , time]) => time)
    expect(times).toEqual(times.toSorted())
    expect(await readdir(repodata())).toEqual(before)
  })

  test('deletes what is left over, keeps as many generations as it is told, and the repository is whole', async () => {
    const some = await place().repokeeper('gc', './repo', '--retention', '0', '--keep-generations', '2')
    expect(some).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/\.\/repo: deleted 6 documents, 2 records of generations, [0-9.]+ k?B\n$/),
    })
    expect(some.stdout.split('\n').filter((one) => one.startsWith('deleted '))).toHaveLength(8)
    const rest = await place().repokeeper('gc', './repo', '--retention', '0', '--json')
    const report = JSON.parse(rest.stdout)
    expect(report).toMatchObject({ repository: './repo', dryRun: false, ok: true, retentionSeconds: 0 })
    expect(report.delete.map(({ kind }: { kind: string }) => kind)).toEqual([...Array(3).fill('document'), 'record'])
    expect(report.keep).toHaveLength(4)
    expect(await readdir(repodata())).toHaveLength(5) // with the lock of the directory
    expect(await place().repokeeper('plan', './repo')).toMatchObject({ code: 0 })
    expect((await place().repokeeper('list', './repo')).stdout.trimEnd().split('\n')).toHaveLength(4)
  })
})

describe('gc in a bucket', () => {
  let cloud: LocalCloud
  let s3: S3Client
  beforeAll(async () => {
    cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
    s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    await s3.send(new CreateBucketCommand({ Bucket: 'packages' }))
  })
  afterAll(async () => {
    s3.destroy()
    await cloud.close()
    await rm(join(place().directory, 'cloud'), { recursive: true })
  })

  test('goes by the clock of the store, whatever that of this machine says', async () => {
    const repo = 's3://packages/el9'
    await publish(repo, packages[0])
    // The store's day passes in no time of ours.
    cloud.clock.advance(30 * hourMs)
    await publish(repo, packages[1])
    cloud.clock.advance(23 * hourMs)
    expect((await here().repokeeper('gc', repo)).stdout).toContain('nothing to delete')
    cloud.clock.advance(1 * hourMs + 2_000)
    const { code, stdout, stderr } = await here().repokeeper('gc', repo)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('s3://packages/el9/: deleted 3 documents, 1 record of a generation, ')
    expect((await keysOf('el9/repodata/')).map((key) => key.replace(/[0-9a-f]{64}-[0-9a-f]{8}-/, '')).sort()).toEqual(
      ['filelists.xml.gz', 'other.xml.gz', 'primary.xml.gz', 'repomd.xml'].map((name) => `el9/repodata/${name}`),
    )
    expect((await here().repokeeper('list', repo)).stdout.trimEnd().split('\n')).toHaveLength(2)
  })

  test('asks for the time with a HEAD of repomd.xml, and looks nowhere but in repodata and at generations', async () => {
    const before = cloud.calls.list().at(-1)?.number ?? 0
    await here().repokeeper('gc', 's3://packages/el9')
    const calls = cloud.calls.list().filter(({ number }) => number > before)
    expect(calls.map(({ operation, key }) => [operation, key])).toEqual([
      ['HeadObject', 'el9/repodata/repomd.xml'],
      ['GetObject', 'el9/repodata/repomd.xml'],
      ['ListObjectsV2', undefined],
      // generations/, snapshots/
      ['ListObjectsV2', undefined],
      ['ListObjectsV2', undefined],
      ['GetObject', 'el9/mirrorlist'],
    ])
  })

  test('takes away what a killed process left of a probe', async () => {
    const key = 'el9/repodata/repokeeper-probe-0123456789abcdef'
    await s3.send(new PutObjectCommand({ Bucket: 'packages', Key: key, Body: 'third' }))
    cloud.clock.advance(25 * hourMs)
    const { stdout } = await here().repokeeper('gc', 's3://packages/el9')
    expect(stdout).toMatch(
      /^deleted {2}probe +5 B {2}left behind .*\ns3:\/\/packages\/el9\/: deleted 1 left-over probe, 5 B\n$/,
    )
    expect(await keysOf(key)).toEqual([])
  })

  test('that fails half-way says how far it came, leaves the records, and does the rest the next time', async () => {
    const repo = 's3://packages/half'
    for (const name of packages.slice(0, 2)) await publish(repo, name)
    cloud.clock.advance(25 * hourMs)
    const id = cloud.faults.add({
      service: 's3',
      operation: 'DeleteObject',
      key: '*-primary.xml.gz',
      action: { kind: 'error', status: 403, code: 'AccessDenied' },
    })
    const failed = await here().repokeeper('gc', repo)
    cloud.faults.remove(id)
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/ of 4 deleted; the rest .*\n.*access denied/),
    })
    expect((await keysOf('half/repodata/')).filter((key) => key.endsWith('-repomd.xml'))).toHaveLength(1)
    expect((await here().repokeeper('gc', repo)).stdout).toMatch(/deleted .*1 record of a generation/)
    expect(await keysOf('half/repodata/')).toHaveLength(4)
  })

  async function publish(repo: string, name = ''): Promise<void> {
    expect(await here().repokeeper('add', repo, name, '--publish')).toMatchObject({ code: 0, stderr: '' })
  }

  async function keysOf(prefix: string): Promise<string[]> {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'packages', Prefix: prefix }))
    return Contents.map(({ Key = '' }) => Key)
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
})
