import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()

describe('site in a directory', () => {
  const index = (directory: string) => readFile(join(place().directory, directory, 'index.html'), 'utf8')
  beforeAll(async () => {
    await mkdir(join(place().directory, 'repo'))
    await place().repokeeper('add', './repo', await place().rpm({ name: 'foo' }), await place().rpm({ name: 'bar' }))
  })

  test('says in a dry run what it would write, and makes nothing, not even the directory', async () => {
    const ran = await place().repokeeper('site', './repo', '--output', './public', '-n')
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('no .repo file would be made') })
    const lines = ran.stdout.trimEnd().split('\n')
    expect(lines).toContain('would be written  package/foo.html')
    expect(lines.at(-1)).toMatch(
      /^\.\/repo: would write 7 of 7 files about 2 packages \([0-9]+ kB\) \(dry run: nothing was changed\): \.\/public\/index\.html$/,
    )
    await expect(stat(join(place().directory, 'public'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('writes the pages beside the packages, called after the directory, and the second time nothing', async () => {
    const first = await place().repokeeper('site', './repo')
    expect(first).toMatchObject({ code: 0 })
    expect(first.stderr).toBe(
      'no .repo file was made, for nobody has said where clients find this repository; say it once: ' +
        '"repokeeper site ./repo --base-url https://..."\n',
    )
    expect(first.stdout).toMatch(
      /^\.\/repo: wrote 7 of 7 files about 2 packages \([0-9]+ kB\): \.\/repo\/repoview\/index\.html\n$/,
    )
    expect(await index('repo/repoview')).toContain('<h1>repo</h1>')
    expect((await place().repokeeper('site', './repo')).stdout).toBe(
      './repo: nothing to do, 7 files about 2 packages are as they should be: ./repo/repoview/index.html\n',
    )
    // What is beside the packages is none of them.
    expect(await place().repokeeper('plan', './repo')).toMatchObject({ code: 0 })
  })

  test('writes them elsewhere, with links to where the repository is', async () => {
    const options = ['--title', 'Ours', '--base-url', 'https://example.org/el9', '--gpg-key', 'https://example.org/key']
    const ran = await place().repokeeper('site', './repo', '--output', './a/b', '--json', ...options)
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ...{ repository: './repo', dryRun: false, ok: true, site: './a/b/index.html', repoFile: 'Ours.repo' },
      ...{ packages: 2, names: 2, files: 8, written: 8, deleted: 0 },
      changes: expect.arrayContaining([{ kind: 'written', path: 'Ours.repo' }]),
    })
    const page = await readFile(join(place().directory, 'a/b/package/foo.html'), 'utf8')
    expect(page).toContain('href="https://example.org/el9/foo-1.0-1.noarch.rpm"')
    expect(await readFile(join(place().directory, 'a/b/Ours.repo'), 'utf8')).toContain(
      'baseurl=https://example.org/el9/\n',
    )
  })

  test('keeps what was said, until something else is said or it is taken back', async () => {
    const site = (...options: string[]) => place().repokeeper('site', './repo', '--output', './kept', ...options)
    const repoFiles = async () =>
      (await readdir(join(place().directory, 'kept'))).filter((name) => name.endsWith('.repo'))
    const repoFile = async () => readFile(join(place().directory, 'kept', (await repoFiles())[0] ?? ''), 'utf8')
    await site('--title', 'Ours', '--base-url', 'https://example.org/el9', '--gpg-key', 'https://example.org/key')
    expect((await site()).stdout).toMatch(/^\.\/repo: nothing to do, /)
    await site('--title', 'Theirs')
    expect(await repoFiles()).toEqual(['Theirs.repo'])
    expect(await repoFile()).toContain('gpgcheck=1\ngpgkey=https://example.org/key\n')
    expect(JSON.parse((await site('--no-gpg-key', '--json')).stdout)).toMatchObject({
      said: { title: 'Theirs', baseUrl: 'https://example.org/el9' },
    })
    expect(await repoFile()).toContain('gpgcheck=0\n')
    expect(await site('--no-base-url', '--no-title')).toMatchObject({ code: 0, stderr: '' })
    expect(await repoFiles()).toEqual([])
  })

  test.each([
    [['--title', ' '], '--title'],
    [['--title', 'x'.repeat(201)], '--title'],
    [['--gpg-key', 'https://example.org/a b'], '--gpg-key'],
    [['--to', '../elsewhere'], '--to'],
    [['--to', 'repodata'], '--to'],
    [['--to', ''], '--to'],
    [['--base-url', 'example.org'], '--base-url'],
    [['--base-url', 'javascript:alert(1)'], '--base-url'],
    [['--to', 'a', '--output', 'b'], '--output'],
    [
      ['--base-url', 'https://example.org/', '--no-base-url'],
      "option '--no-base-url' cannot be used with option '--base-url'",
    ],
    [
      ['--no-gpg-key', '--gpg-key', 'https://example.org/key'],
      "option '--gpg-key' cannot be used with option '--no-gpg-key'",
    ],
    [['--title', 'Ours', '--no-title'], '--no-title'],
  ])('with %j is wrong use', async (options, named) => {
    const ran = await place().repokeeper('site', './repo', ...options)
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(named) })
  })

  test('says where there is no metadata, and what to do', async () => {
    await mkdir(join(place().directory, 'empty'))
    const ran = await place().repokeeper('site', './empty')
    expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('repokeeper rebuild ./empty') })
  })
})

describe('site in a bucket', () => {
  let cloud: LocalCloud
  let s3: S3Client
  beforeAll(async () => {
    cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
    s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    await s3.send(new CreateBucketCommand({ Bucket: 'packages' }))
    await here().repokeeper('add', repo, await place().rpm({ name: 'foo' }), '--publish')
  })
  afterAll(async () => {
    s3.destroy()
    await cloud.close()
    await rm(join(place().directory, 'cloud'), { recursive: true })
  })
  const repo = 's3://packages/el9/x86_64'

  test('stores pages that a browser takes for what they are, and asks for anew', async () => {
    const ran = await here().repokeeper('site', repo, '--to', 'about/us')
    expect(ran).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`"repokeeper site ${repo}/ --to about/us --base-url`),
    })
    expect(ran.stdout).toContain(`: ${repo}/about/us/index.html (an object, which browsers cannot open)\n`)
    const head = (path: string) =>
      s3.send(new HeadObjectCommand({ Bucket: 'packages', Key: `el9/x86_64/about/us/${path}` }))
    const types = {
      'index.html': 'text/html; charset=utf-8',
      'style.css': 'text/css; charset=utf-8',
      'site.js': 'text/javascript; charset=utf-8',
    }
    for (const [path, ContentType] of Object.entries(types)) {
      expect(await head(path), path).toMatchObject({ ContentType, CacheControl: 'no-cache' })
    }
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket: 'packages', Prefix: 'el9/x86_64/about/' }),
    )
    expect(Contents.map(({ Key }) => Key)).toContain('el9/x86_64/about/us/package/foo.html')
  })

  test('asks for nothing but a listing, its record, repomd.xml, its signature and the mirrorlist where nothing has changed', async () => {
    const callsOf = async (...options: string[]) => {
      const before = cloud.calls.list().at(-1)?.number ?? 0
      expect(await here().repokeeper('site', repo, ...options)).toMatchObject({ code: 0 })
      return cloud.calls.list().filter(({ number }) => number > before)
    }
    const writes = (await callsOf()).filter(({ operation }) => operation === 'PutObject')
    // Six files, and the record before and after them.
    expect(writes).toHaveLength(8)
    const asked = (await callsOf()).map(({ operation, key }) => [operation, key?.replace(/^.*\//, '')])
    expect(asked).toEqual([
      ['HeadObject', 'repokeeper-site.json.gz'],
      ['ListObjectsV2', undefined],
      ['GetObject', 'repomd.xml'],
      ['GetObject', 'repokeeper-site.json.gz'],
      ['HeadObject', 'repomd.xml.asc'],
      ['GetObject', 'mirrorlist'],
    ])
  })

  test.each([
    ['https://example.org/el9', 'https://example.org/el9/about%20us/index.html'],
    ['https://example.org/$releasever/', null],
    ['ftp://example.org/el9/', null],
  ])('says at which address below %s a browser finds them, where there is one', async (baseUrl, address) => {
    const ran = await here().repokeeper('site', repo, '--to', 'about us', '--base-url', baseUrl, '--json')
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(ran.stdout)).toMatchObject({ site: `${repo}/about us/index.html`, address })
    const { stdout } = await here().repokeeper('site', repo, '--to', 'about us')
    expect(stdout.trimEnd().endsWith(address ?? 'index.html (an object, which browsers cannot open)')).toBe(true)
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
