/** Packages and keys of the years in which OpenPGP was at its third version, beside what rpmkeys says of them. */
import { SignatureTag } from '@repokeeper/rpm-parser'
import { binary, buildPackage } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { GpgHome } from '../../../fixtures/gpg-home.ts'
import { RpmKeys } from '../../../fixtures/rpm-programs.ts'
import { readKeyring, verifyPackage } from '../src/index.ts'
import { bodyOf, turned, withSignatureTags } from './change-package.ts'
import { makeOldKey } from './old-openpgp.ts'

const born = Date.UTC(1999, 0, 1) / 1000
const signed = Date.UTC(2001, 0, 1) / 1000
const key = makeOldKey('Old Times <old@example.com>', born)
const keyring = readKeyring([{ name: 'old.asc', bytes: Buffer.from(key.armored) }], Date.now())

/** As of rpm 3: no region, no digest of the payload, a signature over header and payload. */
const oldPackage = buildPackage({ name: 'x', format: 3, files: [{ path: '/usr/share/x', content: 'x' }] })
const { header, payload } = bodyOf(oldPackage)
const over = {
  header: (hash: 'MD5' | 'SHA1' | 'SHA256') => key.sign(header, hash, signed),
  both: (hash: 'MD5' | 'SHA1' | 'SHA256') => key.sign(Buffer.concat([header, payload]), hash, signed),
}
const withBoth = (hash: 'MD5' | 'SHA1' | 'SHA256', tag: number = SignatureTag.PGP) =>
  withSignatureTags(oldPackage, () => true, binary(tag, over.both(hash)))

const rows = [
  { title: 'SHA-256', bytes: withBoth('SHA256'), ours: 'signed', status: 'ok', rpm: 'OK' },
  { title: 'SHA-1', bytes: withBoth('SHA1'), ours: 'WEAK_SIGNATURE', status: 'weak', rpm: 'OK' },
  { title: 'MD5', bytes: withBoth('MD5'), ours: 'WEAK_SIGNATURE', status: 'weak', rpm: 'OK' },
  {
    title: 'a payload with one bit turned',
    bytes: turned(withBoth('SHA256'), withBoth('SHA256').length - 12),
    ...{ ours: 'BAD_DIGEST', status: 'bad', rpm: 'BAD' },
  },
  {
    title: 'the header alone signed',
    bytes: withSignatureTags(oldPackage, () => true, binary(SignatureTag.RSA, over.header('SHA256'))),
    ...{ ours: 'PAYLOAD_NOT_SIGNED', status: 'ok', rpm: 'OK' },
  },
]

describeWithClients(['gpg', 'rpmkeys'], 'a package of rpm 3', () => {
  let home: GpgHome
  let rpmKeys: RpmKeys
  beforeAll(async () => {
    home = await GpgHome.open()
    rpmKeys = await RpmKeys.open(home, [key.armored])
  })
  afterAll(() => home.close())

  test.each(rows)('$title: $ours', async ({ bytes, ours, status, rpm }) => {
    const verdict = await verifyPackage(bytes, onePiece(bodyOf(bytes).payload), { keyring, now: Date.now() })
    expect(verdict.kind === 'signed' ? 'signed' : verdict.code).toBe(ours)
    expect(verdict.signatures).toMatchObject([{ status, keyId: key.keyId }])
    const theirs = await rpmKeys.check(bytes)
    expect(theirs.signatures.map((signature) => signature.status.replace('NOTTRUSTED', 'OK'))).toEqual([rpm])
  })
})

test('what is weak counts where somebody says so', async () => {
  const policy = { keyring, now: Date.now(), acceptWeak: true }
  for (const hash of ['SHA1', 'MD5'] as const) {
    expect(await verifyPackage(withBoth(hash), onePiece(payload), policy)).toMatchObject({ kind: 'signed' })
  }
})

test('a key of that time is read with the signature over itself that it has', () => {
  expect(keyring.keys).toMatchObject([{ keyId: key.keyId, userId: 'Old Times <old@example.com>', unusable: undefined }])
  expect(keyring.notes).toEqual([])
})

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
