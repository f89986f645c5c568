import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { DirectoryStore } from '@repokeeper/object-store'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Asked, Door, hashPassword, hashToken, newToken, parseUsers, UserAccess, type Verb } from '../src/index.ts'

const hash = await hashPassword('pässword:with a colon')
const token = newToken()

const file = `
users:
  - name: ci
    password: ${hash}
    may:
      - { verbs: [read, write], path: /el9/ }
      - { verbs: [read] }
  - name: robot
    token: ${hashToken(token)}
    may: [{ verbs: [read, write, delete], path: fedora }]
`

function open(verbs: readonly Verb[] = []) {
  let now = 0
  const access = new UserAccess({ users: parseUsers(file, 'users.yaml'), open: new Set(verbs), now: () => now })
  const ask = async (authorization: string | undefined, verb: Verb, path: string, from = '192.0.2.1') => {
    const asked: Asked = { verb, path, headers: authorization === undefined ? {} : { authorization }, from }
    return (await access.admit(asked)).kind
  }
  const goOn = (milliseconds: number): void => {
    now += milliseconds
  }
  return { access, ask, goOn }
}

const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
const ci = basic('ci', 'pässword:with a colon')

describe('access by users', () => {
  const shared = open()
  it.each<[string | undefined, Verb, string, string]>([
    [ci, 'read', 'anything', 'granted'],
    [ci, 'write', 'el9/x.rpm', 'granted'],
    [ci, 'write', 'el9', 'granted'],
    [ci, 'write', 'el90/x.rpm', 'refused'],
    [ci, 'write', 'x.rpm', 'refused'],
    [ci, 'delete', 'el9/x.rpm', 'refused'],
    [`Bearer ${token}`, 'delete', 'fedora/x.rpm', 'granted'],
    [`bearer ${token}`, 'read', 'fedora/', 'granted'],
    [`Bearer ${token}`, 'read', 'el9/', 'refused'],
    [basic('robot', token), 'write', 'fedora/x.rpm', 'granted'],
    [undefined, 'read', 'fedora/', 'unknown'],
    [basic('ci', 'another'), 'read', '', 'unknown'],
    [basic('nobody', ''), 'read', '', 'unknown'],
    [basic('robot', ''), 'read', '', 'unknown'],
    ['Bearer x', 'read', '', 'unknown'],
    ['Bearer ', 'read', '', 'unknown'],
    ['Basic !!!', 'read', '', 'unknown'],
    [`Digest ${token}`, 'read', '', 'unknown'],
  ])('%s: %s %s is %s', async (authorization, verb, path, kind) => {
    // Each from an address of its own: what is wrong is counted.
    expect(await shared.ask(authorization, verb, path, `${verb} ${path} ${authorization}`)).toBe(kind)
  })

  it('lets anybody do what is open, but nobody with a wrong password', async () => {
    const { ask } = open(['read'])
    expect(await ask(undefined, 'read', 'x')).toBe('granted')
    expect(await ask(undefined, 'write', 'x')).toBe('unknown')
    expect(await ask(`Bearer ${token}`, 'read', 'el9/')).toBe('granted')
    expect(await ask(basic('ci', 'wrong'), 'read', 'x')).toBe('unknown')
  })

  it('has who guesses wait, and nobody else', async () => {
    const { ask, goOn } = open()
    for (let guess = 0; guess < 10; guess += 1) expect(await ask(`Bearer ${guess}`, 'read', '')).toBe('unknown')
    expect(await ask('Bearer another', 'read', '')).toBe('too often')
    expect(await ask(`Bearer ${token}`, 'read', 'fedora/')).toBe('too often')
    expect(await ask(`Bearer ${token}`, 'read', 'fedora/', '192.0.2.2')).toBe('granted')
    goOn(60_001)
    expect(await ask(`Bearer ${token}`, 'read', 'fedora/')).toBe('granted')
    // Who was right a moment ago need not wait for others behind the same address.
    for (let guess = 0; guess < 12; guess += 1) await ask(`Bearer ${guess}`, 'read', '')
    expect(await ask(`Bearer ${token}`, 'read', 'fedora/')).toBe('granted')
  })

  it('takes who guesses from many addresses of one network for one', async () => {
    const { ask } = open()
    const guess = (from: string) => ask('Bearer wrong', 'read', '', from)
    for (let host = 1; host <= 10; host += 1) expect(await guess(`2001:db8:1:2::${host}`)).toBe('unknown')
    expect([await guess('2001:db8:1:2::b'), await guess('2001:db8:1:3::b')]).toEqual(['too often', 'unknown'])
  })
})

it.each([
  ['no YAML', 'users: [', /no YAML, at line 1/],
  ['nothing', '', /the file: /],
  [
    'a password that is none',
    'users: [{name: a, password: secret, may: [{verbs: [read]}]}]',
    /users\.0\.password: is no hash/,
  ],
  ['neither', 'users: [{name: a, may: [{verbs: [read]}]}]', /neither a password nor a token/],
  ['no right', `users: [{name: a, token: "${hashToken('x')}", may: []}]`, /users\.0\.may/],
  ['another verb', `users: [{name: a, token: "${hashToken('x')}", may: [{verbs: [put]}]}]`, /users\.0\.may\.0\.verbs/],
  [
    'the way out',
    `users: [{name: a, token: "${hashToken('x')}", may: [{verbs: [read], path: a/../b}]}]`,
    /is no directory/,
  ],
  ['a name twice', `${file}${file.slice(file.indexOf('  - '))}`, /a name stands there twice/],
  ['a word too many', `users: [{name: a, admin: true, token: "${hashToken('x')}", may: [{verbs: [read]}]}]`, /admin/],
])('a file of users with %s is refused, and its secrets not told', (_, yaml, message) => {
  expect(() => parseUsers(yaml, 'users.yaml')).toThrow(message)
  expect(() => parseUsers(yaml, 'users.yaml')).not.toThrow(/secret/)
})

describe('a door', () => {
  const address = { host: '127.0.0.1', port: 0 }
  const options = { prefix: '', now: () => new Date(), onEvent: () => {} }

  it('says by 401, 403 and 429 what is amiss', async () => {
    const store = new DirectoryStore(tmpdir())
    const door = await Door.open(address, { ...options, store, access: open().access })
    onTestFinished(() => door.close())
    const url = `http://127.0.0.1:${door.address.port}/nothing/here`
    const ask = (authorization?: string) =>
      fetch(url, authorization === undefined ? {} : { headers: { authorization } })
    const unknown = await ask()
    expect([unknown.status, unknown.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Basic /)])
    expect((await ask(`Bearer ${token}`)).status).toBe(403)
    expect((await ask(ci)).status).toBe(404)
    for (let guess = 0; guess < 10; guess += 1) await ask('Bearer wrong')
    const late = await ask('Bearer wrong')
    expect([late.status, late.headers.get('retry-after')]).toEqual([429, '60'])
  })

  it('speaks TLS, and takes another certificate while it runs', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'repokeeper-tls-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const made = async (name: string) => {
      const at = (ending: string) => join(directory, `${name}.${ending}`)
      const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=${name}`.split(' ')
      execFileSync('openssl', [...words, '-keyout', at('key'), '-out', at('crt')], { stdio: 'ignore' })
      return { cert: await readFile(at('crt')), key: await readFile(at('key')) }
    }
    const [first, second] = [await made('first'), await made('second')]
    const store = new DirectoryStore(directory)
    const door = await Door.open(address, { ...options, store, tls: first })
    onTestFinished(() => door.close())
    const ask = (ca: Buffer, servername: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const { port } = door.address
        const from = { host: '127.0.0.1', port, path: '/first.crt', ca, servername, agent: false }
        get(from, (response) => text(response).then(resolve, reject)).once('error', reject)
      })
    expect(await ask(first.cert, 'first')).toBe(first.cert.toString())
    expect(() => door.renewTls({ ...second, key: first.key })).toThrow(/cannot be used/)
    expect(() => door.renewTls({ ...second, cert: 'none' })).toThrow(/cannot be used/)
    expect(await ask(first.cert, 'first')).toBe(first.cert.toString())
    door.renewTls(second)
    expect(await ask(second.cert, 'second')).toBe(first.cert.toString())
    await expect(ask(first.cert, 'first')).rejects.toThrow()
  })
})
