/** Locks, as WebDAV clients take them (RFC 4918, class 2), and the files without bytes that some write first. */
import { once } from 'node:events'
import { request } from 'node:http'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashToken, parseUsers, UserAccess } from '../src/index.ts'
import { sendRaw } from './ask.ts'
import { openTwoStores, type TwoStores } from './two-stores.ts'
import { openWritableDoor, type WritableDoor, type WritableDoorOptions } from './writable-door.ts'

let two: TwoStores

beforeAll(async () => {
  two = await openTwoStores()
})
afterAll(async () => {
  await two.close()
})

const lockinfo = (owner = 'me') =>
  `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>${owner}</owner></lockinfo>`

/** What a test says in few words. */
function speak(door: WritableDoor) {
  const { send } = door
  const status = async (method: string, path: string, headers = {}, body?: Uint8Array | string) =>
    (await send(method, path, headers, body)).status
  return {
    ...door,
    status,
    /** `If`, with the token of the new lock. */
    async lock(path: string, headers = {}): Promise<string> {
      const answer = await send('LOCK', path, { Depth: '0', Timeout: 'Second-1800', ...headers }, lockinfo())
      expect(answer.body).toContain('<D:activelock>')
      return `(${answer.headers['lock-token']})`
    },
    unlock: (path: string, held: string, headers = {}) =>
      status('UNLOCK', path, { 'Lock-Token': held.slice(1, -1), ...headers }),
  }
}

describe.each(['a folder', 'a bucket'])('the door of %s', (name) => {
  const open = async (prefix: string, options?: WritableDoorOptions) =>
    speak(await openWritableDoor(two, name, `locks/${prefix}/`, options))

  it('keeps a name for who locks it, as davfs2 does, and stores nothing before there is something', async () => {
    const { send, lock, unlock, status, keys, url } = await open('new')
    const held = await lock('/x.rpm')
    expect(await send('HEAD', '/x.rpm')).toMatchObject({
      status: 200,
      headers: { 'content-length': '0', 'cache-control': 'no-store' },
    })
    expect((await send('PROPFIND', '/', { Depth: '1' })).body).toMatch(/x\.rpm<.*<D:getcontentlength>0</)
    expect((await send('GET', '/')).body).not.toContain('x.rpm')
    expect(await status('LOCK', '/x.rpm', {}, lockinfo())).toBe(423)
    expect(await status('PUT', '/x.rpm', { If: `<${url}/x.rpm> ${held}` }, '')).toBe(422)
    expect(await keys()).toEqual([])
    const rpm = buildPackage({ name: 'x' })
    expect(await status('PUT', '/x.rpm', {}, rpm)).toBe(423)
    expect(await status('PUT', '/x.rpm', { If: `<${url}/x.rpm> ${held}` }, rpm)).toBe(201)
    expect(await unlock('/x.rpm', held)).toBe(204)
    expect(await keys()).toEqual(['x.rpm'])
    expect((await send('GET', '/x.rpm')).headers['content-length']).toBe(String(rpm.length))
  })

  it('forgets a name that was locked and never written to', async () => {
    let now = 0
    const { lock, unlock, status } = await open('given-back', { now: () => new Date(now) })
    const held = await lock('/x.rpm')
    expect(await unlock('/x.rpm', held)).toBe(204)
    expect(await status('GET', '/x.rpm')).toBe(404)
    await lock('/y.rpm', { Timeout: 'Second-5' })
    now += 6_000
    expect(await status('GET', '/y.rpm')).toBe(404)
    expect(await status('PUT', '/y.rpm', {}, buildPackage({ name: 'y' }))).toBe(201)
    await lock('/z.rpm')
    expect(await status('DELETE', '/z.rpm')).toBe(423)
    now += 1_801_000
    expect(await status('DELETE', '/z.rpm')).toBe(404)
  })

  it('moves a name that nothing was written to yet', async () => {
    const { lock, status, url } = await open('moved')
    const held = await lock('/x.rpm')
    expect(await status('MOVE', '/x.rpm', { Destination: `${url}/y.rpm`, If: held })).toBe(201)
    expect([await status('GET', '/x.rpm'), await status('GET', '/y.rpm')]).toEqual([404, 200])
    expect(await status('PUT', '/y.rpm', {}, buildPackage({ name: 'y' }))).toBe(201)
    expect(await status('PUT', '/x.rpm', {}, buildPackage({ name: 'x' }))).toBe(201)
    await lock('/z.rpm')
    expect(await status('COPY', '/x.rpm', { Destination: '/z.rpm' })).toBe(423)
  })

  it('lets nobody change what is locked but who has the token', async () => {
    const { lock, status, send } = await open('held', { replaces: true })
    const [rpm, other] = [buildPackage({ name: 'x' }), buildPackage({ name: 'x', summary: 'other' })]
    for (const path of ['/a.rpm', '/b.rpm']) await send('PUT', path, {}, rpm)
    const held = await lock('/a.rpm')
    expect(await send('DELETE', '/a.rpm')).toMatchObject({
      status: 423,
      body: expect.stringContaining('<D:lock-token-submitted><D:href>/a.rpm</D:href></D:lock-token-submitted>'),
    })
    expect(await status('PUT', '/a.rpm', {}, other)).toBe(423)
    expect(await status('PUT', '/a.rpm', { If: '(Not <DAV:no-lock>)' }, other)).toBe(423)
    expect(await status('MOVE', '/a.rpm', { Destination: '/c.rpm' })).toBe(423)
    expect(await status('MOVE', '/b.rpm', { Destination: '/a.rpm' })).toBe(423)
    expect(await status('COPY', '/b.rpm', { Destination: '/a.rpm' })).toBe(423)
    expect(await status('COPY', '/a.rpm', { Destination: '/d.rpm' })).toBe(201)
    expect(await status('GET', '/a.rpm')).toBe(200)
    expect(await status('PUT', '/a.rpm', { If: held }, other)).toBe(200)
    expect(await status('DELETE', '/a.rpm', { If: held })).toBe(200)
    // The lock went with it.
    expect(await status('PUT', '/a.rpm', {}, rpm)).toBe(201)
  })

  it('does nothing where what "If" says does not hold', async () => {
    const { lock, status, send, url } = await open('conditions', { replaces: true })
    const rpm = buildPackage({ name: 'x' })
    const { etag = '' } = (await send('PUT', '/a.rpm', {}, rpm)).headers
    await send('PUT', '/b.rpm', {}, rpm)
    const held = await lock('/a.rpm')
    const token = held.slice(1, -1)
    const put = (condition: string) => status('PUT', '/a.rpm', { If: condition }, rpm)
    expect(await put(`(${token} [${etag}])`)).toBe(200)
    expect(await put(`(${token} ["other"])`)).toBe(412)
    expect(await put(`(${token} ["other"]) (Not <DAV:no-lock> [${etag}])`)).toBe(200)
    expect(await put(`(${token} [W/${etag}])`)).toBe(412)
    expect(await put('(<urn:uuid:00000000-0000-0000-0000-000000000000>)')).toBe(412)
    expect(await put(`<http://elsewhere.example/a.rpm> ${held}`)).toBe(412)
    expect(await put(`<${url}/b.rpm> ${held}`)).toBe(412)
    // A token that fits beside one that does not: the header holds, and the token was submitted.
    expect(await put(`<${url}/b.rpm> (Not ${token})`)).toBe(200)
    expect(await put('nonsense')).toBe(400)
    expect(await status('GET', '/b.rpm', { If: '(["other"])' })).toBe(412)
  })

  it('locks folders, and what is put into them', async () => {
    const { lock, status, send, url } = await open('folders')
    const rpm = buildPackage({ name: 'x' })
    await send('MKCOL', '/deep')
    await send('MKCOL', '/deep/a')
    await send('MKCOL', '/flat')
    const deep = await lock('/deep/', { Depth: 'infinity' })
    const flat = await lock('/flat')
    expect(await status('PUT', '/deep/a/x.rpm', {}, rpm)).toBe(423)
    expect(await status('MKCOL', '/deep/b')).toBe(423)
    expect(await status('LOCK', '/deep/a/x.rpm', {}, lockinfo())).toBe(423)
    expect(await status('DELETE', '/deep/a/')).toBe(423)
    expect(await status('PUT', '/deep/a/x.rpm', { If: `<${url}/deep/> ${deep}` }, rpm)).toBe(201)
    expect(await status('PUT', '/flat/x.rpm', {}, rpm)).toBe(423)
    expect(await status('PUT', '/flat/a/x.rpm', {}, rpm)).toBe(201)
    expect(await status('PUT', '/flat/x.rpm', { If: `</flat> ${flat}` }, rpm)).toBe(201)
    expect((await send('PROPFIND', '/deep/a/x.rpm', { Depth: '0' })).body).toContain(
      '<D:lockroot><D:href>/deep</D:href>',
    )
    await send('MKCOL', '/held')
    await lock('/held/x.rpm')
    expect(await status('DELETE', '/held/')).toBe(423)
    expect(await status('LOCK', '/', { Depth: 'infinity' }, lockinfo())).toBe(423)
  })

  it('renews a lock by its token alone', async () => {
    let now = 0
    const { lock, send, status, unlock } = await open('renewed', { now: () => new Date(now) })
    const held = await lock('/x.rpm', { Timeout: 'Second-60' })
    now += 50_000
    expect(await send('LOCK', '/x.rpm', { If: held, Timeout: 'Infinite, Second-9' })).toMatchObject({
      status: 200,
      body: expect.stringContaining('<D:timeout>Second-3600</D:timeout>'),
    })
    now += 3_599_000
    expect([await status('GET', '/x.rpm'), await status('LOCK', '/x.rpm', {}, lockinfo())]).toEqual([200, 423])
    expect(await status('LOCK', '/x.rpm')).toBe(400)
    expect(await status('LOCK', '/y.rpm', { If: held })).toBe(412)
    expect(await unlock('/x.rpm', held)).toBe(204)
    expect(await status('LOCK', '/x.rpm', { If: held })).toBe(412)
    expect(await unlock('/x.rpm', held)).toBe(409)
  })

  it('takes what macOS and Windows send: nothing, a lock, then the file', async () => {
    const { lock, send, status, unlock, keys } = await open('empty-first')
    const agents = [
      ['WebDAVFS/3.0.0 (03008000) Darwin/23.0.0', '/mac.rpm'],
      ['Microsoft-WebDAV-MiniRedir/10.0.19045', '/win.rpm'],
    ] as const
    for (const [agent, path] of agents) {
      const says = { 'User-Agent': agent }
      expect(await status('PROPFIND', path, { Depth: '0', ...says })).toBe(404)
      expect(await status('PUT', path, says)).toBe(201)
      const held = await lock(path, says)
      const times =
        '<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><Z:Win32LastModifiedTime>x</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>'
      expect(await send('PROPPATCH', path, { If: held, ...says }, times)).toMatchObject({
        status: 207,
        body: expect.stringMatching(/Win32LastModifiedTime xmlns:x="urn:schemas-microsoft-com:".* 403 Forbidden/),
      })
      expect(await status('PROPPATCH', path, says, times)).toBe(423)
      expect(await status('HEAD', path, says)).toBe(200)
      expect(await keys()).not.toContain(path.slice(1))
      expect(await status('PUT', path, { If: held, ...says }, buildPackage({ name: 'x' }))).toBe(201)
      expect(await unlock(path, held, says)).toBe(204)
      expect(await status('PUT', path, says)).toBe(409)
    }
    expect(await keys()).toEqual(['mac.rpm', 'win.rpm'])
    expect(await status('PUT', '/curl.rpm', { 'User-Agent': 'curl/8.0' })).toBe(422)
  })

  it.each<[string, string, Record<string, string>, string, number]>([
    ['what can be no package', '/readme.txt', {}, lockinfo(), 403],
    ['metadata', '/repodata/repomd.xml', {}, lockinfo(), 403],
    ['a folder that is not there', '/none/', {}, lockinfo(), 403],
    ['the way out', '/../x.rpm', {}, lockinfo(), 400],
    ['one level', '/x.rpm', { Depth: '1' }, lockinfo(), 400],
    ['for many at once', '/x.rpm', {}, lockinfo().replace('exclusive', 'shared'), 403],
    ['for something else', '/x.rpm', {}, lockinfo().replace('write', 'read'), 403],
    ['with nothing said', '/x.rpm', {}, '<lockinfo xmlns="DAV:"/>', 400],
    ['with text', '/x.rpm', {}, 'hello', 400],
    ['for a long owner', '/x.rpm', {}, lockinfo('x'.repeat(600)), 400],
    ['in a huge body', '/x.rpm', {}, lockinfo('x'.repeat(100_000)), 413],
    ['where it says that nothing is there', '/taken.rpm', { 'If-None-Match': '*' }, lockinfo(), 412],
  ])('gives no lock on %s', async (_, path, headers, body, code) => {
    const { status } = await open('refused')
    await status('PUT', '/taken.rpm', {}, buildPackage({ name: 'taken' }))
    expect(await status('LOCK', path, headers, body)).toBe(code)
    expect(await status('GET', '/x.rpm')).toBe(404)
  })
})

it('tells the properties that are asked for, and names those that are not there', async () => {
  const { send } = speak(await openWritableDoor(two, 'a folder', 'asked/'))
  await send('PUT', '/a.rpm', {}, buildPackage({ name: 'a' }))
  const ask = async (body: string) => (await send('PROPFIND', '/a.rpm', { Depth: '0' }, body)).body
  const some = await ask(
    '<propfind xmlns="DAV:"><prop><getcontentlength/><executable xmlns="http://apache.org/dav/props/"/><x xmlns=""/></prop></propfind>',
  )
  expect(some).toMatch(/<D:prop><D:getcontentlength>\d+<\/D:getcontentlength><\/D:prop><D:status>HTTP\/1.1 200 OK</)
  expect(some).toMatch(/<x:executable xmlns:x="http:\/\/apache.org\/dav\/props\/"\/><x xmlns=""\/>.*404 Not Found/)
  expect(some).not.toContain('getetag')
  expect(await ask('<propfind xmlns="DAV:"><propname/></propfind>')).toMatch(/<D:getetag\/>.*<D:supportedlock\/>/)
  expect(await ask('<propfind xmlns="DAV:"><allprop/></propfind>')).toMatch(/<D:supportedlock><D:lockentry>/)
  for (const body of ['<propfind xmlns="DAV:"/>', '<x/>', '<propfind xmlns="DAV:">']) {
    expect((await send('PROPFIND', '/a.rpm', { Depth: '0' }, body)).status).toBe(400)
  }
})

it('shows what a client calls itself as text', async () => {
  const { send } = speak(await openWritableDoor(two, 'a folder', 'owners/'))
  const href = '<href>http://example.org/&lt;me&gt;?a&amp;b</href>'
  await send('LOCK', '/a.rpm', {}, lockinfo(href))
  const seen = await send('PROPFIND', '/a.rpm', { Depth: '0' })
  expect(seen.body).toContain('<D:owner><D:href>http://example.org/&#60;me&#62;?a&#38;b</D:href></D:owner>')
})

it('lets nobody use, give back or see the lock of another', async () => {
  const users = parseUsers(
    `users:\n${['ann', 'bob'].map((one) => `  - {name: ${one}, token: "${hashToken(one)}", may: [{verbs: [read, write, delete], path: shared}]}`).join('\n')}`,
    'users.yaml',
  )
  const access = new UserAccess({ users, open: new Set(['read']), now: () => 0 })
  const { lock, status, unlock, send } = speak(await openWritableDoor(two, 'a folder', 'users/', { access }))
  const [ann, bob] = [{ Authorization: 'Bearer ann' }, { Authorization: 'Bearer bob' }]
  const rpm = buildPackage({ name: 'x' })
  const held = await lock('/shared/x.rpm', ann)
  expect(await status('PUT', '/shared/x.rpm', { ...bob, If: held }, rpm)).toBe(423)
  expect(await status('LOCK', '/shared/x.rpm', { ...bob, If: held })).toBe(412)
  expect(await unlock('/shared/x.rpm', held, bob)).toBe(403)
  const seen = async (who: Record<string, string>) =>
    (await send('PROPFIND', '/shared/x.rpm', { Depth: '0', ...who })).body
  expect(await seen(ann)).toContain('<D:locktoken>')
  expect(await seen(bob)).toMatch(/<D:activelock>(?!.*locktoken)/)
  expect(await seen({})).toMatch(/<D:activelock>(?!.*locktoken)/)
  expect(await status('LOCK', '/other/x.rpm', ann, lockinfo())).toBe(403)
  expect(await status('LOCK', '/', ann, lockinfo())).toBe(403)
  expect(await status('LOCK', '/shared/y.rpm', {}, lockinfo())).toBe(401)
  expect(await status('PUT', '/shared/x.rpm', { ...ann, If: held }, rpm)).toBe(201)
})

it('has no locks where nothing can be written', async () => {
  const { send } = speak(await openWritableDoor(two, 'a folder', 'owners/', { writes: undefined }))
  expect((await send('OPTIONS', '/')).headers.dav).toBe('1')
  expect((await send('LOCK', '/a.rpm', {}, lockinfo())).status).toBe(405)
  expect((await send('PROPFIND', '/', { Depth: '0' })).body).not.toContain('lock')
})

it('stores nothing where somebody has taken a lock while it was uploaded', async () => {
  const { url, lock, unlock, keys } = speak(await openWritableDoor(two, 'a folder', 'meanwhile/'))
  const body = buildPackage({ name: 'x' })
  const upload = (headers = {}) => {
    const sent = request(`${url}/x.rpm`, { method: 'PUT', headers: { Expect: '100-continue', ...headers } })
    const status = once(sent, 'response').then(([{ statusCode }]) => statusCode)
    sent.flushHeaders()
    return { mayGoOn: once(sent, 'continue'), end: () => sent.end(body), status }
  }
  const first = upload()
  await first.mayGoOn
  const held = await lock('/x.rpm')
  first.end()
  expect([await first.status, await keys()]).toEqual([423, []])
  // Whose lock has ended meanwhile is not sent away for that.
  const second = upload({ If: held })
  await second.mayGoOn
  await unlock('/x.rpm', held)
  second.end()
  expect([await second.status, await keys()]).toEqual([201, ['x.rpm']])
})

it('answers for a name that nothing was written to by itself, where it would send others to the bucket', async () => {
  const redirect = async () => 'http://elsewhere.example/'
  const { lock, status } = speak(await openWritableDoor(two, 'a folder', 'redirected/', { redirect }))
  expect(await status('GET', '/x.rpm')).toBe(302)
  await lock('/x.rpm')
  expect(await status('GET', '/x.rpm')).toBe(200)
})

it('gives up who begins to say what it wants, and then says nothing', async () => {
  const { url } = await openWritableDoor(two, 'a folder', 'silent/', { limits: { silenceMs: 50 } })
  for (const method of ['LOCK', 'PROPFIND', 'PROPPATCH']) {
    const head = `${method} /x.rpm HTTP/1.1\r\nHost: x\r\nDepth: 0\r\nContent-Length: 1000\r\n\r\n<`
    const { hostname, port } = new URL(url)
    expect(await sendRaw({ host: hostname, port: Number(port) }, head)).toBe('')
  }
})
