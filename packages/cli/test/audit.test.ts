import { mkdir, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { workplaceForTests } from './run-cli.ts'

const here = workplaceForTests()
const at = (...parts: string[]): string => join(here().directory, ...parts)

/** A repository of its own with two packages, as the commands make one. */
async function newRepository(name: string): Promise<string> {
  await mkdir(at(name))
  expect((await here().repokeeper('add', name, foo, bar)).code).toBe(0)
  return name
}

let foo = ''
let bar = ''
let lost = ''
beforeAll(async () => {
  foo = await here().rpm({ name: 'foo' })
  bar = await here().rpm({ name: 'bar' })
  lost = await here().rpm({ name: 'lost' })
})

async function deleteDocument(repository: string, kind: string): Promise<void> {
  for (const name of await readdir(at(repository, 'repodata'))) {
    if (name.includes(`-${kind}.xml`)) await unlink(at(repository, 'repodata', name))
  }
}

/** Names a comps that nobody has. */
async function addComps(repository: string, href: string): Promise<void> {
  const path = at(repository, 'repodata/repomd.xml')
  const record = `<data type="group"><checksum type="sha256">${'0'.repeat(64)}</checksum><location href="${href}"/></data>`
  await writeFile(path, (await readFile(path, 'utf8')).replace('</repomd>', `${record}</repomd>`))
}

describe('audit', () => {
  test('finds nothing in a repository that is as it should be: exit code 0', async () => {
    const repository = await newRepository('whole')
    for (const more of [[], ['--deep'], ['--repair']]) {
      const { code, stdout, stderr } = await here().repokeeper('audit', repository, ...more)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^whole: 2 packages in the directory, 2 listed in revision \d+: nothing is wrong\n$/)
    }
  })

  test('tells what it finds as a table, and what mends it: exit code 1', async () => {
    const repository = await newRepository('drifted')
    expect((await here().repokeeper('add', repository, lost, '--no-publish')).code).toBe(0)
    await unlink(at(repository, bar))
    await deleteDocument(repository, 'filelists')
    await writeFile(at(repository, 'junk.rpm'), 'this is none')
    const { code, stdout, stderr } = await here().repokeeper('audit', repository)
    expect(code).toBe(1)
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(
        /^missing-document {2}filelists repodata\/.*-filelists\.xml\.gz {2}repomd\.xml names it, but/,
      ),
      expect.stringMatching(/^vanished {10}bar-1\.0-1\.noarch\.rpm +it is listed, but not there:/),
      expect.stringMatching(/^unlisted {10}lost-1\.0-1\.noarch\.rpm +it is there, but not listed/),
      expect.stringMatching(/^note {2}junk\.rpm {2}\w+: .*RPM/),
      expect.stringMatching(
        /^drifted: 3 packages in the directory \(1 unusable\), 2 listed in revision \d+: 3 findings, 1 note$/,
      ),
      '',
    ])
    expect(stderr).toBe('"repokeeper audit drifted --repair" mends this.\n')
  })

  test('says beside notes that nothing is to be mended, and why fewer are listed than are there: exit code 0', async () => {
    const repository = await newRepository('noted')
    await writeFile(at(repository, 'junk.rpm'), 'this is none')
    await writeFile(at(repository, 'trash.rpm'), 'nor this')
    const { code, stdout, stderr } = await here().repokeeper('audit', repository)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^note {2}junk\.rpm /),
      expect.stringMatching(/^note {2}trash\.rpm /),
      expect.stringMatching(
        /^noted: 4 packages in the directory \(2 unusable\), 2 listed in revision \d+: nothing to mend, 2 notes$/,
      ),
      '',
    ])
  })

  test('--repair mends it, tells what it did, and finds nothing after it', async () => {
    const repository = await newRepository('mended')
    expect((await here().repokeeper('add', repository, lost, '--no-publish')).code).toBe(0)
    await addComps(repository, 'repodata/comps.xml')
    const { code, stdout, stderr } = await here().repokeeper('audit', repository, '--repair')
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^found {2}missing-document {2}group repodata\/comps\.xml/),
      expect.stringMatching(/^found {2}unlisted {10}lost/),
      expect.stringMatching(/^mended {2}1 package looked at in the directory \(revision \d+\)$/),
      'mended  repomd.xml does not name group any more',
      expect.stringMatching(/^mended: 3 packages in the directory, 3 listed in revision \d+: nothing is wrong$/),
      '',
    ])
    expect(stderr).toBe('mending 2 findings\n')
    expect((await here().repokeeper('plan', repository)).code).toBe(0)
    expect((await here().repokeeper('audit', repository)).code).toBe(0)
  })

  test('names what only a person can decide on, and ends with 1 although it was to repair', async () => {
    const repository = await newRepository('by-hand')
    await addComps(repository, '../comps.xml')
    const { code, stdout, stderr } = await here().repokeeper('audit', repository, '--repair')
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /^outside {2}group \.\.\/comps\.xml {2}its record places it outside the repository: \.\.\/comps\.xml\n/,
    )
    expect(stderr).toMatch(/^\.\.\/comps\.xml: put the file below the repository's root/)
  })

  test('--deep finds what only the bytes tell', async () => {
    const repository = await newRepository('deep')
    const path = at(repository, 'repodata/repomd.xml')
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace(/(<open-checksum type="sha256">)[0-9a-f]{8}/, '$100000000'))
    expect((await here().repokeeper('audit', repository)).code).toBe(0)
    const deep = await here().repokeeper('audit', repository, '--deep')
    expect(deep).toMatchObject({ code: 1, stdout: expect.stringMatching(/^wrong-digest {2}primary /) })
    const mended = await here().repokeeper('audit', repository, '--deep', '--repair')
    expect(mended).toMatchObject({ code: 0, stdout: expect.stringContaining('written anew from 2 packages') })
  })

  test('--json has the findings for machines, and with --repair what was found and done', async () => {
    const repository = await newRepository('json')
    await unlink(at(repository, bar))
    const found = await here().repokeeper('audit', repository, '--json')
    expect(found.code).toBe(1)
    const finding = {
      kind: 'vanished',
      path: bar,
      problem: expect.stringContaining('it is listed, but not there'),
      remedy: expect.stringContaining('--repair'),
      mend: 'reconcile',
    }
    expect(JSON.parse(found.stdout)).toEqual({
      repository: 'json',
      ok: false,
      revision: expect.stringMatching(/^\d+$/),
      deep: false,
      inBucket: 1,
      listed: 2,
      findings: [finding],
      notes: [],
    })
    const repaired = await here().repokeeper('audit', repository, '--json', '--repair')
    expect(repaired.code).toBe(0)
    expect(JSON.parse(repaired.stdout)).toMatchObject({
      ok: true,
      listed: 1,
      findings: [],
      found: [finding],
      repairs: [{ kind: 'reconciled', packages: 1 }],
    })
  })

  test('mends a repository without repomd.xml, and says where nothing is', async () => {
    const repository = await newRepository('bare')
    await rm(at(repository, 'repodata'), { recursive: true })
    const found = await here().repokeeper('audit', repository)
    expect(found).toMatchObject({ code: 1, stdout: expect.stringContaining('2 packages are there, but no metadata') })
    expect((await here().repokeeper('audit', repository, '--repair')).code).toBe(0)
    await mkdir(at('nothing'))
    const nothing = await here().repokeeper('audit', 'nothing')
    expect(nothing).toMatchObject({ code: 1, stderr: expect.stringContaining('neither packages nor metadata') })
  })

  test.each([
    [['--settle', 'soon'], /Expected a time such as 30s/],
    [['--settle', '2d'], /a day at most/],
    [['--dry-run'], /unknown option/],
  ])('%s is wrong use: exit code 2', async (options, reason) => {
    await mkdir(at('used'), { recursive: true })
    const { code, stdout, stderr } = await here().repokeeper('audit', 'used', ...options)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(reason)
  })
})

describe('audit of a bucket', () => {
  let cloud: LocalCloud
  let s3: S3Client
  beforeAll(async () => {
    cloud = await startLocalCloud({ directory: at('cloud') })
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
    s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    await s3.send(new CreateBucketCommand({ Bucket: 'packages' }))
  })
  afterAll(async () => {
    s3.destroy()
    await cloud.close()
    await rm(at('cloud'), { recursive: true })
  })

  test('says that it looks again, finds what is drift then, reads nothing of other packages, and mends it', async () => {
    const bucket = here().with({
      AWS_ACCESS_KEY_ID: 'tester',
      AWS_SECRET_ACCESS_KEY: 'anything',
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: cloud.endpoint,
    })
    const repo = 's3://packages/el9'
    expect((await bucket.repokeeper('add', repo, foo, bar, '--publish')).code).toBe(0)
    expect((await bucket.repokeeper('audit', repo)).stdout).toContain('nothing is wrong')
    expect((await bucket.repokeeper('add', repo, lost, '--no-publish')).code).toBe(0)
    await s3.send(new DeleteObjectCommand({ Bucket: 'packages', Key: `el9/${bar}` }))

    const before = cloud.calls.list().length
    const found = await bucket.repokeeper('audit', repo, '--settle', '1s')
    expect(found).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^2 things look wrong; again in 1s, for what/),
    })
    expect(found.stdout).toMatch(
      /^vanished {2}bar-.*\nunlisted {2}lost-.*\ns3:\/\/packages\/el9\/: 2 packages in the bucket/,
    )
    const asked = cloud.calls.list().slice(before)
    expect(asked.filter(({ key }) => key === `el9/${foo}`)).toEqual([])

    const mended = await bucket.repokeeper('audit', repo, '--settle', '0', '--repair', '--deep')
    expect(mended).toMatchObject({ code: 0, stdout: expect.stringContaining('2 listed in revision') })
    expect((await bucket.repokeeper('plan', repo)).code).toBe(0)
  })
})
