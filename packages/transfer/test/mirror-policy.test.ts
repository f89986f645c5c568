/** A mirror with a policy for packages: what is refused never comes into the repository, and no more of it is fetched than has to be. */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MemoryStore } from '@repokeeper/object-store'
import { largeBytes, type PackagePolicy, type PackageVerifier } from '@repokeeper/repository'
import { type RpmPackage, Tag } from '@repokeeper/rpm-parser'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { beforeWrites } from './before-writes.ts'
import { mirror, packagesIn } from './mirror-workbench.ts'
import { locationIn, readAll, readFile, Source } from './workbench.ts'

/** Believes packages by their names; those that begin with "old-" only once all of the payload was shown. */
function signedBy(...believed: readonly string[]): PackagePolicy {
  const begin: PackageVerifier['begin'] = (rpm: RpmPackage) => {
    const name = rpm.header.string(Tag.NAME) ?? ''
    const payloadNeeded = name.startsWith('old-')
    const refused = (code: 'UNKNOWN_KEY' | 'PAYLOAD_NEEDED') =>
      ({ kind: 'refused', code, reason: 'of key b2', signatures: [{ keyId: 'b2' }] }) as const
    const wholeVerdict = () =>
      believed.includes(name) ? ({ kind: 'signed', by: { keyId: 'a1' } } as const) : refused('UNKNOWN_KEY')
    const headerVerdict = () => (payloadNeeded ? refused('PAYLOAD_NEEDED') : wholeVerdict())
    return { payloadNeeded, update: () => {}, headerVerdict, wholeVerdict }
  }
  return { kind: 'signed', verifier: { begin } }
}

/** What nothing compresses. */
const files = [{ path: '/a', content: randomBytes(300_000) }]

async function upstreamOf(...names: readonly string[]): Promise<Source> {
  const source = new Source(new MemoryStore(), '')
  await source.change(names.map((name) => ({ name, files })))
  return source
}

const ways = [
  ['streamed', false],
  ['copied by the store', true],
] as const

describe.each(ways)('a package that the policy refuses, where packages are %s,', (_, copiesInStore) => {
  it('is named with key and remedy and put nowhere, and the others come', async () => {
    const source = await upstreamOf('good', 'old-good', 'stranger', 'old-stranger')
    const target = locationIn(new MemoryStore(), 'el9/')
    const written: string[] = []
    const store = beforeWrites(target.store, (key) => void written.push(key))
    const packagePolicy = signedBy('good', 'old-good')
    const run = await mirror(source, { ...target, store }, { packagePolicy, copiesInStore })
    const outcomes = ['fetched good', 'fetched old-good', 'refused old-stranger', 'refused stranger']
    expect(run.outcomes).toEqual(outcomes.map((one) => `${one}-1.0.rpm`))
    const reason = expect.stringMatching(/^of key b2; add that key to the keyring/)
    const refusal = { kind: 'refused', code: 'UNKNOWN_KEY', reason, keyIds: ['b2'] }
    expect(run.refused).toEqual([refusal, refusal])
    expect(Object.keys(await packagesIn(target))).toEqual(['good-1.0.rpm', 'old-good-1.0.rpm'])
    const stored = [...(await readAll(target)).keys()].filter((path) => path.endsWith('.rpm'))
    expect(stored).toEqual(['good-1.0.rpm', 'old-good-1.0.rpm'])
    // A store that copies by itself is not even asked to.
    if (copiesInStore) expect(written.filter((key) => key.includes('stranger'))).toEqual([])
  })

  it('does not put another in its place', async () => {
    const source = await upstreamOf('stranger')
    const own = new Source(new MemoryStore(), 'el9/')
    await own.change([{ name: 'mine', path: 'stranger-1.0.rpm' }])
    const mine = await packagesIn(own.location)
    const packagePolicy = signedBy('mine')
    const run = await mirror(source, own.location, { packagePolicy, copiesInStore, replaces: true })
    expect(run.outcomes).toEqual(['refused stranger-1.0.rpm'])
    expect(await packagesIn(own.location)).toEqual(mine)
  })

  it('comes once the policy lets it in', async () => {
    const source = await upstreamOf('stranger')
    const target = locationIn(new MemoryStore(), 'el9/')
    await mirror(source, target, { packagePolicy: signedBy(), copiesInStore })
    const run = await mirror(source, target, { packagePolicy: signedBy('stranger'), copiesInStore })
    expect(run.outcomes).toEqual(['fetched stranger-1.0.rpm'])
  })
})

it('a package whose header is too large to be held beside others takes its turn', async () => {
  const source = new Source(new MemoryStore(), '')
  await source.change([{ name: 'good', description: 'x'.repeat(largeBytes) }])
  const target = locationIn(new MemoryStore(), 'el9/')
  const run = await mirror(source, target, { packagePolicy: signedBy('good') })
  expect(run.outcomes).toEqual(['fetched good-1.0.rpm'])
})

describe('of a web server, a package that is refused', () => {
  let server: Server
  let web: string
  /** What was asked for of packages. */
  const asked: string[] = []
  let answer = (_request: IncomingMessage, _response: ServerResponse): void => {}

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url?.endsWith('.rpm')) asked.push([request.url, request.headers.range].join(' ').trim())
      answer(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    web = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => void asked.splice(0))
  afterAll(() => {
    server.close()
    server.closeAllConnections()
  })

  /** Gives what the source has; of packages 200,000 bytes, and then nothing more: only who gives up comes to an end. */
  function serve(source: Source, knowsRanges: boolean): void {
    answer = async ({ url = '', headers }, response) => {
      const bytes = await readFile(source.location, decodeURIComponent(url.slice(1)))
      if (bytes === undefined) return void response.writeHead(404).end()
      const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
      if (knowsRanges && first !== '') {
        response.writeHead(206, { 'content-range': `bytes ${first}-${last}/${bytes.length}` })
        return void response.end(bytes.subarray(Number(first), Number(last) + 1))
      }
      response.writeHead(200, { 'content-length': bytes.length })
      if (url.endsWith('.rpm')) response.write(bytes.subarray(0, 200_000))
      else response.end(bytes)
    }
  }

  it.each([
    ['is asked for its header alone from then on', true],
    ['is given up once its header has come, where the server knows no ranges', false],
  ])('%s', async (_, knowsRanges) => {
    serve(await upstreamOf('stranger'), knowsRanges)
    const target = locationIn(new MemoryStore(), 'el9/')
    const options = { packagePolicy: signedBy(), directory: 'vendor/' }
    for (const range of ['', ' bytes=0-65535', ' bytes=0-65535']) {
      const run = await mirror({ kind: 'any', place: web }, target, options)
      expect(run.outcomes).toEqual(['refused vendor/stranger-1.0.rpm'])
      expect(asked.splice(0)).toEqual([`/stranger-1.0.rpm${range}`])
    }
  })

  it('is refused once two addresses have it, and comes where the first had an older one', async () => {
    const source = await upstreamOf('good')
    const stale = await upstreamOf('stranger')
    const get = async (from: Source, path: string) => Buffer.from((await readFile(from.location, path)) ?? '')
    answer = async ({ url = '' }, response) => {
      const [, mirrorName = '', path = ''] = /^\/(\w+)\/(.*)$/.exec(url) ?? []
      const hasOld = mirrorName === 'stale' && path === 'good-1.0.rpm'
      if (url === '/two') response.end(`${web}/stale\n${web}/fresh\n`)
      else if (url === '/three') response.end(`${web}/one\n${web}/other\n${web}/third\n`)
      else response.end(hasOld ? await get(stale, 'stranger-1.0.rpm') : await get(source, path))
    }
    const packagePolicy = signedBy('good')
    const two = await mirror({ kind: 'mirrorlist', place: `${web}/two` }, locationIn(new MemoryStore()), {
      packagePolicy,
    })
    expect(two.outcomes).toEqual(['fetched good-1.0.rpm'])
    asked.length = 0
    const three = await mirror({ kind: 'mirrorlist', place: `${web}/three` }, locationIn(new MemoryStore()), {
      packagePolicy: signedBy(),
    })
    expect(three.outcomes).toEqual(['refused good-1.0.rpm'])
    expect(asked).toEqual(['/one/good-1.0.rpm', '/other/good-1.0.rpm'])
  })
})
