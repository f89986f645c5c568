import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const packages: string[] = []
beforeAll(async () => {
  for (const version of ['1.8', '1.9', '1.10']) packages.push(await place().rpm({ name: 'foo', version }))
  packages.push(await place().rpm({ name: 'bar' }))
})

describe('prune in a directory', () => {
  const rpms = async () =>
    (await readdir(join(place().directory, 'repo'))).filter((name) => name.endsWith('.rpm')).sort()
  beforeAll(async () => {
    await mkdir(join(place().directory, 'repo'))
    expect(await place().repokeeper('add', 'repo', ...packages)).toMatchObject({ code: 0 })
  })

  test('says what goes and what stays, of the packages of which something goes, and changes nothing', async () => {
    const { code, stdout, stderr } = await place().repokeeper('prune', 'repo', '--keep', '2')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const day = String.raw`\d{4}-\d\d-\d\d`
    expect(stdout).toMatch(
      new RegExp(
        `^stays {2}foo-1\\.10-1\\.noarch +1\\.. kB {2}${day} {2}foo-1\\.10-1\\.noarch\\.rpm {2}among the newest\n` +
          `stays {2}foo-1\\.9-1\\.noarch +1\\.. kB .*\n` +
          `goes {3}foo-1\\.8-1\\.noarch +1\\.. kB {2}${day} {2}foo-1\\.8-1\\.noarch\\.rpm\n` +
          `repo: 1 package would go, 3 stay, 1\\.. kB would be freed \\(dry run: nothing was changed, --yes does it\\)\n$`,
      ),
    )
    expect(await rpms()).toEqual(packages.toSorted())
  })

  test('takes names and architectures by pattern, and ages by the time of upload', async () => {
    const none = async (...args: string[]) =>
      expect((await place().repokeeper('prune', 'repo', ...args)).stdout).toMatch(/^repo: nothing goes: /)
    await none('--keep', '1', '--name', 'ba*')
    await none('--keep', '1', '--arch', 'x86_64')
    await none('--older-than', '90d')
    const some = await place().repokeeper(
      'prune',
      'repo',
      '--keep',
      '1',
      '--name',
      'x',
      '--name',
      'f*',
      '--arch',
      'no*',
    )
    expect(some.stdout).toContain('2 packages would go, 2 stay')
  })

  test('wants to be told what is old', async () => {
    const wrong = async (...args: string[]) => (await place().repokeeper('prune', 'repo', ...args)).stderr
    expect(await wrong()).toContain('say how many versions stay (--keep 3)')
    expect(await wrong('--keep', '0')).toContain('the newest version always stays')
    expect(await wrong('--keep', '1', '--older-than', 'old')).toContain('a time such as 12h or 90d')
    expect(await wrong('--keep', '1', '--yes', '--dry-run')).toContain("'-n, --dry-run'")
  })

  test('deletes where that is said, and the metadata of the directory follows', async () => {
    const pruned = await place().repokeeper('prune', 'repo', '--keep', '1', '--yes')
    expect(pruned).toMatchObject({ code: 0, stderr: '' })
    expect(pruned.stdout).toMatch(/\nrepo: 2 deleted, [23]\.. kB freed\nrepo: metadata published\n$/)
    expect(await rpms()).toEqual(['bar-1.0-1.noarch.rpm', 'foo-1.10-1.noarch.rpm'])
    expect(await place().repokeeper('plan', 'repo')).toMatchObject({ code: 0 })
    expect((await place().repokeeper('prune', 'repo', '--keep', '1', '--yes')).stdout).toMatch(/nothing goes/)
  })

  test('says of a repository without metadata that nothing tells what is old', async () => {
    await mkdir(join(place().directory, 'empty'))
    const { code, stderr } = await place().repokeeper('prune', 'empty', '--keep', '1')
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('has no metadata') })
  })
})

describe('prune in a bucket', () => {
  let cloud: LocalCloud
  let s3: S3Client
  const repo = 's3://packages/el9'
  beforeAll(async () => {
    cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
    s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    await s3.send(new CreateBucketCommand({ Bucket: 'packages' }))
    expect(await here().repokeeper('add', repo, ...packages, '--publish')).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    s3.destroy()
    await cloud.close()
    await rm(join(place().directory, 'cloud'), { recursive: true })
  })

  test('goes by the clock of the store, whatever that of this machine says', async () => {
    const args = ['prune', repo, '--older-than', '90d', '--json']
    expect(JSON.parse((await here().repokeeper(...args)).stdout)).toMatchObject({ bytesFreed: 0, dryRun: true })
    cloud.clock.advance(91 * 24 * 3_600_000)
    const report = JSON.parse((await here().repokeeper(...args)).stdout)
    expect(report).toMatchObject({ repository: 's3://packages/el9/', ok: true, keep: 1, olderThanSeconds: 90 * 86_400 })
    expect(report.packages.map(({ nevra, status }: { nevra: string; status: string }) => [nevra, status])).toEqual([
      ['bar-1.0-1.noarch', 'stays'],
      ['foo-1.10-1.noarch', 'stays'],
      ['foo-1.9-1.noarch', 'goes'],
      ['foo-1.8-1.noarch', 'goes'],
    ])
  })

  test('that may not delete one package deletes the others, says which and why, and ends with 1', async () => {
    const denied = { service: 's3', operation: 'DeleteObject', key: '*1.9-1*' } as const
    const id = cloud.faults.add({ ...denied, action: { kind: 'error', status: 403, code: 'AccessDenied' } })
    const ran = await here().repokeeper('prune', repo, '--keep', '1', '--yes', '--publish', '--wait', '--json')
    cloud.faults.remove(id)
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringMatching(/^failed foo-1\.9-1.*s3:DeleteObject on /) })
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ok: false,
      published: { kind: 'published' },
      waited: { kind: 'shown' },
    })
    expect((await here().repokeeper('list', repo)).stdout).not.toContain('foo-1.8-1')

    const rest = await here().repokeeper('prune', repo, '--keep', '1', '--yes', '--publish')
    expect(rest).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('1 deleted, ') })
    expect((await here().repokeeper('list', repo)).stdout.trimEnd().split('\n')).toHaveLength(2)
  })

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
