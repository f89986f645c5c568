import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { S3Store } from '@repokeeper/object-store'
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
  let store: S3Store
  const repo = 's3://packages/el9'
  beforeAll(async () => {
    cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
    s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    await s3.send(new CreateBucketCommand({ Bucket: 'packages' }))
    store = new S3Store({ endpoint: cloud.endpoint, region: 'us-east-1', bucket: 'packages', credentials })
    expect(await here().repokeeper('add', repo, ...packages, '--publish')).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    s3.destroy()
    await store.close()
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

  test('leaves what module streams are made of, however old, and counts it for nothing', async () => {
    const modular = ['18.20.4', '20.11.1'].map((version) => ({ epoch: 1, version, release: '1.module_el9+1' }))
    const plain = ['14', '15', '16'].map((version) => ({ epoch: 1, version, release: '1.el9' }))
    const files = [...modular, ...plain].map((evr) => place().rpm({ name: 'nodejs', ...evr }))
    expect(await here().repokeeper('add', modules, ...(await Promise.all(files)), '--publish')).toMatchObject({
      code: 0,
    })
    await nameModules(modular.map(({ version, release }) => `nodejs-1:${version}-${release}.noarch`))
    const going = async (...args: string[]) => {
      const { stdout } = await here().repokeeper('prune', modules, '--json', ...args)
      const { packages } = JSON.parse(stdout) as { packages: { nevra: string; status: string; because?: string }[] }
      return packages.map(({ nevra, because, status }) => [nevra, because ?? status])
    }
    const streams = [
      ['nodejs-1:20.11.1-1.module_el9+1.noarch', 'in a module'],
      ['nodejs-1:18.20.4-1.module_el9+1.noarch', 'in a module'],
    ]
    const young = await going('--older-than', '90d')
    expect(young.filter(([, why]) => why === 'goes')).toEqual([])
    cloud.clock.advance(91 * 24 * 3_600_000)
    const old = [
      ...streams,
      // The newest outside of a stream stays, although both streams are newer.
      ['nodejs-1:16-1.el9.noarch', 'among the newest'],
      ['nodejs-1:15-1.el9.noarch', 'goes'],
      ['nodejs-1:14-1.el9.noarch', 'goes'],
    ]
    expect(await going('--older-than', '90d')).toEqual(old)

    await here().repokeeper('prune', modules, '--older-than', '90d', '--yes', '--publish')
    expect(await going('--keep', '1')).toEqual(old.slice(0, 3))
    // A publish keeps the modules, and so the next prune knows them, too.
    await here().repokeeper('prune', modules, '--keep', '1', '--yes', '--publish')
    const listed = (await here().repokeeper('list', modules)).stdout.trimEnd().split('\n')
    expect(listed.map((line) => line.replace(/ .*/, ''))).toEqual(
      ['nodejs-1:16-1.el9.noarch', ...streams.map(([nevra]) => nevra)].toSorted(),
    )
  })

  test('deletes nothing where it cannot be known what modules are made of', async () => {
    await store.delete('modules/repodata/modules.yaml')
    expect(await here().repokeeper('prune', modules, '--keep', '1', '--yes')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('modules.yaml'),
    })
  })

  const modules = 's3://packages/modules'

  /** As modifyrepo_c does. */
  async function nameModules(artifacts: readonly string[]): Promise<void> {
    const yaml = `---\ndocument: modulemd\nversion: 2\ndata:\n  name: nodejs\n  artifacts:\n    rpms:\n${artifacts.map((one) => `      - ${one}\n`).join('')}...\n`
    await store.put('modules/repodata/modules.yaml', Buffer.from(yaml), { if: 'always' })
    const got = await store.get('modules/repodata/repomd.xml')
    if (got.kind !== 'found') throw new Error('there is no repomd.xml')
    const repomd = Buffer.concat(await Array.fromAsync(got.body)).toString()
    const digest = createHash('sha256').update(yaml).digest('hex')
    const record = `<data type="modules"><checksum type="sha256">${digest}</checksum><location href="repodata/modules.yaml"/></data></repomd>`
    const named = Buffer.from(repomd.replace('</repomd>', record))
    await store.put('modules/repodata/repomd.xml', named, { if: 'always' })
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
