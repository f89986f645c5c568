/** pull and copy, as people run them: killed, followed, asked how they do, and read by dnf. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../fixtures/dnf.ts'
import { workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const at = (path: string): string => join(place().directory, path)
let server: Server
/** Stops an answer after so many bytes of packages. */
let web: URL

beforeAll(async () => {
  const key = ['--user-id', 'Harbour <harbour@example.com>', '--kind', 'ed25519', '-o', 'key.asc']
  expect(await place().repokeeper('key', 'new', ...key)).toMatchObject({ code: 0 })
  await mkdir(at('source'))
  const files: string[] = []
  for (const name of ['anchor', 'buoy', 'capstan']) files.push(await place().rpm({ name, summary: 'x'.repeat(20_000) }))
  await add('source', ...files)
  server = createServer(async ({ url = '' }, response) => {
    const file = await readFile(at(decodeURIComponent(url))).catch(() => undefined)
    response.writeHead(file === undefined ? 404 : 200).end(file)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  web = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/source/`)
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

async function add(repository: string, ...files: readonly string[]): Promise<void> {
  const ran = await place().repokeeper('add', repository, ...files, '--sign-key', 'key.asc')
  expect(ran).toMatchObject({ code: 0 })
}

/** Every file below it but those of one's own, with its digest. */
async function filesIn(directory: string): Promise<Record<string, string>> {
  const names = await readdir(at(directory), { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const own = /\/repodata\/(?:replica\.json|repokeeper-|[0-9].*-repomd\.xml)|\/\.repokeeper-/
  const found: Record<string, string> = {}
  for (const file of files.filter((name) => !own.test(name)).toSorted()) {
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
    found[file.slice(at(directory).length + 1)] = digest
  }
  return found
}

/** Resolves with the first line that matches; rejects where the stream ends before. */
async function lineOf(stream: Readable, pattern: RegExp): Promise<RegExpExecArray> {
  for await (const line of createInterface({ input: stream })) {
    const found = pattern.exec(line)
    if (found !== null) return found
  }
  throw new Error(`nothing said ${pattern}`)
}

describe('pull', () => {
  it.each(['source', 'the web'])('makes a replica of %s that verify has nothing to say against', async (name) => {
    const from = name === 'source' ? 'source' : web.href
    const to = `replica of ${name}`
    const dry = await place().repokeeper('pull', from, to, '--dry-run')
    expect(dry.stdout).toMatch(/would be fetched {3}anchor-1\.0-1\.noarch\.rpm/)
    expect(dry.stdout).toMatch(/: 3 to fetch, 0 there already, .* \(dry run: nothing was changed\)\n$/)
    const ran = await place().repokeeper('pull', from, to, '--key', 'key.pub.asc')
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toMatch(/: revision \d+, 3 packages, 3 of them fetched\n$/)
    expect(await filesIn(to)).toEqual(await filesIn('source'))
    expect(
      await place().repokeeper('verify', to, '--key', 'key.pub.asc', '--packages', '--allow-unsigned'),
    ).toMatchObject({ code: 0 })
    const again = await place().repokeeper('pull', from, to, '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, packages: 3, fetched: 0, isNew: false })
  })

  it('goes on where it was killed, and is whole at every moment', async () => {
    const upstream = 'upstream'
    await mkdir(at(upstream))
    const files: string[] = []
    for (let number = 0; number < 12; number += 1) {
      files.push(await place().rpm({ name: `killed${number}`, summary: `${number} `.repeat(10_000) }))
    }
    await add(upstream, ...files)
    await place().repokeeper('pull', upstream, 'killed')
    const more: string[] = []
    for (let number = 20; number < 32; number += 1) {
      more.push(await place().rpm({ name: `killed${number}`, summary: `${number} `.repeat(10_000) }))
    }
    await add(upstream, ...more)
    const rpms = async () => (await readdir(at('killed'))).filter((name) => name.endsWith('.rpm')).length
    let before = await rpms()
    for (let kill = 0; kill < 3; kill += 1) {
      // Slow enough that a package, and not all of them, comes between two looks.
      const child = place().start('pull', upstream, 'killed', '--bandwidth', '200K', '--concurrency', '1')
      const exited = once(child, 'exit')
      const isOver = exited.then(() => true)
      while ((await rpms()) <= before && !(await Promise.race([isOver, new Promise(setImmediate).then(() => false)])));
      child.kill('SIGKILL')
      await exited
      before = await rpms()
      const verified = await place().repokeeper(
        'verify',
        'killed',
        '--key',
        'key.pub.asc',
        '--packages',
        '--allow-unsigned',
      )
      expect(verified, verified.stdout).toMatchObject({ code: 0 })
    }
    expect(before).toBeGreaterThan(12)
    const ran = await place().repokeeper('pull', upstream, 'killed', '--json')
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: true, packages: 24 })
    expect(await filesIn('killed')).toEqual(await filesIn(upstream))
  })

  it('follows the source, and says whether it is ready', async () => {
    await mkdir(at('followed'))
    await add('followed', await place().rpm({ name: 'first' }))
    const child = place().start('pull', 'followed', 'follower', '--watch', '--every', '1s', '--http', '127.0.0.1:0')
    onTestFinished(() => void child.kill('SIGKILL'))
    const [, address = ''] = await lineOf(child.stderr, /^answering at (http:\S+)$/)
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    expect((await lines.next()).value).toMatch(/^follower: revision \d+, 1 package, 1 of them fetched$/)
    const ready = await fetch(address)
    expect(ready.status).toBe(200)
    expect(await ready.json()).toMatchObject({ ok: true, revision: expect.stringMatching(/^\d+$/) })
    await add('followed', await place().rpm({ name: 'second' }))
    expect((await lines.next()).value).toMatch(/^follower: revision \d+, 2 packages, 1 of them fetched$/)
    expect(await filesIn('follower')).toEqual(await filesIn('followed'))
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })

  it('is told apart by what it is, not by how it is named, and nothing else publishes to it', async () => {
    expect(await place().repokeeper('pull', 'source', 'told')).toMatchObject({ code: 0 })
    expect(await place().repokeeper('pull', at('source'), 'told')).toMatchObject({ code: 0 })
    const file = await place().rpm({ name: 'stranger' })
    const before = await filesIn('told')
    for (const args of [
      ['add', 'told', file],
      ['rebuild', 'told'],
      ['audit', 'told'],
      ['rollback', 'told', '1'],
      ['snapshot', 'told', 'one'],
    ]) {
      const publishes = ['add', 'rebuild'].includes(args[0] ?? '')
      const ran = await place().repokeeper(...args, ...(publishes ? ['--sign-key', 'key.asc'] : []))
      expect(ran, args[0]).toMatchObject({ code: 1, stderr: expect.stringContaining('told is a replica') })
    }
    expect(await filesIn('told')).toEqual(before)
  })

  it('links a snapshot that stays as it is', async () => {
    await mkdir(at('moving'))
    const file = await place().rpm({ name: 'moving', summary: 'before' })
    await add('moving', file)
    const ran = await place().repokeeper('pull', 'moving', 'moved', '--snapshot', 'frozen')
    expect(ran.stdout).toMatch(/\nfrozen: a snapshot of it, by hard links\n$/)
    const frozen = await filesIn('frozen')
    expect(frozen).toEqual(await filesIn('moving'))
    expect((await stat(at(`frozen/${file}`))).ino).toBe((await stat(at(`moved/${file}`))).ino)
    await place().rpm({ name: 'moving', summary: 'after' })
    expect(await place().repokeeper('add', 'moving', file, '--replace', '--sign-key', 'key.asc')).toMatchObject({
      code: 0,
    })
    await place().repokeeper('pull', 'moving', 'moved')
    expect(await filesIn('moved')).not.toEqual(frozen)
    expect(await filesIn('frozen')).toEqual(frozen)
    expect(await place().repokeeper('pull', 'moving', 'moved', '--snapshot', 'frozen')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('frozen is there already'),
    })
  })

  it.each<[string, string[], number, RegExp]>([
    [
      'another key',
      ['source', 'wrong-key', '--key', 'other.pub.asc'],
      1,
      /its key is not in the keyring \(key [0-9a-f]{16}\); .*: --key FILE/,
    ],
    ['a directory of others', ['source', 'mine'], 1, /mine\/ is no replica of \S+source: it holds packages/],
    ['a bucket', ['source', 's3://bucket/x'], 2, /is no directory.*"repokeeper copy"/],
    ['no repository', ['nothing', 'x'], 1, /there is no directory nothing/],
    ['an empty source', ['empty', 'x'], 1, /empty has no repodata\/repomd\.xml: check the address/],
    ['a rate that is none', ['source', 'x', '--bandwidth', 'fast'], 2, /Expected bytes a second/],
    ['an endpoint without --watch', ['source', 'x', '--http', '127.0.0.1:0'], 2, /it needs --watch/],
    ['a URL of clients that is none', ['source', 'x', '--generations-url', 'x'], 2, /expected the URL under which/],
    [
      'a {path} of a directory',
      ['source', 'x', '--generations-url', 'https://x.example.org/{path}/'],
      2,
      /a directory has no \{path\}/,
    ],
  ])('refuses %s', async (_, args, code, message) => {
    await place().repokeeper('key', 'new', '--user-id', 'Other', '--kind', 'ed25519', '-o', 'other.asc')
    for (const name of ['mine', 'empty']) await mkdir(at(name), { recursive: true })
    await writeFile(at('mine/my.rpm'), 'mine')
    expect(await place().repokeeper('pull', ...args)).toMatchObject({ code, stderr: expect.stringMatching(message) })
    expect(await readFile(at('mine/my.rpm'), 'utf8')).toBe('mine')
  })
})

describe('copy', () => {
  it('has the store copy the packages by itself, from bucket to bucket', async () => {
    const cloud = await startLocalCloud({ directory: at('cloud') })
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
    const s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    onTestFinished(async () => {
      s3.destroy()
      await cloud.close()
      await rm(at('cloud'), { recursive: true })
    })
    for (const Bucket of ['here', 'there']) await s3.send(new CreateBucketCommand({ Bucket }))
    const here = place().with({
      ...{ AWS_ENDPOINT_URL: cloud.endpoint, AWS_REGION: 'us-east-1' },
      ...{ AWS_ACCESS_KEY_ID: 'tester', AWS_SECRET_ACCESS_KEY: 'anything' },
    })
    const files = [await place().rpm({ name: 'one+two' }), await place().rpm({ name: 'three' })]
    const [from, to] = ['s3://here/el9', 's3://there/copy/el9']
    expect(await here.repokeeper('add', from, ...files, '--publish', '--sign-key', 'key.asc')).toMatchObject({
      code: 0,
    })
    const before = cloud.calls.list().at(-1)?.number ?? 0
    expect(await here.repokeeper('copy', from, to, '--key', 'key.pub.asc')).toMatchObject({ code: 0, stderr: '' })
    const calls = cloud.calls.list().filter(({ number, key }) => number > before && key?.endsWith('.rpm'))
    expect(new Set(calls.map(({ operation }) => operation))).toEqual(new Set(['HeadObject', 'CopyObject']))
    const verified = await here.repokeeper('verify', to, '--key', 'key.pub.asc', '--packages', '--allow-unsigned')
    expect(verified, verified.stdout).toMatchObject({ code: 0 })
    expect(JSON.parse((await here.repokeeper('copy', from, to, '--json')).stdout)).toMatchObject({ fetched: 0 })
  })
})

describe('a repository with generations that is taken over', () => {
  const url = ['--generations-url', 'https://packages.example.org/']

  it('is refused with the names of its snapshots, and once they are deleted its mirrorlist follows the source', async () => {
    await mkdir(at('owned'))
    expect(await place().repokeeper('add', 'owned', await place().rpm({ name: 'owned' }), ...url)).toMatchObject({
      code: 0,
    })
    expect(await place().repokeeper('snapshot', 'owned', '2026-11')).toMatchObject({ code: 0 })
    const before = await readFile(at('owned/mirrorlist'), 'utf8')
    const refused = await place().repokeeper('pull', 'source', 'owned', '--take-over')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('owned/ has the snapshots 2026-11, and') })
    expect(await readFile(at('owned/mirrorlist'), 'utf8')).toBe(before)
    expect(await place().repokeeper('snapshot', 'owned', '2026-11', '--delete')).toMatchObject({ code: 0 })
    expect(await place().repokeeper('pull', 'source', 'owned', '--take-over')).toMatchObject({ code: 0 })
    const [, directory = '', root] = (await readFile(at('owned/mirrorlist'), 'utf8')).split('\n')
    expect(root).toBe('https://packages.example.org/')
    const repomd = await readFile(at(`owned/${directory.slice(root?.length)}repodata/repomd.xml`))
    expect(repomd).toEqual(await readFile(at('source/repodata/repomd.xml')))
  })
})

describeWithClients(['dnf'], 'dnf', () => {
  it('reads a replica by its own mirrorlist, signature and all, and what the root has is not asked for', async () => {
    const base = new URL('../generations/', web).href
    const pull = ['pull', web.href, 'generations', '--key', 'key.pub.asc', '--generations-url', base]
    expect(await place().repokeeper(...pull)).toMatchObject({ code: 0 })
    await rm(at('generations/repodata/repomd.xml.asc'))
    const key = `gpgkey=${base}repodata/repomd.xml.key`
    const lines = [`mirrorlist=${base}mirrorlist`, 'repo_gpgcheck=1', key]
    const dnf = await openDnf(at('dnf-of-generations'), '', lines)
    const { stdout } = await dnf('repoquery', '--qf', '%{name}')
    expect(stdout.trim().split('\n').toSorted()).toEqual(['anchor', 'buoy', 'capstan'])
  })

  it('lists and checks a replica as it does the source', async () => {
    expect(await place().repokeeper('pull', web.href, 'served')).toMatchObject({ code: 0 })
    const key = `gpgkey=${new URL('../served/repodata/repomd.xml.key', web).href}`
    const dnf = await openDnf(at('dnf'), new URL('../served/', web).href, ['repo_gpgcheck=1', 'gpgcheck=0', key])
    const { stdout } = await dnf('repoquery', '--qf', '%{name}')
    expect(stdout.trim().split('\n').toSorted()).toEqual(['anchor', 'buoy', 'capstan'])
  })
})
