/** verify, as an outsider: what is good, each way to tamper with it, and servers that mean harm. */

import { createHash } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { GpgHome } from '../../../fixtures/gpg-home.ts'
import { rpmsign, writeKey } from './clients/signed-repository.ts'
import { workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const key = ['--key', 'key.pub.asc']
let server: Server
/** Answers before the files do. */
let hostile: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined

beforeAll(async () => {
  const args = ['--user-id', 'Harbour <harbour@example.com>', '--kind', 'ed25519', '-o', 'key.asc']
  expect(await place().repokeeper('key', 'new', ...args)).toMatchObject({ code: 0 })
  await mkdir(at('good'))
  const files = [await place().rpm({ name: 'foo' }), await place().rpm({ name: 'bar+baz' })]
  expect(await place().repokeeper('add', 'good', ...files, '--sign-key', 'key.asc')).toMatchObject({ code: 0 })
  server = createServer(async (request, response) => {
    if (hostile?.(request, response)) return
    const file = await readFile(at(decodeURIComponent(request.url ?? ''))).catch(() => undefined)
    response.writeHead(file === undefined ? 404 : 200).end(file)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

const Report = z.object({
  ok: z.boolean(),
  findings: z.array(z.object({ verdict: z.string(), what: z.string(), path: z.string(), message: z.string() })),
})

/** What is not right, as `what: message`. */
async function verify(...args: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await place().repokeeper('verify', ...args, '--json')
  expect(stderr).toBe('')
  const { ok, findings } = Report.parse(JSON.parse(stdout))
  expect({ ok, code }).toEqual({ ok, code: ok ? 0 : 1 })
  expect(ok).toBe(!findings.some(({ verdict }) => verdict === 'wrong'))
  return findings
    .filter(({ verdict }) => verdict !== 'ok')
    .map(({ verdict, what, message }) => `${verdict} ${what}: ${message}`)
}

describe('what is as it should be', () => {
  it.each(['good', 'the web'])('has nothing that is wrong: %s', async (repository) => {
    const repo = repository === 'good' ? repository : webOf('good')
    expect(await verify(repo, ...key, '--packages', '--allow-unsigned')).toEqual([])
    expect(await verify(repo)).toEqual(['unchecked signature: there is one, and no key was given (--key)'])
  })

  it('is shown line by line, and packages that are not signed are wrong unless one says otherwise', async () => {
    const { code, stdout } = await place().repokeeper('verify', 'good', ...key, '--packages')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^ok +signature +repodata\/repomd\.xml\.asc +signed by Harbour <harbour@example\.com>/)
    expect(stdout).toMatch(/^ok +primary +repodata\/\S+-primary\.xml\.gz +\S+ k?B, sha256, \S+ k?B uncompressed$/m)
    expect(stdout).toMatch(/^wrong +package +foo-1\.0-1\.noarch\.rpm +it is not signed$/m)
    expect(stdout).toMatch(/^good: 2 things are wrong$/m)
  })
})

describe('what somebody has changed is found', () => {
  it.each<[string, (repo: string) => Promise<void>, RegExp]>([
    ['repomd.xml', (repo) => edit(`${repo}/repodata/repomd.xml`, '<revision>', '<revision>9'), /^wrong signature: /],
    ['the signature', (repo) => writeFile(at(`${repo}/repodata/repomd.xml.asc`), 'x'), /^wrong signature: it holds no/],
    [
      'no signature',
      (repo) => rm(at(`${repo}/repodata/repomd.xml.asc`)),
      /^wrong signature: repomd.xml is not signed$/,
    ],
    ['a document', (repo) => append(repo, /-primary\.xml\.gz$/), /^wrong primary: it is longer than the \d+ bytes/],
    ['a document of its size', (repo) => turn(repo, /-other\.xml\.gz$/), /^wrong other: its sha256 is /],
    ['no document', (repo) => drop(repo, /-filelists\.xml\.gz$/), /^wrong filelists: it is not there$/],
    ['a package', (repo) => append(repo, /^foo/), /^wrong package: it is longer than the \d+ bytes of its record$/],
    ['a package of its size', (repo) => turn(repo, /^foo/), /^wrong package: its sha256 is /],
    ['no package', (repo) => drop(repo, /^foo/), /^wrong package: it is not there$/],
  ])('%s', async (name, change, message) => {
    const repo = `changed ${name}`
    await cp(at('good'), at(repo), { recursive: true })
    await change(repo)
    const wrong = await verify(repo, ...key, '--packages', '--allow-unsigned')
    expect(wrong[0]).toMatch(message)
  })

  it('another key', async () => {
    await place().repokeeper('key', 'new', '--user-id', 'Other', '--kind', 'ed25519', '-o', 'other.asc')
    const wrong = await verify('good', '--key', 'other.pub.asc')
    expect(wrong).toEqual([
      expect.stringMatching(/^wrong signature: its key is not in the keyring \(key [0-9a-f]{16}\)$/),
    ])
    expect(await verify('good', '--key', 'other.pub.asc', ...key)).toEqual([])
  })
})

describe('a server that means harm', () => {
  it('comes to an end with a body that has none', async () => {
    hostile = ({ url = '' }, response) => {
      if (!/primary|foo/.test(url)) return false
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
      return true
    }
    expect(await verify(webOf('good'), ...key)).toEqual([expect.stringMatching(/^wrong primary: it is longer than/)])
  })

  it('sends in a circle, elsewhere than to the web, less than it promised, or nothing', async () => {
    hostile = ({ url = '' }, response) => {
      if (url.includes('primary')) response.writeHead(302, { location: url }).end()
      else if (url.includes('filelists')) response.writeHead(302, { location: 'file:///etc/passwd' }).end()
      else if (url.includes('other')) {
        response.writeHead(200, { 'content-length': '100000' }).write('short')
        setImmediate(() => response.destroy())
      } else return false
      return true
    }
    expect(await verify(webOf('good'), ...key)).toEqual([
      expect.stringMatching(/^wrong primary: .* it is sent elsewhere more than 10 times$/),
      expect.stringMatching(/^wrong filelists: .*file:\/\/\/etc\/passwd", which is no web address$/),
      expect.stringMatching(/^wrong other: .*(the answer ended early|socket hang up)/),
    ])
    hostile = ({ url = '' }) => url.includes('primary')
    const silent = await verify(webOf('good'), ...key, '--timeout', '1s')
    expect(silent).toEqual([expect.stringMatching(/^wrong primary: .*the server said nothing for 1 s$/)])
  })

  it('follows a redirection that leads to the file', async () => {
    hostile = ({ url = '' }, response) => {
      if (!url.startsWith('/moved')) return false
      response.writeHead(307, { location: url.replace('/moved', '/good') }).end()
      return true
    }
    expect(await verify(webOf('moved'), ...key, '--packages', '--allow-unsigned')).toEqual([])
  })

  it('says what answers with an error, and ends', async () => {
    hostile = (_, response) => Boolean(response.writeHead(418).end())
    const refused = await place().repokeeper('verify', webOf('good'))
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('the server answers 418') })
    hostile = undefined
    const absent = await place().repokeeper('verify', webOf('absent'))
    expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining('has no repodata/repomd.xml') })
  })
})

describe('metadata that means harm', () => {
  it.each([
    ['leads out of the repository', '../good/primary.xml.gz', 0, /^wrong primary: its place leads out/],
    ['leads out of the repository, encoded', '%2e%2e/primary.xml.gz', 0, /^wrong primary: its place leads out/],
    [
      'uncompresses to more than it says',
      'primary.xml.gz',
      100,
      /^wrong primary: uncompressed: it uncompresses to more/,
    ],
    ['uncompresses to less than it says', 'primary.xml.gz', 2 ** 30, /^wrong primary: it uncompresses to \d+ bytes/],
  ])('that %s', async (name, href, openSize, message) => {
    const repo = `harm ${name}`
    await mkdir(at(`${repo}/repodata`), { recursive: true })
    const document = gzipSync(Buffer.alloc(2 ** 24))
    await writeFile(at(`${repo}/primary.xml.gz`), document)
    await writeFile(at(`${repo}/repodata/repomd.xml`), repomdOf(document, href, openSize))
    expect((await verify(repo, '--packages')).find((line) => line.startsWith('wrong'))).toMatch(message)
  })
})

describeWithClients(['gpg', 'rpm'], 'packages that are signed', () => {
  it('are checked against all keys, and one by a stranger is wrong', async () => {
    const gpg = await GpgHome.open()
    try {
      const [known, stranger] = [
        await gpg.makeKey({ userId: 'Known', kind: 'rsa2048' }),
        await gpg.makeKey({ userId: 'Stranger', kind: 'rsa2048' }),
      ]
      await writeKey(at('known.asc'), await gpg.exportPublic(known))
      await mkdir(at('packages'))
      const [one = '', other = ''] = [await place().rpm({ name: 'one' }), await place().rpm({ name: 'other' })]
      await rpmsign(gpg, known, [at(one)])
      await rpmsign(gpg, stranger, [at(other)])
      await place().repokeeper('add', 'packages', one, other, '--sign-key', 'key.asc')
      const wrong = await verify('packages', ...key, '--key', 'known.asc', '--packages', '--allow-unsigned')
      expect(wrong).toEqual([expect.stringMatching(/^wrong package: .*its key is not in the keyring$/)])
      await place().repokeeper('remove', 'packages', 'other-1.0-1', '--sign-key', 'key.asc')
      expect(await verify('packages', ...key, '--key', 'known.asc', '--packages')).toEqual([])
    } finally {
      await gpg.close()
    }
  })
})

function webOf(repo: string): string {
  const { port } = server.address() as AddressInfo
  return `http://127.0.0.1:${port}/${repo}/`
}

function at(name: string): string {
  return join(place().directory, name)
}

async function edit(file: string, from: string, to: string): Promise<void> {
  await writeFile(at(file), (await readFile(at(file), 'utf8')).replace(from, to))
}

/** The file of a repository whose name is like this. */
async function fileLike(repo: string, name: RegExp): Promise<string> {
  for (const directory of [repo, `${repo}/repodata`]) {
    const found = (await readdir(at(directory))).find((one) => name.test(one))
    if (found !== undefined) return at(`${directory}/${found}`)
  }
  throw new Error(`${repo} has no ${name}`)
}

async function append(repo: string, name: RegExp): Promise<void> {
  const file = await fileLike(repo, name)
  await writeFile(file, Buffer.concat([await readFile(file), Buffer.from('x')]))
}

async function turn(repo: string, name: RegExp): Promise<void> {
  const file = await fileLike(repo, name)
  const bytes = await readFile(file)
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  await writeFile(file, bytes)
}

async function drop(repo: string, name: RegExp): Promise<void> {
  await rm(await fileLike(repo, name))
}

function repomdOf(document: Uint8Array, href: string, openSize: number): string {
  const digest = createHash('sha256').update(document).digest('hex')
  return `<?xml version="1.0"?><repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>
<data type="primary"><checksum type="sha256">${digest}</checksum><location href="${href}"/><size>${document.length}</size>
<open-size>${openSize}</open-size></data></repomd>`
}
