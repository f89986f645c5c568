import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { type FaultRule, type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
let cloud: LocalCloud
let s3: S3Client
let foo = ''
let bar = ''

beforeAll(async () => {
  cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
  s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  await s3.send(new CreateBucketCommand({ Bucket: 'packages' }))
  foo = await place().rpm({ name: 'foo' })
  bar = await place().rpm({ name: 'bar' })
})
afterAll(async () => {
  s3.destroy()
  await cloud.close()
  await rm(join(place().directory, 'cloud'), { recursive: true })
})

describe('in a bucket', () => {
  test('packages are added with a digest that the store keeps, and the second time skipped by it', async () => {
    const first = await here().updatePackages('-b', 'packages', '-p', '/el9/', '-o', 'add', foo, bar)
    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('s3://packages/el9/: 2 added\n'),
    })
    const reads = () =>
      cloud.calls.list().filter(({ operation, key }) => operation === 'GetObject' && key?.endsWith('.rpm'))
    const second = await here().repokeeper('add', 's3://packages/el9', foo, bar, '--json')
    expect(JSON.parse(second.stdout)).toMatchObject({ ok: true, files: [{ status: 'skipped' }, { status: 'skipped' }] })
    expect(reads()).toEqual([])
  })

  test('without a digest in the store the bytes are compared', async () => {
    const body = await readFile(join(place().directory, foo))
    await s3.send(new PutObjectCommand({ Bucket: 'packages', Key: `plain/${foo}`, Body: body }))
    const same = await here().repokeeper('add', 's3://packages/plain', foo)
    expect(same).toMatchObject({ code: 0, stdout: expect.stringContaining(`skipped ${foo}`) })
    body[body.length - 1] = 255 - (body.at(-1) ?? 0)
    await s3.send(new PutObjectCommand({ Bucket: 'packages', Key: `plain/${foo}`, Body: body }))
    const other = await here().repokeeper('add', 's3://packages/plain', foo)
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('another file of this name') })
  })

  test('--publish publishes without a worker, --wait sees it, and remove takes it out again', async () => {
    const repo = 's3://packages/published'
    const added = await here().repokeeper('add', repo, foo, bar, '--publish', '--wait')
    expect(added).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/the metadata shows it \(after/) })
    const removed = await here().updatePackages(
      '-b',
      'packages',
      '-p',
      'published',
      '-o',
      'remove',
      'bar-1.0-1',
      '--publish',
      '--wait',
    )
    expect(removed).toMatchObject({ code: 0, stderr: '' })
    expect((await here().repokeeper('list', repo)).stdout).toMatch(/^foo-1\.0-1\.noarch [^\n]*\n$/)
  })

  test('names that are paths are looked at one by one, and the bucket is not listed', async () => {
    const repo = 's3://packages/by-path'
    await here().repokeeper('add', repo, foo, bar, '--to', 'Packages', '--publish')
    await here().repokeeper('add', 's3://packages/by-path/nested', foo, bar, '--publish')
    const listings = () => cloud.calls.list().filter(({ operation }) => operation === 'ListObjectsV2').length
    const remove = async (...names: readonly string[]) => {
      const before = listings()
      const { code, stdout, stderr } = await here().repokeeper('remove', repo, ...names, '--json')
      return { code, stderr, listings: listings() - before, ...JSON.parse(stdout) }
    }
    expect(await remove(`./Packages/${foo}`)).toMatchObject({
      listings: 0,
      ok: true,
      packages: [{ location: `Packages/${foo}`, matchedBy: 'path', status: 'removed', nevra: 'foo-1.0-1.noarch' }],
    })
    // Its object is gone, its entry is still there.
    expect(await remove(`Packages/${foo}`)).toMatchObject({
      listings: 0,
      packages: [{ location: `Packages/${foo}`, status: 'gone already' }],
    })
    // A file's name may be anywhere, and what lies in a repository further below is none of this one.
    expect(await remove(bar)).toMatchObject({ packages: [{ location: `Packages/${bar}`, matchedBy: 'file name' }] })
    expect(await remove(`nested/${foo}`)).toMatchObject({
      code: 1,
      packages: [],
      unmatched: [{ name: `nested/${foo}` }],
    })
    expect((await here().repokeeper('list', 's3://packages/by-path/nested')).stdout).toMatch(/foo/)
  })

  test('names that say where the repository is are understood, and those of other places are not', async () => {
    const repo = 's3://packages/copied/el9'
    await here().repokeeper('add', repo, foo, bar, '--to', 'Packages', '--publish')
    const before = cloud.calls.list().length
    const url = await here().repokeeper('remove', repo, `${repo}/Packages/${foo}`, '-n')
    expect(url).toMatchObject({ code: 0, stdout: expect.stringContaining(`would be removed Packages/${foo}`) })
    const calls = cloud.calls.list().slice(before)
    expect(calls.filter(({ operation }) => operation === 'ListObjectsV2')).toEqual([])
    const key = await here().repokeeper('remove', repo, `copied/el9/Packages/${foo}`, `${repo}/Packages/b*.rpm`, '-n')
    expect(key).toMatchObject({ code: 0, stdout: expect.stringContaining('2 would be removed') })
    const other = await here().repokeeper('remove', repo, `s3://packages/copied/el8/${foo}`, '-n')
    expect(other).toMatchObject({
      code: 1,
      stderr: `s3://packages/copied/el8/${foo}: it is not below s3://packages/copied/el9/\n`,
    })
  })

  test('--wait returns when somebody else has published', async () => {
    const repo = 's3://packages/awaited'
    const waiting = here().repokeeper('add', repo, foo, '--wait', '--timeout', '60')
    // Its look at the metadata that is not there yet.
    await cloud.calls.waitFor(
      ({ operation, key }) => operation === 'GetObject' && key === 'awaited/repodata/repomd.xml',
    )
    expect((await here().repokeeper('add', repo, foo, '--publish')).code).toBe(0)
    expect(await waiting).toMatchObject({ code: 0, stdout: expect.stringContaining('the metadata shows it') })
  })

  test('--wait gives up after its time, and says what to look at', async () => {
    const { code, stdout } = await here().repokeeper(
      'add',
      's3://packages/el9',
      foo,
      '--wait',
      '--timeout',
      '0.5',
      '--json',
    )
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      waited: { kind: 'timeout', pending: [{ path: foo, reason: 'it is not listed' }], publishedMeanwhile: false },
    })
    const { stderr } = await here().repokeeper('remove', 's3://packages/el9', '*', '-n', '--wait')
    expect(stderr).toBe('')
    const told = await here().repokeeper('add', 's3://packages/el9', foo, '--wait', '--timeout', '0.5')
    expect(told.stderr).toMatch(/is a worker running.*dead-letter queue.*repokeeper plan s3:\/\/packages\/el9\//s)
    expect(told.stderr).toMatch(/may have refused it, by its --package-policy .*"repokeeper history".*give it here/)
    for (const command of ['plan', 'audit']) {
      const args = command === 'audit' ? ['--settle', '0'] : []
      const policy = { REPOKEEPER_PACKAGE_POLICY: 'any' }
      const unsaid = await here().repokeeper(command, 's3://packages/el9', ...args)
      expect(unsaid.stderr, command).toContain('If the workers have --package-policy, give it here as well')
      const said = await here().repokeeper(command, 's3://packages/el9', ...args, { environment: policy })
      expect(said.stderr, command).not.toContain('--package-policy, give')
    }
  })

  test('it is said where there is no repository yet, and what workers would do; the upload is done', async () => {
    const repo = 's3://packages/mistyped/x86_64'
    const mistyped = await here().repokeeper('add', repo, foo)
    expect(mistyped).toMatchObject({ code: 0, stdout: expect.stringContaining('1 added') })
    expect(mistyped.stderr).toMatch(
      /^note: there is no repository in s3:\/\/packages\/mistyped\/x86_64\/ yet: "repokeeper init s3:.*--publish.* make one of the first package, and those with it pass over/,
    )
    const below = await here().repokeeper('add', repo, foo, '--to', 'sub', '-n')
    expect(below.stderr).toContain(
      'list these packages in s3://packages/mistyped/x86_64/sub/, not in s3://packages/mistyped/x86_64/',
    )
    const conventional = await here().repokeeper('add', repo, foo, '--to', 'Packages/f', '-n')
    expect(conventional.stderr).toContain('make one of the first package')
    expect((await here().repokeeper('plan', repo)).stderr).toContain(`"repokeeper rebuild ${repo}/" brings it`)
    // Where one publishes, it is there.
    expect((await here().repokeeper('add', repo, foo, '--publish')).stderr).toBe('')
    expect((await here().repokeeper('add', repo, bar, '--to', 'sub')).stderr).toBe('')
    const above = await here().repokeeper('add', `${repo}/inner`, foo)
    expect(above.stderr).toContain('list these packages in s3://packages/mistyped/x86_64/, not in')
  })

  test('rebuild refuses a path where there is nothing', async () => {
    const { code, stderr } = await here().repokeeper('rebuild', 's3://packages/tpyo')
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('check the path') })
  })
})

describe('what stands in the way is said', () => {
  test.each<[string, string[], RegExp]>([
    ['a bucket that is not there', ['list', 's3://nobody'], /s3:\/\/nobody.*there is no such bucket/],
    [
      'an endpoint that is down',
      ['--endpoint-url', 'http://127.0.0.1:1', 'plan', 's3://packages'],
      /cannot be reached/,
    ],
  ])('%s', async (_, args, message) => {
    const { code, stderr, stdout } = await here().repokeeper(...args, '--json')
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: expect.any(String) } })
  })

  test('credentials that may not', async () => {
    await withFault(
      { service: 's3', operation: 'PutObject', action: { kind: 'error', status: 403, code: 'AccessDenied' } },
      async () => {
        const { code, stderr } = await here().repokeeper('add', 's3://packages/denied', foo)
        expect({ code, stderr }).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(/^failed foo.*access denied/m),
        })
      },
    )
  })

  test('credentials that may put but not look are enough for what is new', async () => {
    const deny: FaultRule = {
      service: 's3',
      operation: ['HeadObject', 'GetObject'],
      action: { kind: 'error', status: 403, code: 'AccessDenied' },
    }
    await withFault(deny, async () => {
      expect((await here().repokeeper('add', 's3://packages/blind', foo)).stdout).toContain('1 added')
      const below = await here().repokeeper('add', 's3://packages/blind', foo, '--to', 'Packages/f')
      expect(below.stdout).toContain('1 added')
      const again = await here().repokeeper('add', 's3://packages/blind', foo)
      expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('these credentials need s3:GetObject') })
    })
  })

  test('one upload that fails holds back no other', async () => {
    const fault: FaultRule = {
      service: 's3',
      operation: 'PutObject',
      key: `*/${bar}`,
      action: { kind: 'error', status: 403, code: 'AccessDenied' },
    }
    await withFault(fault, async () => {
      const { code, stdout } = await here().repokeeper('add', 's3://packages/partly', bar, foo, '--json')
      expect(code).toBe(1)
      expect(JSON.parse(stdout)).toMatchObject({
        files: [{ status: 'failed', code: 'ACCESS_DENIED' }, { status: 'added' }],
      })
    })
  })

  test('a store that ignores conditions is not published to, unless by a single writer', async () => {
    await withFault({ service: 's3', action: { kind: 'ignoreConditions' } }, async () => {
      const refused = await here().repokeeper('add', 's3://packages/careless', foo, '--publish')
      expect(refused).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/ignores conditional writes.*--single-writer/),
      })
      expect((await here().repokeeper('rebuild', 's3://packages/careless')).code).toBe(1)
      expect((await here().repokeeper('rebuild', 's3://packages/careless', '--single-writer')).code).toBe(0)
    })
  })

  test('an interrupted upload stops, says what was done, and ends as interrupted', async () => {
    const fault: FaultRule = {
      service: 's3',
      operation: 'PutObject',
      key: `*/${bar}`,
      action: { kind: 'delay', milliseconds: 600_000 },
    }
    await withFault(fault, async () => {
      const interrupt = { when: `added ${foo}`, signal: 'SIGINT' as const }
      const ran = await here().repokeeper('add', 's3://packages/half', foo, bar, '--concurrency', '1', { interrupt })
      expect(ran).toMatchObject({ signal: 'SIGINT', stdout: expect.stringContaining('1 added, 1 not done') })
      expect(ran.stderr).toMatch(/not uploaded bar.*\ninterrupted: 1 file uploaded, 1 left/)
    })
  })
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

async function withFault(rule: FaultRule, work: () => Promise<void>): Promise<void> {
  const id = cloud.faults.add(rule)
  try {
    await work()
  } finally {
    cloud.faults.remove(id)
  }
}
