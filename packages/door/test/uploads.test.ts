import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { request as open } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type FolderStore, readBody } from '@repokeeper/object-store'
import { anyPackage, MemoryCache, parseRepositoryRoot, realContext, reconcile } from '@repokeeper/repository'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  Door,
  type DoorEvent,
  type DoorOptions,
  openAccess,
  PackagePlaces,
  Scratch,
  WatchedMetadata,
  type WriteDesk,
} from '../src/index.ts'
import { ask } from './ask.ts'
import { openTwoStores, type TwoStores } from './two-stores.ts'

const limits = { uploadBytesMax: 300_000, bytesPerSecondMin: 1, slowStartMs: 60_000, uploadsMax: 2, waitMs: 150 }
let two: TwoStores
const stores = new Map<string, { readonly store: FolderStore; readonly prefix: string }>()
const events: DoorEvent[] = []

beforeAll(async () => {
  two = await openTwoStores()
  stores.set('a folder', { store: two.folder, prefix: '' })
  stores.set('a bucket', { store: two.bucket, prefix: 'el9/' })
})
afterAll(async () => {
  await two.close()
})

function contextFor(signal: AbortSignal) {
  return realContext({ cache: new MemoryCache(), onEvent: () => {}, signal })
}

interface Opened {
  readonly door: Door
  readonly store: FolderStore
  readonly prefix: string
  /** What lies in the scratch directory. */
  readonly drafts: () => Promise<string[]>
}

/** A door of a test's own. */
async function openDoor(
  name: string,
  writes: Partial<WriteDesk> = {},
  more: Partial<DoorOptions> = {},
): Promise<Opened> {
  const place = stores.get(name)
  if (place === undefined) throw new Error(`there is no store of ${name}`)
  const scratch = await Scratch.open(join(two.directory, 'scratch'), new Date())
  const places = new PackagePlaces({ ...place, patterns: [], now: Date.now })
  const publication = new WatchedMetadata({ store: place.store, places, context: contextFor })
  const door = await Door.open(
    { host: '127.0.0.1', port: 0 },
    {
      ...place,
      access: openAccess({ writes: true }),
      writes: { scratch, packagePolicy: anyPackage, replaces: false, publication, limits, ...writes },
      now: () => new Date(),
      onEvent: (event) => events.push(event),
      ...more,
    },
  )
  onTestFinished(() => door.close())
  return { door, ...place, drafts: () => readdir(scratch.directory) }
}

async function contentOf({ store, prefix }: Opened, path: string): Promise<Uint8Array | undefined> {
  const got = await store.get(`${prefix}${path}`)
  return got.kind === 'found' ? readBody(got.body, 2 ** 20) : undefined
}

describe.each(['a folder', 'a bucket'])('the door of %s', (name) => {
  it('stores a package, and does not mind when it comes twice', async () => {
    const opened = await openDoor(name)
    const rpm = buildPackage({ name: 'twice' })
    const put = () => ask(opened.door.address, 'PUT', '/x/twice%201.rpm', { body: rpm })
    const first = await put()
    expect(first).toMatchObject({ status: 201, headers: { location: '/x/twice%201.rpm', etag: expect.any(String) } })
    expect(first.body).toMatch(/^stored x\/twice 1\.rpm: \d+ bytes, SHA-256 [0-9a-f]{64}\n$/)
    expect(await contentOf(opened, 'x/twice 1.rpm')).toEqual(Buffer.from(rpm))
    expect(await put()).toMatchObject({ status: 200, headers: { etag: first.headers.etag } })
    expect(await opened.drafts()).toEqual([])
  })

  it('does not put one file in the place of another, unless it is told which', async () => {
    const opened = await openDoor(name)
    const { address } = opened.door
    const [before, after] = [buildPackage({ name: 'held' }), buildPackage({ name: 'held', summary: 'another' })]
    const { etag = '' } = (await ask(address, 'PUT', '/held.rpm', { body: before })).headers
    const put = (headers: Record<string, string>) => ask(address, 'PUT', '/held.rpm', { body: after, headers })
    expect(await put({})).toMatchObject({ status: 409, body: expect.stringContaining('another file is there already') })
    expect((await put({ 'If-Match': '"other"' })).status).toBe(412)
    expect((await put({ 'If-None-Match': '*' })).status).toBe(412)
    expect(await contentOf(opened, 'held.rpm')).toEqual(Buffer.from(before))
    expect((await put({ 'If-Match': etag })).status).toBe(200)
    expect(await contentOf(opened, 'held.rpm')).toEqual(Buffer.from(after))
    expect((await ask(address, 'PUT', '/none.rpm', { body: after, headers: { 'If-Match': '*' } })).status).toBe(412)
    const replacing = await openDoor(name, { replaces: true })
    expect((await ask(replacing.door.address, 'PUT', '/held.rpm', { body: before })).status).toBe(200)
    expect(await contentOf(opened, 'held.rpm')).toEqual(Buffer.from(before))
  })

  it.each<[string, string, Uint8Array | string, number, RegExp]>([
    ['no package', '/no.rpm', 'hello', 422, /no\.rpm was not stored: it is no RPM package/],
    ['nothing', '/empty.rpm', '', 422, /was not stored/],
    ['half of a package', '/half.rpm', buildPackage({ name: 'half' }).subarray(0, -20), 422, /cut off: 20 bytes/],
    ['another name', '/readme.txt', buildPackage({ name: 'x' }), 422, /does not end in "\.rpm"/],
    ['metadata', '/repodata/x.rpm', buildPackage({ name: 'x' }), 422, /metadata only/],
    ['a folder', '/x/', buildPackage({ name: 'x' }), 400, /name the file/],
    ['the way out', '/../x.rpm', buildPackage({ name: 'x' }), 400, /"\.\."/],
    ['too much', '/large.rpm', Buffer.alloc(300_001), 413, /more than 300000 bytes/],
  ])('refuses %s', async (_, path, body, status, words) => {
    const opened = await openDoor(name)
    const answer = await ask(opened.door.address, 'PUT', path, { body })
    expect(answer).toMatchObject({ status, body: expect.stringMatching(words) })
    expect(await contentOf(opened, path.slice(1).replace('../', '').replace(/\/$/, '/none'))).toBeUndefined()
    expect(await opened.drafts()).toEqual([])
  })

  it('deletes a package, and nothing else', async () => {
    const opened = await openDoor(name)
    const { address } = opened.door
    const remove = (path: string, headers = {}) => ask(address, 'DELETE', path, { headers })
    await ask(address, 'PUT', '/gone.rpm', { body: buildPackage({ name: 'gone' }) })
    expect((await remove('/gone.rpm', { 'If-Match': '"other"' })).status).toBe(412)
    expect(await remove('/gone.rpm')).toMatchObject({ status: 200, body: 'deleted gone.rpm\n' })
    expect(await contentOf(opened, 'gone.rpm')).toBeUndefined()
    expect((await remove('/gone.rpm')).status).toBe(404)
    await opened.store.put(`${opened.prefix}repodata/repomd.xml.asc`, Buffer.from('kept'), { if: 'always' })
    expect((await remove('/repodata/repomd.xml.asc')).status).toBe(403)
    expect((await remove('/x/')).status).toBe(403)
  })

  it('answers when it is published, or says that it is not yet', async () => {
    const opened = await openDoor(name, { limits: { ...limits, waitMs: 60_000 } })
    const { store, prefix } = opened
    const body = buildPackage({ name: 'waits' })
    const path = '/waiting/waits.rpm?wait=1'
    const answering = ask(opened.door.address, 'PUT', path, { body })
    const key = `${prefix}waiting/waits.rpm`
    while ((await store.head(key)) === undefined) await new Promise(setImmediate)
    const never = new AbortController().signal
    const publish = () =>
      reconcile({ store, root: parseRepositoryRoot(`${prefix}waiting`) }, new Set([key]), contextFor(never))
    await publish()
    expect(await answering).toMatchObject({ status: 201, body: expect.stringMatching(/\npublished\n$/) })
    const removing = ask(opened.door.address, 'DELETE', '/waiting/waits.rpm', { headers: { Prefer: 'wait=60' } })
    while ((await store.head(key)) !== undefined) await new Promise(setImmediate)
    await publish()
    expect(await removing).toMatchObject({ status: 200, body: 'deleted waiting/waits.rpm\npublished\n' })
    const hasty = await openDoor(name)
    expect(await ask(hasty.door.address, 'PUT', '/waiting/late.rpm?wait=1', { body })).toMatchObject({
      status: 504,
      body: expect.stringContaining('not published yet: nobody has published it'),
    })
  })
})

describe('an upload', () => {
  const head = 'PUT /torn.rpm HTTP/1.1\r\nHost: x\r\n'

  it.each([
    ['ends before its time', `${head}Content-Length: 1000\r\n\r\nhalf`],
    ['ends in the middle of a chunk', `${head}Transfer-Encoding: chunked\r\n\r\n100\r\nhalf`],
    ['has no last chunk', `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`],
    ['has a chunk that is none', `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n`],
  ])('that %s leaves nothing', async (_, bytes) => {
    const opened = await openDoor('a folder')
    events.length = 0
    const socket = connect(opened.door.address.port, '127.0.0.1')
    socket.write(bytes)
    // Only when it is under way: else there would be nothing to tear.
    while ((await opened.drafts()).length === 0 && !bytes.endsWith('zz\r\n')) await new Promise(setImmediate)
    socket.end()
    await text(socket).catch(() => {})
    while (!events.some(({ kind }) => kind === 'broken off')) await new Promise(setImmediate)
    expect(await contentOf(opened, 'torn.rpm')).toBeUndefined()
    expect(await opened.drafts()).toEqual([])
  })

  it('that says nothing is given up', async () => {
    const opened = await openDoor('a folder', {}, { limits: { silenceMs: 50 } })
    const socket = connect(opened.door.address.port, '127.0.0.1')
    socket.write(`${head}Content-Length: 1000\r\n\r\nhalf`)
    await once(socket, 'close')
    while ((await opened.drafts()).length > 0) await new Promise(setImmediate)
    expect(await contentOf(opened, 'torn.rpm')).toBeUndefined()
  })

  it('that trickles is given up', async () => {
    let now = 0
    const later = () => {
      now += 500
      return new Date(now)
    }
    const slow = { ...limits, bytesPerSecondMin: 1_000, slowStartMs: 1_000 }
    const opened = await openDoor('a folder', { limits: slow }, { now: later })
    const sent = open({
      ...opened.door.address,
      method: 'PUT',
      path: '/slow.rpm',
      headers: { 'Content-Length': 9_999 },
    })
    const answered = once(sent, 'response')
    const trickle = setInterval(() => sent.write('x'), 5)
    const [response] = await answered
    clearInterval(trickle)
    expect(response.statusCode).toBe(408)
    sent.destroy()
    expect(await opened.drafts()).toEqual([])
  })

  it('that is not wanted is told so before its body comes', async () => {
    const { door } = await openDoor('a folder')
    const expecting = (path: string) => {
      const headers = { Expect: '100-continue', 'Content-Length': 200_000 }
      const sent = open({ ...door.address, method: 'PUT', path, headers })
      onTestFinished(() => void sent.destroy())
      sent.flushHeaders()
      return Promise.race([
        once(sent, 'continue').then(() => 100),
        once(sent, 'response').then(([{ statusCode }]) => statusCode),
      ])
    }
    expect(await expecting('/readme.txt')).toBe(422)
    expect(await expecting('/wanted.rpm')).toBe(100)
    expect(await expecting('/wanted too.rpm'.replaceAll(' ', '%20'))).toBe(100)
    // As many as may be are under way.
    expect(await expecting('/more.rpm')).toBe(503)
  })

  it('in pieces and larger than may be is stopped in the middle', async () => {
    const opened = await openDoor('a folder')
    const sent = open({ ...opened.door.address, method: 'PUT', path: '/endless.rpm' })
    sent.on('error', () => {})
    const answered = once(sent, 'response')
    const more = setInterval(() => sent.write(Buffer.alloc(50_000)), 1)
    const [response] = await answered
    clearInterval(more)
    expect(response.statusCode).toBe(413)
    sent.destroy()
    expect(await opened.drafts()).toEqual([])
  })

  it('that is not wanted and never ends is cut off', async () => {
    const { door } = await openDoor('a folder', {}, { limits: { lingerMs: 50 } })
    const socket = connect(door.address.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('PUT /readme.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    const more = setInterval(() => socket.write('4\r\nmore\r\n'), 5)
    const answer = await text(socket).catch(() => 'torn')
    clearInterval(more)
    expect(answer).toMatch(/^(HTTP\/1\.1 422 |torn$)/)
  })

  it('of what a killed process left is cleared away after a day', async () => {
    const scratch = join(two.directory, 'left')
    await mkdir(scratch)
    await writeFile(join(scratch, 'old.upload'), 'old')
    await writeFile(join(scratch, 'mine.txt'), 'not of the door')
    await Scratch.open(scratch, new Date())
    expect(await readdir(scratch)).toEqual(['mine.txt', 'old.upload'])
    await Scratch.open(scratch, new Date(Date.now() + 25 * 3_600_000))
    expect(await readdir(scratch)).toEqual(['mine.txt'])
    expect(await readFile(join(scratch, 'mine.txt'), 'utf8')).toBe('not of the door')
  })
})

it('changes nothing where nobody has said that it may', async () => {
  const { door } = await openDoor('a folder', {}, { access: undefined })
  const body = buildPackage({ name: 'x' })
  expect((await ask(door.address, 'PUT', '/x.rpm', { body })).status).toBe(403)
  expect((await ask(door.address, 'DELETE', '/x.rpm')).status).toBe(403)
  expect((await ask(door.address, 'GET', '/')).status).toBe(200)
})
