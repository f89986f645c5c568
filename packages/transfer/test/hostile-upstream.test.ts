/** Upstreams over the web that are broken, or mean no good; and others that stand in for them. */
import { createHash } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { MemoryStore } from '@repokeeper/object-store'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Replica, realTime, webSource } from '../src/index.ts'
import { mirror, packagesIn } from './mirror-workbench.ts'
import { locationIn, never, newDirectory, readFile, readWhole } from './workbench.ts'

/** What is answered, by path; whatever else is asked for is not there. */
const files = new Map<string, Uint8Array | ((response: ServerResponse) => void)>()
let server: Server
let web: string

beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    const answer = files.get(decodeURIComponent(url))
    if (typeof answer === 'function') answer(response)
    else response.writeHead(answer === undefined ? 404 : 200).end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  web = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

const rpm = buildPackage({ name: 'anchor' })

interface Upstream {
  readonly href?: string
  readonly base?: string
  readonly size?: number
  readonly updateinfo?: Uint8Array
}

/** A repository of one package, at a path of the server. */
function publish(at: string, { href = 'anchor.rpm', base, size = rpm.length, updateinfo }: Upstream = {}): Buffer {
  const place = base === undefined ? '' : `xml:base="${base}" `
  const entry =
    `<package type="rpm"><name>anchor</name><arch>noarch</arch><version epoch="0" ver="1.0" rel="1"/>` +
    `<checksum type="sha256" pkgid="YES">${sha256(rpm)}</checksum><summary/><description/><packager/><url/>` +
    `<time file="1" build="1"/><size package="${size}" installed="1" archive="1"/><location ${place}href="${href}"/></package>`
  const namespace = 'xmlns="http://linux.duke.edu/metadata/common"'
  const primary = Buffer.from(`<?xml version="1.0"?><metadata ${namespace} packages="1">${entry}</metadata>`)
  const record = (type: string, bytes: Uint8Array): string => {
    files.set(`${at}/repodata/${type}`, bytes)
    const checksum = `<checksum type="sha256">${sha256(bytes)}</checksum>`
    return `<data type="${type}">${checksum}<location href="repodata/${type}"/><size>${bytes.length}</size></data>`
  }
  const records = [record('primary', primary), ...(updateinfo === undefined ? [] : [record('updateinfo', updateinfo)])]
  const repomd = Buffer.from(`<repomd xmlns="http://linux.duke.edu/metadata/repo">${records.join('')}</repomd>`)
  files.set(`${at}/repodata/repomd.xml`, repomd)
  files.set(`${at}/anchor.rpm`, rpm)
  return repomd
}

/** Sends the same for ever, as fast as it is read. */
function endless(response: ServerResponse): void {
  response.writeHead(200)
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(2 ** 16, 'x')));
  }
  response.on('drain', more)
  more()
}

const any = (path: string) => ({ kind: 'any', place: `${web}${path}` }) as const

describe('a hostile upstream', () => {
  it.each([
    ['../anchor.rpm'],
    ['/etc/anchor.rpm'],
    ['Packages/%2e%2e/anchor.rpm'],
    ['https://elsewhere.example.org/anchor.rpm'],
    ['repodata/anchor.rpm'],
    ['repodata/repomd.xml'],
    ['anchor.sh'],
  ])('that lists a package at %s is not taken', async (href) => {
    publish('/tricks', { href })
    const target = locationIn(new MemoryStore(), 'el9/')
    const run = mirror(any('/tricks'), target)
    await expect(run).rejects.toMatchObject({ code: 'BAD_SOURCE', message: expect.stringContaining(href) })
    expect(await readWhole(target)).toBeUndefined()
  })

  it.each(['../anchor.rpm', 'repodata/repomd.xml', 'repodata/replica.json', 'mirrorlist', 'snapshots/1/mirrorlist'])(
    'that lists a package at %s gets no replica',
    async (href) => {
      publish('/tricks', { href })
      files.set('/tricks/repodata/replica.json', rpm)
      const target = locationIn(new MemoryStore(), 'el9/')
      const source = webSource(new URL(`${web}/tricks`))
      const replica = new Replica(source, target, {
        ...{ keyring: undefined, concurrency: 1, retentionMs: 0, bytesPerSecond: undefined, checksAll: false },
        ...{ takesOver: false, copiesInStore: false, scratch: await newDirectory(), onEvent: () => {}, signal: never },
        generations: { kind: 'as found' },
        time: { ...realTime, sleep: async () => {} },
      })
      await expect(replica.update()).rejects.toMatchObject({
        code: 'BAD_SOURCE',
        message: expect.stringContaining(`where no package may lie: ${href}`),
      })
      expect(await readFile(target, 'repodata/replica.json')).toBeUndefined()
      await source.close()
    },
  )

  it.each(['../anchor.rpm', '/etc/anchor.rpm', 'repodata/anchor.rpm', 'anchor.sh'])(
    'that lists a package at %s of another place is not taken',
    async (href) => {
      publish('/tricks', { href, base: `${web}/elsewhere` })
      const run = mirror(any('/tricks'), locationIn(new MemoryStore(), 'el9/'))
      await expect(run).rejects.toMatchObject({ code: 'BAD_SOURCE', message: expect.stringContaining(href) })
    },
  )

  it.each(['file:///srv', 'ftp://me:hush@ftp.example.org/el9?key=hush', 'media:1#2', '/srv', 'Packages', '//srv'])(
    'that places a package at %s has that one not fetched, and no password told',
    async (base) => {
      publish('/placed', { base })
      const target = locationIn(new MemoryStore(), 'el9/')
      const run = await mirror(any('/placed'), target)
      expect(run).toMatchObject({ outcomes: ['failed anchor.rpm'] })
      const [only] = run.plan.impossible
      expect(only?.reason).toMatch(/^it lies elsewhere \(xml:base\), at .*, which is no http:\/\/ or https:\/\/ URL$/)
      expect(only?.reason).not.toContain('hush')
      expect(await readFile(target, 'anchor.rpm')).toBeUndefined()
    },
  )

  it('that sends elsewhere and elsewhere again for a package of another place is given up', async () => {
    publish('/lists', { base: `${web}/round` })
    files.set('/round/anchor.rpm', (response) => response.writeHead(302, { location: '/round/anchor.rpm' }).end())
    const target = locationIn(new MemoryStore(), 'el9/')
    expect(await mirror(any('/lists'), target)).toMatchObject({ outcomes: ['failed anchor.rpm'] })
  })

  it('that sends a package without end gets no further than the size that it has named', async () => {
    publish('/endless')
    files.set('/endless/anchor.rpm', endless)
    const target = locationIn(new MemoryStore(), 'el9/')
    expect(await mirror(any('/endless'), target)).toMatchObject({ outcomes: ['failed anchor.rpm'] })
    expect(await readFile(target, 'anchor.rpm')).toBeUndefined()
  })

  it.each(['repomd.xml', 'primary'])('that sends %s without end is not taken', async (name) => {
    publish('/long')
    files.set(`/long/repodata/${name}`, endless)
    const run = mirror(any('/long'), locationIn(new MemoryStore()))
    await expect(run).rejects.toMatchObject({ code: 'BAD_SOURCE', message: expect.stringContaining('longer than') })
  })

  it('that sends elsewhere and elsewhere again is given up', async () => {
    for (const [from, to] of [
      ['/loop/repodata/repomd.xml', '/loop/other'],
      ['/loop/other', '/loop/repodata/repomd.xml'],
    ] as const) {
      files.set(from, (response) => response.writeHead(302, { location: to }).end())
    }
    const run = mirror(any('/loop'), locationIn(new MemoryStore()))
    await expect(run).rejects.toMatchObject({ code: 'TOO_MANY_REDIRECTS' })
  })

  it.each([
    ['of one endless advisory', `<updates><update>${'x'.repeat(2 ** 24)}`, /updateinfo: an element is longer than/],
    ['that is something else', '<html/>', /updateinfo has the root <html>/],
  ])('with an updateinfo %s leaves that of the repository as it is', async (_, text, message) => {
    const good = gzipSync('<updates><update><id>GOOD-1</id></update></updates>')
    publish('/advisories', { updateinfo: good })
    const target = locationIn(new MemoryStore(), 'el9/')
    await mirror(any('/advisories'), target)
    const before = await readWhole(target)
    publish('/advisories', { updateinfo: gzipSync(text) })
    await expect(mirror(any('/advisories'), target)).rejects.toThrow(message)
    expect(await readWhole(target)).toEqual(before)
  })
})

it('an updateinfo stays upstream where documents are not to come along', async () => {
  publish('/bare', { updateinfo: gzipSync('<updates><update><id>GOOD-1</id></update></updates>') })
  const target = locationIn(new MemoryStore(), 'el9/')
  await mirror(any('/bare'), target, { bringsDocuments: false })
  expect((await readFile(target, 'repodata/repomd.xml'))?.toString()).not.toContain('updateinfo')
  await mirror(any('/bare'), target)
  expect((await readFile(target, 'repodata/repomd.xml'))?.toString()).toContain('updateinfo')
})

describe('an upstream with several addresses', () => {
  it.each(['any', 'mirrorlist'] as const)('given as %s is taken from the next where one fails', async (kind) => {
    publish('/second')
    // The first is not there, and the third is not asked.
    files.set('/list', Buffer.from(`# mirrors\n${web}/first\n${web}/second/\n${web}/third\n`))
    const target = locationIn(new MemoryStore(), 'el9/')
    expect(await mirror({ kind, place: `${web}/list` }, target)).toMatchObject({ outcomes: ['fetched anchor.rpm'] })
  })

  it('gives a package from the next where one does not have it, or has another', async () => {
    publish('/half')
    publish('/wrong')
    publish('/full')
    files.delete('/half/anchor.rpm')
    files.set('/wrong/anchor.rpm', Buffer.from(rpm).fill(0, 200, 210))
    files.set('/list', Buffer.from(`${web}/half\n${web}/wrong\n${web}/full\n`))
    const target = locationIn(new MemoryStore(), 'el9/')
    const address = { kind: 'mirrorlist', place: `${web}/list` } as const
    expect(await mirror(address, target)).toMatchObject({ outcomes: ['fetched anchor.rpm'] })
    expect(await packagesIn(target)).toEqual({ 'anchor.rpm': sha256(rpm) })
  })

  it.each(['any', 'metalink'] as const)(
    'given as %s is only taken with the repomd.xml of its metalink',
    async (kind) => {
      publish('/stale', { size: rpm.length + 1 })
      const repomd = publish('/fresh')
      const url = (at: string, preference: number): string =>
        `<url preference="${preference}">${web}${at}/repodata/repomd.xml</url>`
      const metalink = (digest: string): Buffer =>
        Buffer.from(
          `<metalink version="3.0" xmlns="http://www.metalinker.org/"><files><file name="repomd.xml"><size>${repomd.length}</size>` +
            `<verification><hash type="sha256">${digest}</hash></verification><resources>${url('/stale', 100)}${url('/fresh', 1)}` +
            '</resources></file></files></metalink>',
        )
      files.set('/metalink?repo=el9', metalink(sha256(repomd)))
      const target = locationIn(new MemoryStore(), 'el9/')
      const address = { kind, place: `${web}/metalink?repo=el9` } as const
      expect(await mirror(address, target)).toMatchObject({ outcomes: ['fetched anchor.rpm'] })
      files.set('/metalink?repo=el9', metalink(sha256(rpm)))
      await expect(mirror(address, target)).rejects.toMatchObject({
        code: 'BAD_SOURCE',
        message: expect.stringMatching(
          /no address of it gives the repository: .*not the one that the metalink describes; and 1 more/,
        ),
      })
    },
  )

  it.each<[string, Uint8Array | ((response: ServerResponse) => void), string]>([
    ['a page for people', Buffer.from('<html>'), 'NO_METADATA'],
    ['a list without end', endless, 'BAD_SOURCE'],
  ])('is not %s', async (_, answer, code) => {
    files.set('/page', answer)
    await expect(mirror(any('/page'), locationIn(new MemoryStore()))).rejects.toMatchObject({ code })
  })
})
