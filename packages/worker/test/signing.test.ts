/** What the options say of signing: every way to be wrong has its sentence, and none of them holds a secret. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeKey, type NewKey, openCommandSigner, readKeyring, SigningError } from '@repokeeper/signing'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { readWorkerOptions } from '../src/options.ts'
import { openSigningIfSaid, type SigningSettings, wrongSigning } from '../src/signing-settings.ts'
import { type FakeSecrets, startFakeSecrets } from './fake-secrets.ts'

const passphrase = 'the tide is out'
const document = Buffer.from('<repomd/>')
let directory = ''
let key: NewKey
let next: NewKey
let locked: NewKey
let secrets: FakeSecrets
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'repokeeper-signing-'))
  const options = { kind: 'ed25519' as const, now: Date.now() - 1_000 }
  key = await makeKey({ ...options, userId: 'Now <now@example.com>' })
  next = await makeKey({ ...options, userId: 'Next <next@example.com>' })
  locked = await makeKey({ ...options, userId: 'Locked <locked@example.com>', passphrase })
  const files = {
    'key.asc': key.revealPrivateKey(),
    'next.asc': next.revealPrivateKey(),
    'locked.asc': locked.revealPrivateKey(),
    'key.pub.asc': key.publicKey,
    'next.pub.asc': next.publicKey,
    'both.asc': `${key.publicKey}${next.publicKey}`,
    'open.asc': key.revealPrivateKey(),
    'nonsense.asc': 'nonsense',
    word: `${passphrase}\n`,
    'other-word': 'the tide is in\n',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(at(name), text, { mode: 0o600 })
  await chmod(at('open.asc'), 0o644)
  secrets = await startFakeSecrets({
    'team/key': key.revealPrivateKey(),
    'team/key-binary': key.revealPrivateKey(),
    'team/empty': '',
    '/team/key': key.revealPrivateKey(),
    '/team/word': passphrase,
  })
})
afterAll(async () => {
  await secrets.close()
  await rm(directory, { recursive: true })
})
afterEach(() => vi.unstubAllEnvs())

const nextCommand = { signNextCommand: 'c', signNextPublicKey: 'p' }

describe('the options', () => {
  it.each<[Partial<SigningSettings>, string | undefined]>([
    [{}, undefined],
    [{ unsigned: true }, undefined],
    [{ signKey: 'k' }, undefined],
    [{ signKey: 'k', signNextKey: 'n', signNextFrom: '2027-01-31' }, undefined],
    [{ signKey: 'k', unsigned: true }, '--unsigned and a key to sign with: one of the two'],
    [{ signKey: 'k', signCommand: 'c', signPublicKey: 'p' }, '--sign-key and --sign-command: one of the two signs'],
    [{ signCommand: 'c' }, '--sign-command needs --sign-public-key'],
    [{ signPassphrase: 'w' }, 'there is something to sign with, but no key'],
    [{ signNextKey: 'n', signNextFrom: '2027-01-31' }, 'there is something to sign with, but no key'],
    [{ signKey: 'k', signNextKey: 'n' }, '--sign-next-key (or --sign-next-command) and --sign-next-from go together'],
    [{ signKey: 'k', signNextFrom: '2027-01-31' }, '(or --sign-next-command) and --sign-next-from go together'],
    [{ signCommand: 'c', signPublicKey: 'p', ...nextCommand, signNextFrom: '2027-01-31' }, undefined],
    [{ signKey: 'k', ...nextCommand, signNextFrom: '2027-01-31' }, undefined],
    [{ signKey: 'k', ...nextCommand }, 'and --sign-next-from go together'],
    [
      { signKey: 'k', ...nextCommand, signNextKey: 'n' },
      '--sign-next-key and --sign-next-command: one of the two follows',
    ],
    [{ signKey: 'k', signNextCommand: 'c' }, '--sign-next-command and --sign-next-public-key go together'],
    [{ signKey: 'k', signNextPublicKey: 'p' }, '--sign-next-command and --sign-next-public-key go together'],
    [nextCommand, 'there is something to sign with, but no key'],
    [{ signKey: 'k', signNextKey: 'n', signNextFrom: 'soon' }, '--sign-next-from soon: expected a day or a time'],
  ])('%j', (settings, message) => {
    const wrong = wrongSigning({ unsigned: false, ...settings })
    if (message === undefined) expect(wrong).toBeUndefined()
    else expect(wrong).toContain(message)
  })

  it('come from the environment and from YAML, too, and are judged there as well', () => {
    const read = (environment: Record<string, string>, text = '') =>
      readWorkerOptions({ flags: { queue: 'q' }, environment, file: { path: 'w.yaml', text } })
    expect(read({ REPOKEEPER_SIGN_KEY: 'k' }, 'signPassphrase: w')).toMatchObject({
      options: { signKey: 'k', signPassphrase: 'w' },
    })
    expect(read({ REPOKEEPER_UNSIGNED: 'true' }, 'signKey: k')).toEqual({
      kind: 'problems',
      problems: ['--unsigned and a key to sign with: one of the two'],
    })
  })
})

describe('a key', () => {
  it.each<[string, Partial<SigningSettings>]>([
    ['in a file', { signKey: 'key.asc' }],
    ['in a file, with its passphrase in another', { signKey: 'locked.asc', signPassphrase: 'word' }],
    ['in a variable, as its passphrase', { signKey: 'env:LOCKED', signPassphrase: 'env:WORD' }],
    ['in Secrets Manager', { signKey: 'secretsmanager:team/key' }],
    ['in Secrets Manager, as bytes', { signKey: 'secretsmanager:team/key-binary' }],
    ['in the parameter store', { signKey: 'ssm:/team/key' }],
    ['with its passphrase in the parameter store', { signKey: 'locked.asc', signPassphrase: 'ssm:/team/word' }],
  ])('%s signs', async (_, settings) => {
    const signer = await open(settings)
    expect(await signer.verify(document, await signer.sign(document))).toBe(true)
    expect(await signer.verify(Buffer.from('<other/>'), await signer.sign(document))).toBe(false)
  })

  it.each<[Partial<SigningSettings>, string]>([
    [{ signKey: 'absent.asc' }, 'absent.asc cannot be read (ENOENT); there is no such file: check the path'],
    [{ signKey: 'open.asc' }, 'open.asc can be read by others (mode 0644); mend it with: chmod 600'],
    [{ signKey: 'nonsense.asc' }, 'nonsense.asc is no OpenPGP private key'],
    [{ signKey: 'key.pub.asc' }, 'key.pub.asc is a public key'],
    [{ signKey: 'locked.asc' }, 'locked.asc is protected; give its passphrase'],
    [{ signKey: 'locked.asc', signPassphrase: 'other-word' }, 'locked.asc does not open with the passphrase'],
    [{ signKey: 'env:NOWHERE' }, 'the private key is to be in the variable NOWHERE, which is not set'],
    [{ signKey: 'env:EMPTY' }, 'the private key is to be in the variable EMPTY, which is not set'],
    [{ signKey: 'secretsmanager:absent' }, 'secretsmanager:absent cannot be had: ResourceNotFoundException'],
    [{ signKey: 'secretsmanager:team/empty' }, 'secretsmanager:team/empty is empty'],
    [{ signKey: 'ssm:/absent' }, 'ssm:/absent cannot be had: ParameterNotFound'],
    [{ signKey: 'key.asc', signPublicKey: 'next.pub.asc' }, 'does not hold the public key'],
    [{ signKey: 'key.asc', signPublicKey: 'absent.asc' }, 'the file of public keys'],
    [{ signCommand: 'exit 3', signPublicKey: 'key.pub.asc' }, 'did not sign: it ended with 3; it said nothing'],
    [{ signCommand: 'echo no card >&2; exit 1', signPublicKey: 'key.pub.asc' }, 'it said: no card'],
    [{ signCommand: 'echo rubbish', signPublicKey: 'key.pub.asc' }, 'what was printed is no armored signature'],
    [{ signCommand: 'yes', signPublicKey: 'key.pub.asc' }, 'which no signature has'],
    [{ signCommand: '/nowhere/sign', signPublicKey: 'key.pub.asc' }, 'it ended with 127'],
  ])('refuses %j', expectRefusal)

  it('that is given itself, where its place is wanted, is not told to anybody', async () => {
    await expectRefusal({ signKey: key.revealPrivateKey() }, 'the private key was given itself')
    const word = { signKey: 'env:LOCKED', signPassphrase: `/${passphrase}` }
    await expectRefusal(word, 'the file that the passphrase is to be in cannot be read')
    const command = { signCommand: `: ${passphrase}; exit 1`, signPublicKey: 'key.pub.asc' }
    await expectRefusal(command, 'the signing command did not sign: it ended with 1')
  })

  it('is given up by a program that takes too long', async () => {
    const options = { command: 'sleep 600', publicKey: { text: key.publicKey }, timeoutSeconds: 0.2, now: Date.now }
    await expect(openCommandSigner(options)).rejects.toThrow('it took longer than 0.2 s')
  })
})

describe('a key that follows', () => {
  const turning = { signKey: 'key.asc', signNextKey: 'next.asc' }

  it.each([
    ['2199-01-01', () => key],
    ['2020-01-01', () => next],
  ])('from %s on: both public keys are there, one signs', async (signNextFrom, signing) => {
    const signer = await open({ ...turning, signNextFrom })
    expect(idsIn(signer.publicKey)).toEqual([key, next].map(({ describe }) => describe.keyId))
    const alone = await open({ signKey: signing() === key ? 'key.asc' : 'next.asc' })
    expect(await alone.verify(document, await signer.sign(document))).toBe(true)
  })

  it.each(['key.pub.asc', 'both.asc'])('is announced once where the public keys are those of %s', async (file) => {
    const signer = await open({ ...turning, signNextFrom: '2199-01-01', signPublicKey: file })
    expect(idsIn(signer.publicKey)).toEqual([key, next].map(({ describe }) => describe.keyId))
  })
})

it('a key that follows signs alone from its day on, and what the first has signed is not right any more', async () => {
  const before = await open({ signKey: 'key.asc' })
  const after = await open({ signKey: 'absent.asc', signNextKey: 'next.asc', signNextFrom: '2020-01-01' })
  expect(await after.verify(document, await after.sign(document))).toBe(true)
  const turned = await open({ signKey: 'key.asc', signNextKey: 'next.asc', signNextFrom: '2020-01-01' })
  expect(await turned.verify(document, await before.sign(document))).toBe(false)
  expect(await turned.verify(document, await turned.sign(document))).toBe(true)
})

describe('a command that follows', () => {
  const program = (file: string) =>
    `'${process.execPath}' '${join(import.meta.dirname, 'signing-program.ts')}' '${at(file)}'`

  it.each(['a key', 'a command'])(
    '%s signs until its day, and it from then on; both public keys are there',
    async (first) => {
      const now =
        first === 'a key' ? { signKey: 'key.asc' } : { signCommand: program('key.asc'), signPublicKey: 'key.pub.asc' }
      const following = { signNextCommand: program('next.asc'), signNextPublicKey: 'next.pub.asc' }
      const before = await open({ ...now, ...following, signNextFrom: '2199-01-01' })
      expect(idsIn(before.publicKey)).toEqual([key, next].map(({ describe }) => describe.keyId))
      const early = await before.sign(document)
      expect([await isBy('key.asc', early), await before.verify(document, early)]).toEqual([true, true])

      const after = await open({ ...now, ...following, signNextFrom: '2020-01-01' })
      expect(idsIn(after.publicKey)).toEqual([key, next].map(({ describe }) => describe.keyId))
      const late = await after.sign(document)
      expect([await isBy('next.asc', late), await after.verify(document, late)]).toEqual([true, true])
      expect(await after.verify(document, early), 'what the first has signed is signed anew').toBe(false)
    },
  )

  it('is told of with the first, and from when on it signs instead', async () => {
    const following = { signNextCommand: program('next.asc'), signNextPublicKey: 'next.pub.asc' }
    const signer = await open({ signKey: 'key.asc', ...following, signNextFrom: '2199-01-01' })
    expect(signer.keys()).toMatchObject([
      { keyId: key.describe.keyId, signsUntil: Date.parse('2199-01-01') },
      { keyId: next.describe.keyId },
    ])
  })

  it('works on alone when the first does not sign any more, and is tried at the start like every other', async () => {
    const following = { signNextCommand: program('next.asc'), signNextPublicKey: 'next.pub.asc' }
    const gone = { signCommand: 'exit 1', signPublicKey: 'key.pub.asc' }
    const alone = await open({ ...gone, ...following, signNextFrom: '2020-01-01' })
    expect(await isBy('next.asc', await alone.sign(document))).toBe(true)
    await expectRefusal({ ...gone, ...following, signNextFrom: '2199-01-01' }, 'did not sign: it ended with 1')
    const wrong = { signKey: 'key.asc', signNextCommand: program('key.asc'), signNextPublicKey: 'next.pub.asc' }
    await expectRefusal({ ...wrong, signNextFrom: '2199-01-01' }, 'and the public key that was given has')
  })

  async function isBy(signKey: string, signature: Uint8Array): Promise<boolean> {
    return (await open({ signKey })).verify(document, signature)
  }
})

function idsIn(publicKey: Uint8Array): string[] {
  return readKeyring([{ name: 'published', bytes: publicKey }], Date.now()).keys.map(({ keyId }) => keyId)
}

async function expectRefusal(settings: Partial<SigningSettings>, message: string): Promise<void> {
  const error: unknown = await open(settings).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof SigningError)) throw error ?? new Error('it was taken')
  expect(error.message).toContain(message)
  const told = `${error.stack}${JSON.stringify(error)}`
  for (const secret of [passphrase, 'the tide is in', ...linesOf(key), ...linesOf(locked)])
    expect(told).not.toContain(secret)
}

/** Those that nobody else may see. */
function linesOf(made: NewKey): string[] {
  return made
    .revealPrivateKey()
    .split('\n')
    .filter((line) => line.length > 30 && !line.startsWith('-'))
}

async function open(settings: Partial<SigningSettings>) {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'tester')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'anything')
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1')
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', secrets.endpoint)
  vi.stubEnv('AWS_ENDPOINT_URL_SSM', secrets.endpoint)
  const environment = { LOCKED: locked.revealPrivateKey(), WORD: passphrase, EMPTY: '' }
  const io = { environment, region: 'eu-central-1' }
  const signing = await openSigningIfSaid({ unsigned: false, ...inDirectory(settings) }, io, Date.now)
  if (signing.kind !== 'signed') throw new Error(`it is ${signing.kind}`)
  return signing.signer
}

/** Names of files → their paths. */
function inDirectory(settings: Partial<SigningSettings>): Partial<SigningSettings> {
  const entries = Object.entries(settings).map(([name, value]) => {
    const isFile = typeof value === 'string' && /Key$|Passphrase$/.test(name) && !value.includes(':')
    return [name, isFile ? at(value) : value]
  })
  return Object.fromEntries(entries)
}

function at(name: string): string {
  return join(directory, name)
}
