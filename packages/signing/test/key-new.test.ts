import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { GpgHome } from '../../../fixtures/gpg-home.ts'
import { RpmKeys, signPackage } from '../../../fixtures/rpm-programs.ts'
import { readArmor } from '../src/armor.ts'
import { makeKey, type NewKey, openKeySigner } from '../src/index.ts'
import { bodyOf, openPgpTag, withSignatureTags } from './change-package.ts'
import { plainPackage } from './signed-packages.ts'

/** A minute ago, so that no client's clock takes it for a key of tomorrow. */
const now = Date.now() - 60_000
const userId = 'My packages – é <packages@example.com>'

describeWithClients(['gpg', 'rpmkeys', 'rpmsign'], 'a key that was made here', () => {
  let home: GpgHome
  beforeAll(async () => {
    home = await GpgHome.open()
  })
  afterAll(() => home.close())

  test.each([
    { kind: 'rsa4096', algorithm: '1', bits: '4096' },
    { kind: 'ed25519', algorithm: '22', bits: '255' },
  ] as const)(
    'of $kind: gpg and rpm import it, sign with it, and take what is signed',
    async ({ kind, algorithm, bits }) => {
      const key = await makeKey({ userId, kind, expiresAfterDays: 365, now })
      await home.gpg(['--import'], { input: Buffer.from(key.revealPrivateKey()) })
      const { fingerprint } = key.describe
      const { stdout } = await home.gpg(['--with-colons', '--list-secret-keys', fingerprint])
      const [, , length, number, , created, expires, , , , , uses] = stdout.toString().split(':')
      expect({ length, number, uses }).toEqual({ length: bits, number: algorithm, uses: expect.stringMatching(/sc/i) })
      expect(Number(expires) - Number(created)).toBe(365 * 86_400)
      expect(stdout.toString()).toContain(`:${userId}:`)
      expect(key.describe).toMatchObject({ userId, expires: Number(expires) })

      const rpmKeys = await RpmKeys.open(home, [key.publicKey])
      const byRpm = await rpmKeys.check(await signPackage(home, plainPackage, { fingerprint }))
      expect(byRpm).toMatchObject({ isAccepted: true, signatures: [{ status: 'OK' }] })

      const signer = await openKeySigner({ key: { text: key.revealPrivateKey() }, now: Date.now })
      const document = Buffer.from('repomd')
      expect((await home.verify(await signer.sign(document), document)).code).toBe(0)
    },
  )

  test('ends when its revocation is published', async () => {
    const key = await makeKey({ userId, kind: 'ed25519', now })
    expect(key.describe.expires).toBeUndefined()
    await home.gpg(['--import'], { input: Buffer.from(key.publicKey) })
    await home.gpg(['--import'], { input: Buffer.from(key.revocationCertificate) })
    const { stdout } = await home.gpg(['--with-colons', '--list-keys', key.describe.fingerprint])
    expect(stdout.toString()).toMatch(/^pub:r:/m)
  })

  test('signs packages as well, as rpm 4.16 and later verify them', async () => {
    const key = await makeKey({ userId, kind: 'ed25519', now })
    const signer = await openKeySigner({ key: { text: key.revealPrivateKey() }, now: Date.now })
    const armored = await signer.sign(bodyOf(plainPackage).header)
    const [signature] = readArmor(Buffer.from(armored).toString())
    if (signature === undefined) throw new Error('no signature')
    const data = signature.bytes
    const rpmKeys = await RpmKeys.open(home, [key.publicKey])
    const signed = withSignatureTags(plainPackage, () => true, openPgpTag(data), {
      tag: 267,
      type: 7,
      count: data.length,
      data,
    })
    expect(await rpmKeys.check(signed)).toMatchObject({ isAccepted: true, signatures: [{ status: 'OK' }] })
  })
})

describe('a new key', () => {
  test('opens with its passphrase only, and is not shown', async () => {
    const key: NewKey = await makeKey({ userId, kind: 'ed25519', passphrase: 'a horse', now })
    const text = key.revealPrivateKey()
    await expect(openKeySigner({ key: { text }, now: Date.now })).rejects.toMatchObject({ code: 'BAD_PASSPHRASE' })
    await openKeySigner({ key: { text }, passphrase: { text: 'a horse' }, now: Date.now })
    const printed = `${inspect(key, { depth: Infinity, showHidden: true })}${JSON.stringify(key)}`
    expect(printed).toContain(key.describe.fingerprint)
    expect(printed).not.toContain('PRIVATE KEY')
  })

  test.each(['', '   ', '<a@example.com>', 'A <nobody>', 'A\nB <a@example.com>', 'A <a@b> C', 'x'.repeat(300)])(
    'is not made for the user id %j',
    async (wrong) => {
      await expect(makeKey({ userId: wrong, kind: 'ed25519', now })).rejects.toThrow(/is no user id; write it as/)
    },
  )

  test.each([0, -1, Number.NaN, 40_000])('is not made for %d days', async (expiresAfterDays) => {
    await expect(makeKey({ userId, kind: 'ed25519', expiresAfterDays, now })).rejects.toThrow(/lasts from 1 to/)
  })
})
