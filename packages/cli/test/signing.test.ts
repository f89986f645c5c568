/** Commands that publish, with a key and without: what they do to the signature, and what they say. */
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Ran, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const passphrase = 'the tide is out'
let foo = ''
let bar = ''
beforeAll(async () => {
  foo = await place().rpm({ name: 'foo' })
  bar = await place().rpm({ name: 'bar' })
  await writeFile(at('word'), `${passphrase}\n`, { mode: 0o600 })
  const args = [
    '--user-id',
    'Harbour <harbour@example.com>',
    '--kind',
    'ed25519',
    '--passphrase',
    'word',
    '-o',
    'key.asc',
  ]
  expect(await run('key', 'new', ...args)).toMatchObject({ code: 0 })
})

const withKey = ['--sign-key', 'key.asc', '--sign-passphrase', 'word']

test('what a key has signed is published to with the key, or with --unsigned, and not by accident', async () => {
  await mkdir(at('repo'))
  expect(await run('add', 'repo', foo, ...withKey)).toMatchObject({ code: 0, stderr: '' })
  expect(await signatureFiles('repo')).toEqual(['repomd.xml.asc', 'repomd.xml.key'])
  const before = await readFile(at('repo/repodata/repomd.xml'))

  for (const command of [
    ['add', 'repo', bar],
    ['remove', 'repo', 'foo-1.0-1'],
    ['rebuild', 'repo'],
  ]) {
    const refused = await run(...command)
    expect({ command, code: refused.code }).toEqual({ command, code: 1 })
    expect(refused.stderr).toContain('its metadata is signed (repodata/repomd.xml.asc), and no key was given')
    expect(refused.stderr).toContain('give the key (--sign-key), or --unsigned')
    expect(await readFile(at('repo/repodata/repomd.xml'))).toEqual(before)
    // Before anything was added or deleted.
    expect((await readdir(at('repo'))).filter((file) => file.endsWith('.rpm'))).toEqual([foo])
  }

  const environment = { REPOKEEPER_SIGN_KEY: 'key.asc', REPOKEEPER_SIGN_PASSPHRASE: 'env:WORD', WORD: passphrase }
  expect(await place().repokeeper('rebuild', 'repo', { environment })).toMatchObject({ code: 0, stderr: '' })
  expect(await run('verify', 'repo', '--key', 'key.pub.asc')).toMatchObject({ code: 0 })

  expect(await run('rebuild', 'repo', '--unsigned')).toMatchObject({ code: 0, stderr: '' })
  expect(await signatureFiles('repo')).toEqual(['repomd.xml.key'])
  expect(await run('rebuild', 'repo')).toMatchObject({ code: 0 })
})

test('what plan and audit say to do next names the key and the policy that were given, or that a key is wanted', async () => {
  await mkdir(at('next'))
  await run('add', 'next', foo, ...withKey)
  await copyFile(at(bar), at(`next/${bar}`))
  const keyless = '"repokeeper audit next --repair --sign-key KEY"'
  expect((await run('plan', 'next')).stderr).toContain(
    `${keyless} brings it into line now (KEY is what signs it: a file`,
  )
  expect((await run('audit', 'next')).stderr).toContain(`${keyless} mends `)
  const environment = { REPOKEEPER_SIGN_KEY: 'key.asc', REPOKEEPER_SIGN_PASSPHRASE: 'word' }
  const said = (await place().repokeeper('plan', 'next', { environment })).stderr
  expect(said).toContain('"repokeeper audit next --repair" brings')
  const found = await run('audit', 'next', ...withKey, '--package-policy', 'any', '--compression', 'zstd')
  const [, advice = ''] = /"repokeeper ([^"]*)" mends this/.exec(found.stderr) ?? []
  expect(advice).toBe(
    'audit next --repair --compression zstd --sign-key key.asc --sign-passphrase word --package-policy any',
  )
  expect(await run(...advice.split(' '))).toMatchObject({ code: 0 })
  const signatures = ['--signatures', '--keyring', 'key.pub.asc']
  const untrusted = await run('audit', 'next', ...signatures, ...withKey)
  expect(untrusted.stderr).toContain(
    '"repokeeper audit next --signatures --repair --sign-key key.asc --sign-passphrase word --keyring key.pub.asc" mends',
  )
})

test('an audit finds a signature that is wrong or is not there, and mends it with the key', async () => {
  await mkdir(at('audited'))
  await run('add', 'audited', foo, ...withKey)
  await copyFile(at('key.pub.asc'), at('audited/repodata/repomd.xml.asc'))
  expect((await run('audit', 'audited')).stdout).toContain('it is signed, and no key was given (--sign-key)')
  expect(await run('audit', 'audited', ...withKey)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('the signature is not of this repomd.xml by the key that was given'),
  })
  expect(await run('audit', 'audited', '--repair', ...withKey)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('repomd.xml was signed'),
  })
  expect(await run('verify', 'audited', '--key', 'key.pub.asc')).toMatchObject({ code: 0 })
})

describe('a key that cannot be used', () => {
  test.each([
    [['add', 'fresh', 'PACKAGE', '--sign-key', 'absent.asc'], 1, 'the private key absent.asc cannot be read'],
    [['rebuild', 'fresh', '--sign-key', 'key.asc'], 1, 'key.asc is protected; give its passphrase'],
    // As key new writes it, for everybody to read.
    [['rebuild', 'fresh', '--sign-key', 'key.pub.asc'], 1, 'key.pub.asc is a public key, and the private one signs'],
    [['rebuild', 'fresh', '--sign-key', 'key.asc', '--unsigned'], 2, '--unsigned and a key to sign with'],
    [['audit', 'fresh', '--sign-command', 'gpg'], 2, '--sign-command needs --sign-public-key'],
    [['worker', '-q', 'x', '--sign-key', 'open.asc'], 1, 'open.asc can be read by others (mode 0644)'],
    [['worker', '-q', 'x', '--sign-key', 'key.asc'], 1, 'key.asc is protected; give its passphrase'],
    [['worker', '-q', 'x', '--sign-next-from', 'soon'], 2, 'there is something to sign with, but no key'],
  ])('ends %j before anything is done', async (args, code, message) => {
    await mkdir(at('fresh'), { recursive: true })
    await copyFile(at('key.asc'), at('open.asc'))
    await chmod(at('open.asc'), 0o644)
    const ran = await run(...args.map((arg) => (arg === 'PACKAGE' ? foo : arg)))
    expect(ran).toMatchObject({ code, stderr: expect.stringContaining(message) })
    expect(await readdir(at('fresh'))).toEqual([])
  })
})

/** Nothing that it prints holds a secret, whatever happens. */
async function run(...args: readonly string[]): Promise<Ran> {
  const ran = await place().repokeeper(...args)
  const key = await readFile(at('key.asc'), 'utf8').catch(() => '')
  const secrets = [passphrase, 'PRIVATE KEY', ...key.split('\n').filter((line) => line.length > 40)]
  for (const secret of secrets) expect(`${ran.stdout}${ran.stderr}`).not.toContain(secret)
  return ran
}

async function signatureFiles(repo: string): Promise<string[]> {
  return (await readdir(at(`${repo}/repodata`))).filter((name) => /^repomd\.xml\./.test(name)).sort()
}

function at(name: string): string {
  return join(place().directory, name)
}
