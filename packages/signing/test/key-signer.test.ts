import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { generateKey } from 'openpgp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { GpgHome } from '../../../fixtures/gpg-home.ts'
import { openKeySigner, type Secret, SigningError } from '../src/index.ts'
import { revoked } from './signed-packages.ts'

const now = () => Date.UTC(2026, 0, 1)
const born = '20240101T000000'
const document = Buffer.from('<?xml version="1.0"?>\n<repomd/>\n')

describeWithClients(['gpg'], 'a signer by a private key', () => {
  let home: GpgHome
  beforeAll(async () => {
    home = await GpgHome.open()
  })
  afterAll(() => home.close())

  test.each([
    { kind: 'rsa2048', at: born },
    { kind: 'rsa4096', at: born },
    { kind: 'ed25519', at: born },
  ])('makes of a $kind key of gpg what gpg takes', async ({ kind, at }) => {
    const fingerprint = await home.makeKey({ userId: `${kind} <${kind}@example.com>`, kind, at, expires: '9y' })
    const signer = await openKeySigner({ key: { text: await home.exportSecret(fingerprint) }, now })
    expect(signer.describe).toMatchObject({
      fingerprint: fingerprint.toLowerCase(),
      userId: `${kind} <${kind}@example.com>`,
      expires: Math.floor(Date.UTC(2032, 11, 29) / 1000),
    })
    const signature = await signer.sign(document)
    expect(signature.toString()).toMatch(/^-----BEGIN PGP SIGNATURE-----\n\n/)

    const client = await GpgHome.open()
    try {
      await client.gpg(['--import'], { input: Buffer.from(signer.publicKey) })
      expect(await client.verify(signature, document)).toMatchObject({ code: 0 })
      expect((await client.verify(signature, Buffer.from('another'))).code).not.toBe(0)
      expect(await packetLines(client, signature)).toMatchObject([expect.stringMatching(/version 4,.*sigclass 0x00/)])
    } finally {
      await client.close()
    }
  })

  test('signs with the newest subkey that signs, also where the primary secret is not at hand', async () => {
    const userId = 'subkeys <subkeys@example.com>'
    const primary = await home.makeKey({ userId, kind: 'ed25519', usage: 'cert', at: born })
    await home.gpg(['--quick-add-key', primary, 'ed25519', 'sign', 'never'], { at: '20240201T000000' })
    await home.gpg(['--quick-add-key', primary, 'ed25519', 'sign', 'never'], { at: '20240301T000000' })
    await home.gpg(['--quick-add-key', primary, 'cv25519', 'encr', 'never'], { at: '20240401T000000' })
    for (const how of ['--export-secret-keys', '--export-secret-subkeys'] as const) {
      const signer = await openKeySigner({ key: { text: await home.exportSecret(primary, how) }, now })
      expect(signer.describe).toMatchObject({ fingerprint: primary.toLowerCase() })
      const verified = await home.verify(await signer.sign(document), document)
      expect(verified).toMatchObject({ code: 0, stderr: expect.stringMatching(new RegExp(signer.describe.keyId, 'i')) })
      const { stdout } = await home.gpg(['--with-colons', '--list-keys', primary])
      const newest = stdout
        .toString()
        .split('\n')
        .filter((line) => /^sub:.*:s:/.test(line))
        .at(-1)
      expect(newest).toContain(signer.describe.keyId.toUpperCase())
    }
  })

  test('opens a protected key with its passphrase, and says when it is missing or wrong, without showing it', async () => {
    const userId = 'locked <locked@example.com>'
    const ran = ['--quick-generate-key', userId, 'ed25519', 'sign', 'never']
    await home.run('gpg', ['--batch', '--pinentry-mode', 'loopback', '--passphrase', 'a horse', ...ran])
    const options = ['--batch', '--pinentry-mode', 'loopback', '--passphrase', 'a horse', '--armor']
    const key = { text: (await home.run('gpg', [...options, '--export-secret-keys', userId])).stdout.toString() }
    const passphraseFile = await secretFile('passphrase', 'a horse\nand a note\n', 0o600)
    const today = Date.now
    for (const passphrase of [{ text: 'a horse' }, { file: passphraseFile }]) {
      const signer = await openKeySigner({ key, passphrase, now: today })
      expect((await home.verify(await signer.sign(document), document)).code).toBe(0)
    }
    await expect(openKeySigner({ key, now: today })).rejects.toThrow(/is protected; give its passphrase/)
    const wrong = await refusal({ key, passphrase: { text: 'a donkey' }, now: today })
    expect(wrong).toMatchObject({ code: 'BAD_PASSPHRASE' })
    expect(inspect(wrong, { depth: Infinity, showHidden: true })).not.toContain('donkey')
  })

  test('refuses a file of its own that others can read, and says how to mend it', async () => {
    const text = await home.exportSecret(
      await home.makeKey({ userId: 'mode <m@example.com>', kind: 'ed25519', at: born }),
    )
    const key = { file: await secretFile('key.asc', text, 0o644) }
    const open = await refusal({ key, now })
    expect(open.code).toBe('READABLE_BY_OTHERS')
    expect(open.message).toBe(
      `the private key ${key.file} can be read by others (mode 0644); mend it with: chmod 600 ${key.file}`,
    )
    await chmod(key.file, 0o600)
    const passphrase = { file: await secretFile('passphrase', 'x', 0o640) }
    expect(await refusal({ key, passphrase, now })).toMatchObject({ code: 'READABLE_BY_OTHERS' })
    await expect(openKeySigner({ key, now })).resolves.toBeDefined()
  })

  test('shows its key by no way of printing it', async () => {
    const text = await home.exportSecret(
      await home.makeKey({ userId: 'hidden <h@example.com>', kind: 'ed25519', at: born }),
    )
    const signer = await openKeySigner({ key: { text }, now })
    const printed = `${inspect(signer, { depth: Infinity, showHidden: true, getters: true })}${JSON.stringify(signer)}${signer}`
    expect(printed).toContain(signer.describe.fingerprint)
    expect(printed).not.toMatch(/privateParams|PRIVATE|seed/)
  })

  const make =
    (name: string, kind: string, more: { usage?: 'cert'; expires?: string } = {}) =>
    async () =>
      home.exportSecret(await home.makeKey({ userId: `${name} <${name}@example.com>`, kind, at: born, ...more }))
  const openPgpJs =
    (curve: 'ed25519Legacy' | 'nistP256', v6Keys = false) =>
    async () =>
      (
        await generateKey({
          ...(v6Keys ? { type: 'curve25519' as const } : { type: 'ecc' as const, curve }),
          userIDs: [{ name: 'x' }],
          date: new Date(Date.UTC(2024, 0, 1)),
          config: { v6Keys },
        })
      ).privateKey
  const newerEd25519 = async () =>
    (await generateKey({ type: 'curve25519', userIDs: [{ name: 'x' }], date: new Date(Date.UTC(2024, 0, 1)) }))
      .privateKey

  test.each([
    [
      'Ed25519 in its newer form',
      newerEd25519,
      'UNUSABLE_KEY',
      /algorithm 27.*repokeeper key new.*gpg --quick-generate-key/,
    ],
    ['version 6', openPgpJs('ed25519Legacy', true), 'UNUSABLE_KEY', /version 6.*repokeeper key new/],
    ['ECDSA', openPgpJs('nistP256'), 'UNUSABLE_KEY', /ECDSA P-256\): not all of gpg, dnf, zypper and rpm/],
    ['DSA', make('dsa', 'dsa2048'), 'UNUSABLE_KEY', /DSA 2048\): not all of/],
    ['short RSA', make('short', 'rsa1024'), 'UNUSABLE_KEY', /RSA keys of 1024 bits are too short/],
    ['expired', make('old', 'ed25519', { expires: '1y' }), 'UNUSABLE_KEY', /expired on 2024-12-31.*--quick-set-expire/],
    ['only certifying', make('cert', 'ed25519', { usage: 'cert' }), 'UNUSABLE_KEY', /it may not sign/],
    ['revoked', () => revokedSecret(), 'UNUSABLE_KEY', /revoked: somebody else may have it/],
    [
      'public',
      async () => home.exportPublic('dsa'),
      'BAD_KEY',
      /is a public key, and the private one signs; write one with: gpg --export-secret-keys/,
    ],
    [
      'of several',
      async () => `${await home.exportSecret('old')}${await home.exportSecret('hidden')}`,
      'BAD_KEY',
      /holds \d+ keys, and one is to be chosen/,
    ],
    ['no key', async () => 'hello', 'BAD_KEY', /is no OpenPGP private key/],
    ['damaged', async () => (await home.exportSecret('old')).slice(0, 200), 'BAD_KEY', /was damaged or cut/],
  ])('refuses a key that is %s, with the way out', async (_, key, code, message) => {
    const error = await refusal({ key: { text: await key() }, now })
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(inspect(error, { depth: Infinity })).not.toMatch(/BEGIN PGP PRIVATE/)
  })

  test('refuses to sign once its key has expired', async () => {
    const text = await make('soon', 'ed25519', { expires: '1y' })()
    const clock = { now: Date.UTC(2024, 5, 1) }
    const signer = await openKeySigner({ key: { text }, now: () => clock.now })
    clock.now = Date.UTC(2025, 5, 1)
    await expect(signer.sign(document)).rejects.toThrow(/expired on 2024-12-31/)
  })

  async function secretFile(name: string, text: string, mode: number): Promise<string> {
    const path = join(home.folder, name)
    await writeFile(path, text)
    await chmod(path, mode)
    return path
  }

  async function revokedSecret(): Promise<string> {
    const at = '20200101T000000'
    const fingerprint = await home.makeKey({ userId: 'gone <gone@example.com>', kind: 'ed25519', at })
    const other = await GpgHome.open()
    try {
      await other.gpg(['--import'], { input: Buffer.from(await home.exportSecret(fingerprint)) })
      await other.gpg(['--import'], { input: Buffer.from(await revoked(home, fingerprint, 'stolen')) })
      return await other.exportSecret(fingerprint)
    } finally {
      await other.close()
    }
  }
})

async function refusal(options: { key: Secret; passphrase?: Secret; now: () => number }): Promise<SigningError> {
  const error: unknown = await openKeySigner(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof SigningError)) throw new Error(`no refusal: ${String(error)}`)
  return error
}

/** What gpg says a signature is made of: one line a packet. */
async function packetLines(home: GpgHome, signature: Uint8Array): Promise<string[]> {
  const { stdout } = await home.gpg(['--list-packets'], { input: signature })
  const text = stdout.toString()
  return text
    .split(/^:/m)
    .slice(1)
    .map((packet) => packet.replaceAll(/\s+/g, ' '))
}
