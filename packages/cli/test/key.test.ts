/** The keys that the program makes, shows and changes, beside gpg. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const Facts = z.object({
  fingerprint: z.string(),
  files: z.object({ privateKey: z.string(), publicKey: z.string(), revocation: z.string() }),
})
const userId = 'Harbour packages <packages@harbour.example>'

/** Of the kind that is quick to make. */
async function made(output: string, ...more: readonly string[]): Promise<z.output<typeof Facts>> {
  const args = ['--user-id', userId, '--kind', 'ed25519', '--output', output, ...more]
  const { code, stdout, stderr } = await place().repokeeper('key', 'new', ...args, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return Facts.parse(JSON.parse(stdout))
}

describe('key new', () => {
  it('writes three files, of which two are for nobody else to read', async () => {
    const { files } = await made('three/')
    expect(await readdir(join(place().directory, 'three'))).toEqual([
      'signing-key.asc',
      'signing-key.pub.asc',
      'signing-key.revocation.asc',
    ])
    expect((await stat(files.privateKey)).mode & 0o777).toBe(0o600)
    expect((await stat(files.revocation)).mode & 0o777).toBe(0o600)
    expect((await stat(files.publicKey)).mode & 0o777).toBe(0o644)
    expect((await stat(join(place().directory, 'three'))).mode & 0o777).toBe(0o700)
  })

  it.each(['over.asc', 'over.pub.asc', 'over.revocation.asc'])('writes nothing where %s is there', async (name) => {
    const directory = join(place().directory, `over ${name}`)
    await mkdir(directory)
    await writeFile(join(directory, name), 'precious')
    const args = ['key', 'new', '--user-id', userId, '-o', join(directory, 'over.asc')]
    const { code, stdout, stderr } = await place().repokeeper(...args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(`${name} is there already, and is not written over`)
    expect(await readdir(directory)).toEqual([name])
    expect(await readFile(join(directory, name), 'utf8')).toBe('precious')
  })

  it('prints the fingerprint, the options and the lines of the .repo file, and no private key', async () => {
    const args = ['--user-id', userId, '--kind', 'ed25519', '-o', 'told.asc', '--passphrase', 'env:WORD']
    const environment = { WORD: 'the tide is out' }
    const { stdout } = await place().repokeeper('key', 'new', ...args, { environment })
    expect(stdout).toMatch(/^fingerprint +([0-9A-F]{4} ){9}[0-9A-F]{4}$/m)
    expect(stdout).toMatch(/^repokeeper worker -q QUEUE --sign-key \S+told\.asc --sign-passphrase env:WORD$/m)
    expect(stdout).toMatch(/^repo_gpgcheck=1\ngpgkey=BASEURL\/repodata\/repomd\.xml\.key$/m)
    expect(stdout).not.toMatch(/the tide is out|BEGIN PGP/)
    const signed = await place().repokeeper('rebuild', '.', '--sign-key', 'told.asc')
    expect(signed).toMatchObject({ code: 1, stderr: expect.stringContaining('told.asc is protected') })
  })

  it.each([
    [['--user-id', 'x <'], 1, /is no user id; write it as/],
    [['--user-id', userId, '--expires', 'soon'], 2, /Expected a time such as 90d, 12w, 18m or 3y, or never/],
    [['--user-id', userId, '--expires', '900y'], 1, /a key lasts from 1 to 36500 days/],
    [['--user-id', userId, '--kind', 'dsa'], 2, /Allowed choices are rsa4096, ed25519/],
    [['--user-id', userId, '--passphrase', 'env:NOWHERE'], 1, /the variable NOWHERE, which is not set/],
    [['--user-id', userId, '--passphrase', 'empty'], 1, /the passphrase empty is empty/],
  ])('refuses %j', async (args, code, message) => {
    await writeFile(join(place().directory, 'empty'), '\n', { mode: 0o600 })
    const ran = await place().repokeeper('key', 'new', '-o', 'refused.asc', ...args)
    expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
  })
})

describeWithClients(['gpg'], 'gpg', () => {
  it('reads the key, opens it with its passphrase, and takes its revocation', async () => {
    await writeFile(join(place().directory, 'word'), 'the tide is out\n', { mode: 0o600 })
    const { files, fingerprint } = await made('for-gpg.asc', '--expires', '2y', '--passphrase', 'word')
    const home = join(place().directory, 'gpg')
    await mkdir(home, { mode: 0o700 })
    const gpg = async (...args: readonly string[]) =>
      (await promisify(execFile)('gpg', ['--homedir', home, '--batch', '--with-colons', ...args])).stdout
    await gpg('--import', files.privateKey)
    const [row = ''] = (await gpg('--list-secret-keys')).split('\n').filter((line) => line.startsWith('sec:'))
    const [, , , algorithm, keyId, created, expires] = row.split(':')
    expect({ algorithm, keyId }).toEqual({ algorithm: '22', keyId: fingerprint.slice(-16).toUpperCase() })
    expect(Number(expires) - Number(created)).toBe(2 * 365 * 86_400)
    const sign = ['--pinentry-mode', 'loopback', '--passphrase', 'the tide is out', '--detach-sign', '--armor']
    await gpg(...sign, '--output', join(home, 'signature'), files.publicKey)
    await gpg('--verify', join(home, 'signature'), files.publicKey)
    await gpg('--import', files.revocation)
    expect(await gpg('--list-keys')).toMatch(/^pub:r:/m)
    await promisify(execFile)('gpgconf', ['--homedir', home, '--kill', 'all'])
  })
})

describe('key show', () => {
  it('shows of a private key its public part, of a repository what lies beside its metadata, over the web too', async () => {
    const { fingerprint } = await made('shown.asc')
    await mkdir(join(place().directory, 'shown'))
    await place().repokeeper('rebuild', 'shown', '--sign-key', 'shown.asc')
    const key = await readFile(join(place().directory, 'shown/repodata/repomd.xml.key'))
    const server = createServer((request, response) => {
      const isThere = ['/el9/repodata/repomd.xml.key', '/RPM-GPG-KEY'].includes(request.url ?? '')
      response.writeHead(isThere ? 200 : 404).end(isThere ? key : 'nothing')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const web = `http://127.0.0.1:${port}`
      for (const source of ['shown.asc', 'shown.pub.asc', 'shown', `${web}/el9/`, `${web}/el9`, `${web}/RPM-GPG-KEY`]) {
        const { code, stdout } = await place().repokeeper('key', 'show', source, '--json')
        expect({ source, code }).toEqual({ source, code: 0 })
        expect(JSON.parse(stdout)).toMatchObject({ keys: [{ fingerprint, kind: 'Ed25519', userId, signs: true }] })
      }
      const absent = await place().repokeeper('key', 'show', `${web}/absent`)
      expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining('has no repodata/repomd.xml.key') })
    } finally {
      server.close()
    }
  })

  it('warns of what is over soon, and of a kind that not all clients read', async () => {
    await made('soon.asc', '--expires', '30d')
    const { code, stdout, stderr } = await place().repokeeper('key', 'show', 'soon.pub.asc')
    expect({ code, lines: stdout.trim().split('\n').length }).toEqual({ code: 0, lines: 1 })
    expect(stderr).toMatch(/^warning: [0-9a-f]{16} expires on \S+: clients refuse everything that is signed later/m)
    expect(stderr).toMatch(/^warning: [0-9a-f]{16} is an Ed25519 key, which RHEL 7 cannot read/m)
  })

  it('says what is no key', async () => {
    await writeFile(join(place().directory, 'nonsense.asc'), 'nonsense')
    await chmod(join(place().directory, 'nonsense.asc'), 0o600)
    const told = async (source: string) => (await place().repokeeper('key', 'show', source)).stderr
    expect(await told('nonsense.asc')).toMatch(/nonsense\.asc (holds no public key|is no file of OpenPGP keys)/)
    expect(await told('absent.asc')).toContain('there is neither a file nor a directory absent.asc')
    expect(await told('.')).toContain('its metadata is not signed by repokeeper')
  })
})

describe('key rotate', () => {
  it('is told by key show of the repository: which key signs now, and which follows', async () => {
    await made('old.asc')
    await made('young.asc')
    await mkdir(join(place().directory, 'rotating'))
    const next = ['--sign-next-key', 'young.asc', '--sign-next-from', '2199-01-31']
    await place().repokeeper('rebuild', 'rotating', '--sign-key', 'old.asc', ...next)
    const { stdout } = await place().repokeeper('key', 'show', 'rotating')
    expect(stdout).toMatch(/^key .* signs now +Harbour.*\nkey .* follows +Harbour.*\n$/)
    const { keys } = JSON.parse((await place().repokeeper('key', 'show', 'rotating', '--json')).stdout)
    expect(keys).toMatchObject([{ use: 'signs now' }, { use: 'follows' }])
  })

  it('makes the next key for the same user, and says which options go where, and until when', async () => {
    await made('now.asc')
    const args = ['now.pub.asc', '--kind', 'ed25519', '--from', '2199-01-31', '-o', 'next.asc']
    const { code, stdout } = await place().repokeeper('key', 'rotate', ...args)
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^signs now .*${userId}\nfrom 2199-01-31 .*${userId}$`, 'm'))
    const options = '--sign-next-key \\S+/next\\.asc --sign-next-from 2199-01-31'
    expect(stdout).toMatch(new RegExp(`^# Now: .*\n${options}$`, 'm'))
    expect(stdout).toMatch(/^--sign-key \S+\/next\.asc --sign-public-key \S+\/next\.with-previous\.asc$/m)
    const both = await place().repokeeper('key', 'show', 'next.with-previous.asc', '--json')
    expect(JSON.parse(both.stdout).keys).toHaveLength(2)
  })

  it('fills in what it knows: the repository, and the key that signs now', async () => {
    // The repository and the keys of the tests before.
    const environment = { REPOKEEPER_SIGN_KEY: 'old.asc' }
    const args = ['rotating', '--next-key', 'now.asc', '--from', '2199-01-31', '-o', 'filled-in.asc']
    const { stdout } = await place().repokeeper('key', 'rotate', ...args, { environment })
    expect(stdout).toMatch(/^repokeeper rebuild rotating --sign-key old\.asc --sign-next-key now\.asc /m)
    expect(stdout).not.toMatch(/\b(REPO|OLD)\b/)
  })

  it('takes a key that is there, and refuses what would leave a gap', async () => {
    await made('present.asc', '--expires', '20d')
    await made('taken.asc')
    const rotate = (...args: readonly string[]) => place().repokeeper('key', 'rotate', 'present.pub.asc', ...args)
    const week = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10)
    const taken = await rotate('--next-key', 'taken.asc', '--from', week, '-o', 'taken-both.asc', '--json')
    expect(JSON.parse(taken.stdout)).toMatchObject({ nextKey: 'taken.asc', from: `${week}T00:00:00.000Z` })
    const refusals: readonly (readonly [readonly string[], RegExp])[] = [
      [['--next-key', 'taken.asc', '--from', week, '-o', 'taken-both.asc'], /taken-both\.asc is there already/],
      [['--next-key', 'present.asc', '--from', week, '-o', 'x'], /is one of the keys of present\.pub\.asc already/],
      [['--from', '2020-01-01', '-o', 'x'], /--from 2020-01-01 is not ahead/],
      [['-o', 'x'], /expires on \S+, before --from/],
      [['--from', week, '--expires', '3d', '-o', 'x'], /the next key expires on \S+, before it is to sign/],
      [['--from', 'some day', '-o', 'x'], /Expected a day or a time/],
    ]
    for (const [args, message] of refusals) {
      const { code, stderr } = await rotate(...args)
      expect(code).not.toBe(0)
      expect(stderr).toMatch(message)
    }
    expect(await readdir(place().directory)).not.toContain('x')
  })
})
