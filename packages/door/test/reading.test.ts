import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DirectoryStore, type FolderStore } from '@repokeeper/object-store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Door, type DoorEvent } from '../src/index.ts'
import { type Answered, ask, sendRaw } from './ask.ts'
import { openTwoStores, type TwoStores } from './two-stores.ts'

const content = '0123456789'.repeat(30)
let two: TwoStores
const doors = new Map<string, Door>()
const events: DoorEvent[] = []

beforeAll(async () => {
  two = await openTwoStores()
  const { directory, bucket, folder } = two
  const tree = join(directory, 'tree')
  for (const [store, prefix] of [
    [bucket, 'el9/'],
    [folder, ''],
  ] as const) {
    const put = (key: string, text = content) => store.put(`${prefix}${key}`, Buffer.from(text), { if: 'absent' })
    await put('a/x.rpm')
    await put('a/name with é & <b>.txt', 'odd')
    await put('a/repodata/repomd.xml', '<repomd/>')
    await put('a/repodata/0a-primary.xml.gz', 'primary')
    await put('pages/index.html', '<p>pages</p>')
    await put('empty.txt', '')
  }
  await bucket.put('secret.txt', Buffer.from('outside of the prefix'), { if: 'absent' })
  await bucket.put('el9/.repokeeper-put-1', Buffer.from('a draft'), { if: 'absent' })
  await writeFile(join(directory, 'secret.txt'), 'outside of the folder')
  await writeFile(join(tree, '.repokeeper-put-1'), 'a draft')
  await symlink(join(directory, 'secret.txt'), join(tree, 'link.txt'))
  const open = (store: FolderStore, prefix: string, more = {}) =>
    Door.open(
      { host: '127.0.0.1', port: 0 },
      { store, prefix, now: () => new Date(), onEvent: (event) => events.push(event), ...more },
    )
  doors.set('a folder', await open(folder, ''))
  doors.set('a bucket', await open(bucket, 'el9/'))
  const redirect = (key: string) => bucket.presignGet(key, { expiresSeconds: 60 })
  doors.set('a bucket that is redirected to', await open(bucket, 'el9/', { redirect }))
})
afterAll(async () => {
  for (const door of doors.values()) await door.close()
  await two.close()
})

function doorOf(name: string): Door {
  const door = doors.get(name)
  if (door === undefined) throw new Error(`there is no door of ${name}`)
  return door
}

describe.each(['a folder', 'a bucket'])('the door of %s', (name) => {
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answered> =>
    ask(doorOf(name).address, method, path, { headers })

  it('gives an object, and says what it is', async () => {
    const { status, headers, body } = await get('/a/x.rpm')
    expect({ status, body }).toEqual({ status: 200, body: content })
    expect(headers).toMatchObject({
      'content-length': '300',
      'content-type': 'application/x-rpm',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      etag: expect.stringMatching(/^"[^"]+"$/),
      'last-modified': expect.stringMatching(/ GMT$/),
    })
    expect(await get('/a/x.rpm', {}, 'HEAD')).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '300', etag: headers.etag },
    })
    expect((await get('/a/name%20with%20%C3%A9%20%26%20%3Cb%3E.txt')).body).toBe('odd')
    expect(await get('/empty.txt')).toMatchObject({ status: 200, body: '', headers: { 'content-length': '0' } })
    expect((await get('/a/repodata/repomd.xml')).headers).toMatchObject({ 'cache-control': 'no-cache' })
  })

  it.each([
    ['bytes=0-0', 206, '0', 'bytes 0-0/300'],
    ['bytes=295-', 206, '56789', 'bytes 295-299/300'],
    ['bytes=-3', 206, '789', 'bytes 297-299/300'],
    ['bytes=298-9999', 206, '89', 'bytes 298-299/300'],
    ['bytes=-9999', 206, content, 'bytes 0-299/300'],
    ['bytes=0-1,5-6', 200, content, undefined],
    ['bytes=5-4', 200, content, undefined],
    ['bytes=x', 200, content, undefined],
    ['lines=0-1', 200, content, undefined],
    ['bytes=99999999999999999999-', 200, content, undefined],
  ])('answers Range: %s with %s', async (range, status, body, contentRange) => {
    const answer = await get('/a/x.rpm', { range })
    expect({ status: answer.status, body: answer.body }).toEqual({ status, body })
    expect(answer.headers['content-range']).toBe(contentRange)
    expect(answer.headers['content-length']).toBe(String(body.length))
  })

  it.each(['bytes=300-', 'bytes=-0', 'bytes=400-500'])('has nothing at %s', async (range) => {
    expect(await get('/a/x.rpm', { range })).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */300' } })
    // RFC 9110, section 14.2: a range is of GET alone.
    expect(await get('/a/x.rpm', { range }, 'HEAD')).toMatchObject({ status: 200 })
  })

  it('heeds conditions in the order of RFC 9110', async () => {
    const { etag = '', 'last-modified': modified = '' } = (await get('/a/x.rpm')).headers
    const earlier = new Date(Date.parse(modified) - 5_000).toUTCString()
    const status = async (headers: Record<string, string>) => (await get('/a/x.rpm', headers)).status
    expect(await status({ 'if-none-match': etag })).toBe(304)
    expect(await status({ 'if-none-match': `"other", W/${etag}` })).toBe(304)
    expect(await status({ 'if-none-match': '*' })).toBe(304)
    expect(await status({ 'if-none-match': '"other"', 'if-modified-since': modified })).toBe(200)
    expect(await status({ 'if-modified-since': modified })).toBe(304)
    expect(await status({ 'if-modified-since': earlier })).toBe(200)
    expect(await status({ 'if-modified-since': 'some day' })).toBe(200)
    expect(await status({ 'if-match': etag })).toBe(200)
    expect(await status({ 'if-match': `W/${etag}` })).toBe(412)
    expect(await status({ 'if-match': '"other"', 'if-none-match': etag })).toBe(412)
    expect(await status({ 'if-unmodified-since': earlier })).toBe(412)
    expect(await status({ range: 'bytes=0-1', 'if-range': etag })).toBe(206)
    expect(await status({ range: 'bytes=0-1', 'if-range': '"other"' })).toBe(200)
    expect(await status({ range: 'bytes=0-1', 'if-range': earlier })).toBe(200)
    const unchanged = await get('/a/x.rpm', { 'if-none-match': etag })
    expect(unchanged).toMatchObject({ body: '', headers: { etag } })
    expect(unchanged.headers['content-length']).toBeUndefined()
  })

  it('shows what lies in a folder, and no file of its own', async () => {
    const top = await get('/')
    expect(top).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect([...top.body.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual(['a/', 'empty.txt', 'pages/'])
    const inner = (await get('/a/')).body
    expect(inner).toContain('<a href="name%20with%20%C3%A9%20%26%20%3Cb%3E.txt">name with é &#38; &#60;b&#62;.txt</a>')
    expect(inner).toContain('<td>300</td>')
    expect(await get('/a')).toMatchObject({ status: 301, headers: { location: '/a/' } })
    expect((await get('/pages/')).body).toBe('<p>pages</p>')
    expect(await get('/a/', {}, 'HEAD')).toMatchObject({ status: 200, body: '' })
    expect((await get('/none/')).status).toBe(404)
  })

  it.each([
    ['/../secret.txt', 400],
    ['/a/../../secret.txt', 400],
    ['/%2e%2e/secret.txt', 400],
    ['/a/%2e%2e%2fx.rpm', 400],
    ['/a%2fx.rpm', 400],
    ['/a/..%5c..%5csecret.txt', 400],
    ['/a\\x.rpm', 400],
    ['/a/x.rpm%00.txt', 400],
    ['/a/x%0d%0aSet-Cookie:%20a.rpm', 400],
    ['//a/x.rpm', 400],
    ['/a//x.rpm', 400],
    ['//example.org/', 400],
    ['/a/./x.rpm', 400],
    ['/a/x.rpm%', 400],
    ['/%ff.rpm', 400],
    ['/%c0%ae%c0%ae/secret.txt', 400],
    [`/${'x'.repeat(1_100)}`, 400],
    [`/${'x'.repeat(5_000)}`, 414],
    [`/${'x'.repeat(900)}`, 404],
    ['/.repokeeper-put-1', 404],
    ['/%2erepokeeper-put-1', 404],
    ['/secret.txt', 404],
    ['/link.txt', 404],
    ['/a/x.rpm/', 404],
    ['/a/x.rpm/y', 404],
  ])('leads nowhere by %s', async (path, status) => {
    const answer = await get(path)
    expect(answer.status).toBe(status)
    expect(answer.body).not.toMatch(/outside|draft/)
  })

  it('knows a request that came by a proxy, and refuses what is no request', async () => {
    const { address } = doorOf(name)
    const raw = (first: string, ...headers: string[]) =>
      sendRaw(address, `${[first, 'Host: x', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`)
    expect(await raw('GET http://any.example/empty.txt HTTP/1.1')).toMatch(/^HTTP\/1\.1 200 /)
    expect(await raw('GET http:/../secret.txt HTTP/1.1')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await raw('GET / HTTP/1.1', 'Transfer-Encoding: chunked', 'Content-Length: 5')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await raw('GET / HTTP/1.1', `X: ${'x'.repeat(20_000)}`)).toMatch(/^HTTP\/1\.1 431 /)
    expect(await raw('BREW / HTTP/1.1')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await get('/a/x.rpm', {}, 'PATCH')).toMatchObject({
      status: 405,
      headers: { allow: 'OPTIONS, GET, HEAD, PROPFIND' },
    })
  })
})

describe('a door that redirects', () => {
  const get = (path: string, method = 'GET') => ask(doorOf('a bucket that is redirected to').address, method, path)

  it.each(['/a/x.rpm', '/a/repodata/0a-primary.xml.gz'])('sends who asks for %s to the bucket', async (path) => {
    const { status, headers } = await get(path)
    expect({ status, cached: headers['cache-control'] }).toEqual({ status: 302, cached: 'no-store' })
    const bytes = await fetch(headers.location ?? '')
    expect(bytes.status).toBe(200)
    expect(await bytes.text()).toBe(path.endsWith('rpm') ? content : 'primary')
    expect((await get(path, 'HEAD')).status).toBe(200)
  })

  it.each(['/a/repodata/repomd.xml', '/empty.txt', '/', '/a/'])('answers itself what may change: %s', async (path) => {
    expect((await get(path)).status).toBe(200)
  })
})

it('shows a large folder page by page', async () => {
  const tree = join(two.directory, 'large')
  await mkdir(tree)
  for (let number = 0; number < 1_001; number += 1) await writeFile(join(tree, `${number + 1_000}.rpm`), '')
  const door = await Door.open(
    { host: '127.0.0.1', port: 0 },
    { store: new DirectoryStore(tree), prefix: '', now: () => new Date(), onEvent: () => {} },
  )
  const first = await ask(door.address, 'GET', '/')
  expect(first.body.match(/\.rpm<\/a>/g)).toHaveLength(1_000)
  const next = /href="(\?after=[^"]*)"/.exec(first.body)?.[1] ?? ''
  const second = await ask(door.address, 'GET', `/${next}`)
  expect([...second.body.matchAll(/href="([^"]*rpm)"/g)].map(([, href]) => href)).toEqual(['2000.rpm'])
  await door.close()
})

it('tells of each answer without what a query holds', async () => {
  events.length = 0
  await ask(doorOf('a folder').address, 'GET', '/empty.txt?token=secret')
  expect(events).toEqual([
    expect.objectContaining({ kind: 'answered', method: 'GET', path: '/empty.txt', status: 200, from: '127.0.0.1' }),
  ])
})
