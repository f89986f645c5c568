/** WebDAV, as far as curl, cadaver and rclone speak it to a repository. */
import { execFile, spawn } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { openAccess } from '../src/index.ts'
import { openTwoStores, type TwoStores } from './two-stores.ts'
import { openWritableDoor, type WritableDoorOptions } from './writable-door.ts'

const run = promisify(execFile)
let two: TwoStores

beforeAll(async () => {
  two = await openTwoStores()
  await mkdir(join(two.directory, 'mine'))
  for (const name of ['one', 'two']) await writeFile(join(two.directory, `mine/${name}.rpm`), buildPackage({ name }))
})
afterAll(async () => {
  await two.close()
})

function open(name: string, prefix: string, options?: WritableDoorOptions) {
  return openWritableDoor(two, name, prefix, options)
}

describe.each(['a folder', 'a bucket'])('the door of %s', (name) => {
  it('tells what lies in a folder, and not of all folders below it', async () => {
    const { send } = await open(name, 'listed/')
    await send('PUT', '/x/a%20%26%20b.rpm', {}, buildPackage({ name: 'a' }))
    await send('PUT', '/x/y/c.rpm', {}, buildPackage({ name: 'c' }))
    const folder = await send('PROPFIND', '/x/', { Depth: '1' })
    expect(folder).toMatchObject({ status: 207, headers: { 'content-type': 'application/xml; charset=utf-8' } })
    const hrefs = (body: string) => [...body.matchAll(/<D:href>([^<]*)</g)].map(([, href]) => href)
    expect(hrefs(folder.body)).toEqual(['/x/', '/x/a%20%26%20b.rpm', '/x/y/'])
    expect(hrefs((await send('PROPFIND', '/x', { Depth: '0' })).body)).toEqual(['/x/'])
    const one = (await send('PROPFIND', '/x/a%20%26%20b.rpm', { Depth: '1' })).body
    expect(one).toMatch(/<D:getcontentlength>\d+<.*<D:getetag>&#34;[^"<]+&#34;<.*GMT</s)
    for (const headers of [{}, { Depth: 'infinity' }, { Depth: '2' }]) {
      expect(await send('PROPFIND', '/', headers)).toMatchObject({
        status: 403,
        body: expect.stringContaining('finite-depth'),
      })
    }
    expect((await send('PROPFIND', '/none/', { Depth: '0' })).status).toBe(404)
    expect((await send('OPTIONS', '/')).headers).toMatchObject({
      dav: '1, 2',
      allow: expect.stringContaining('PROPFIND'),
    })
  })

  it('makes folders, which are there until they are removed or filled', async () => {
    const { send } = await open(name, 'made/')
    const status = async (method: string, path: string, headers = {}) => (await send(method, path, headers)).status
    expect(await status('MKCOL', '/a/b')).toBe(409)
    expect(await status('MKCOL', '/a')).toBe(201)
    expect(await status('MKCOL', '/a/')).toBe(405)
    expect(await status('MKCOL', '/a/b/')).toBe(201)
    expect(await status('GET', '/a/b/')).toBe(200)
    expect((await send('PROPFIND', '/a', { Depth: '1' })).body).toContain('<D:href>/a/b/<')
    expect(await status('DELETE', '/a/')).toBe(403)
    expect(await status('DELETE', '/a/b/')).toBe(204)
    expect(await status('DELETE', '/a/')).toBe(204)
    expect(await status('PROPFIND', '/a/', { Depth: '0' })).toBe(404)
    for (const path of ['/.hidden', '/repodata']) expect(await status('MKCOL', path)).toBe(403)
    expect((await send('MKCOL', '/c', {}, Buffer.from('<x/>'))).status).toBe(415)
    await send('MKCOL', '/d')
    await send('PUT', '/d/x.rpm', {}, buildPackage({ name: 'x' }))
    expect(await status('DELETE', '/d/')).toBe(403)
  })

  it('moves and copies packages, and tells both ends', async () => {
    const { send, told, keys, url } = await open(name, 'moved/')
    await send('PUT', '/a.rpm', {}, buildPackage({ name: 'a' }))
    told.length = 0
    const to = (path: string, more = {}) => ({ Destination: `${url}${path}`, ...more })
    expect((await send('COPY', '/a.rpm', to('/x/b.rpm'))).status).toBe(201)
    expect((await send('MOVE', '/a.rpm', { Destination: '/c.rpm' })).status).toBe(201)
    expect(await keys()).toEqual(['c.rpm', 'x/b.rpm'])
    expect(told.map(({ key }) => key)).toEqual(['moved/x/b.rpm', 'moved/c.rpm', 'moved/a.rpm'])
    await send('PUT', '/d.rpm', {}, buildPackage({ name: 'd' }))
    expect((await send('MOVE', '/d.rpm', to('/c.rpm'))).status).toBe(412)
    for (const path of ['/../d.rpm', '/d.txt', '/.d.rpm', '/repodata/d.rpm', '/d.rpm', '']) {
      expect((await send('MOVE', '/d.rpm', to(path))).status).toBeGreaterThanOrEqual(400)
    }
    expect((await send('MOVE', '/d.rpm', { Destination: 'http://elsewhere.example/d.rpm' })).status).toBe(400)
    expect((await send('MOVE', '/none.rpm', to('/e.rpm'))).status).toBe(404)
    expect(await keys()).toEqual(['c.rpm', 'd.rpm', 'x/b.rpm'])
    const replacing = await open(name, 'moved/', { replaces: true })
    expect((await replacing.send('MOVE', '/d.rpm', { Destination: '/c.rpm', Overwrite: 'F' })).status).toBe(412)
    expect((await replacing.send('MOVE', '/d.rpm', { Destination: '/c.rpm' })).status).toBe(204)
    expect(await keys()).toEqual(['c.rpm', 'x/b.rpm'])
    const closed = await open(name, 'moved/', { access: openAccess({ writes: false }) })
    for (const method of ['MOVE', 'COPY', 'MKCOL', 'PUT', 'DELETE']) {
      expect((await closed.send(method, '/c.rpm', { Destination: '/f.rpm' })).status).toBe(403)
    }
  })
})

/** Lines that somebody types. @returns what was said */
async function cadaver(url: string, lines: readonly string[]): Promise<string> {
  const child = spawn('cadaver', [`${url}/`], {
    cwd: join(two.directory, 'mine'),
    env: { ...process.env, HOME: two.directory },
  })
  const said = Promise.all([text(child.stdout), text(child.stderr)])
  child.stdin.end([...lines, 'quit', ''].join('\n'))
  return (await said).join('')
}

describeWithClients(['cadaver'], 'cadaver', () => {
  it.each(['a folder', 'a bucket'])('makes folders, puts, moves and deletes in %s', async (name) => {
    const { url, keys } = await open(name, 'cadaver/')
    const lines = [
      'mkcol el9',
      'cd el9',
      'put one.rpm',
      'put two.rpm',
      'ls',
      'move one.rpm three.rpm',
      'delete two.rpm',
    ]
    const output = await cadaver(url, lines)
    expect(await keys(), output).toEqual(['el9/three.rpm'])
    expect(output).toMatch(/one\.rpm +\d+/)
    expect(output).not.toMatch(/failed/i)
  })

  it.each(['a folder', 'a bucket'])('locks files of %s for itself, and gives them back', async (name) => {
    const { url, keys } = await open(name, 'cadaver-locks/')
    // A name that nothing was written to yet is locked, too; the last lock is left behind.
    const output = await cadaver(url, [
      'put two.rpm',
      ...['lock one.rpm', 'put one.rpm', 'discover one.rpm', 'unlock one.rpm'],
      ...['lock two.rpm', 'delete two.rpm', 'lock one.rpm'],
    ])
    expect(output, output).not.toMatch(/failed/i)
    expect(output).toMatch(/discover one\.rpm.*Scope: exclusive {2}Type: write {2}Timeout: 600 seconds/s)
    expect(await cadaver(url, ['delete one.rpm', 'discover one.rpm'])).toMatch(/423 Locked.*Scope: exclusive/s)
    expect(await keys()).toEqual(['one.rpm'])
  })
})

describeWithClients(['rclone'], 'rclone', () => {
  it.each(['a folder', 'a bucket'])('copies to and from %s, and finds nothing to do the second time', async (name) => {
    const { url, keys } = await open(name, 'rclone/')
    const always = ['--config', join(two.directory, 'rclone.conf'), '--webdav-url', url, '--retries', '1', '-v']
    const rclone = (...words: string[]) => run('rclone', [...words, ...always], { cwd: two.directory })
    await rclone('copy', 'mine', ':webdav:el9/x86_64')
    expect(await keys()).toEqual(['el9/x86_64/one.rpm', 'el9/x86_64/two.rpm'])
    expect((await rclone('copy', '--size-only', 'mine', ':webdav:el9/x86_64')).stderr).not.toMatch(/Copied/)
    await rclone('moveto', ':webdav:el9/x86_64/one.rpm', ':webdav:el9/x86_64/three.rpm')
    await rclone('deletefile', ':webdav:el9/x86_64/two.rpm')
    await rclone('copy', ':webdav:el9', `back of ${name}`)
    expect(await readdir(join(two.directory, `back of ${name}/x86_64`))).toEqual(['three.rpm'])
  })
})
