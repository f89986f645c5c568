/**
 * What is said of packages that real rpmsign has signed, beside what rpmkeys says of them. Where the two differ the table says so: the
 * parser within rpm 4 looks neither at the time nor at the strength of a key, which newer rpm does, and so does this.
 */
import { parsePackage, SignatureTag } from '@repokeeper/rpm-parser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { RpmKeys, signPackage } from '../../../fixtures/rpm-programs.ts'
import { type Keyring, type PackageVerdict, readKeyring, verifyPackage } from '../src/index.ts'
import { bodyOf, openPgpTag, signatureBytes, turned, withSignatureTags } from './change-package.ts'
import { type KeyShop, openKeyShop, plainPackage, signingDay, today } from './signed-packages.ts'

interface Row {
  readonly title: string
  readonly make: (shop: KeyShop) => Promise<Uint8Array> | Uint8Array
  /** `signed`, or the code of the refusal. */
  readonly verdict: string
  /** Of each signature in the order of the verdict. */
  readonly statuses: readonly string[]
  /** What rpmkeys says of the same ones; newer rpm says NOTTRUSTED where rpm's own parser says OK. Absent: rpm 4 does not know them. */
  readonly rpm?: readonly string[]
  /** Whether rpmkeys -K accepts the package, where that is something else than we do. */
  readonly rpmAccepts?: boolean
  readonly reason?: RegExp
}

type Name = keyof KeyShop['fingerprints']

const signedBy =
  (name: Name, wish: { v3?: boolean; at?: string; hash?: string } = {}) =>
  ({ home, fingerprints }: KeyShop): Promise<Uint8Array> => {
    const key = JSON.stringify([name, wish])
    const made =
      signed.get(key) ?? signPackage(home, plainPackage, { fingerprint: fingerprints[name], at: signingDay, ...wish })
    signed.set(key, made)
    return made
  }

/** Each is signed once. */
const signed = new Map<string, Promise<Uint8Array>>()

const onlyPayloadSignature = (bytes: Uint8Array) =>
  withSignatureTags(bytes, (tag) => tag !== SignatureTag.RSA && tag !== SignatureTag.DSA)

const onlySignatures = (bytes: Uint8Array) =>
  withSignatureTags(bytes, (tag) => ([SignatureTag.RSA, SignatureTag.PGP] as readonly number[]).includes(tag))

const rows: readonly Row[] = [
  { title: 'RSA 2048', make: signedBy('rsa2048'), verdict: 'signed', statuses: ['ok'], rpm: ['OK'] },
  { title: 'RSA 4096', make: signedBy('rsa4096'), verdict: 'signed', statuses: ['ok'], rpm: ['OK'] },
  {
    title: 'RSA with SHA-512',
    make: signedBy('rsa2048', { hash: 'SHA512' }),
    verdict: 'signed',
    statuses: ['ok'],
    rpm: ['OK'],
  },
  { title: 'Ed25519 (22)', make: signedBy('ed25519'), verdict: 'signed', statuses: ['ok'], rpm: ['OK'] },
  { title: 'DSA 2048', make: signedBy('dsa2048'), verdict: 'signed', statuses: ['ok'], rpm: ['OK'] },
  {
    title: 'a signing subkey',
    make: signedBy('subkey'),
    verdict: 'signed',
    statuses: ['ok'],
    rpm: ['OK'],
    reason: /subkey/,
  },
  {
    title: 'over header, and over header and payload',
    make: signedBy('rsa2048', { v3: true }),
    ...{ verdict: 'signed', statuses: ['ok', 'ok'], rpm: ['OK', 'OK'] },
  },
  {
    title: 'over header and payload, by Ed25519',
    make: async (shop) => onlyPayloadSignature(await signedBy('ed25519', { v3: true })(shop)),
    ...{ verdict: 'signed', statuses: ['ok'], rpm: ['OK'] },
  },
  {
    title: 'over header and payload alone, by RSA',
    make: async (shop) => onlyPayloadSignature(await signedBy('rsa4096', { v3: true })(shop)),
    ...{ verdict: 'signed', statuses: ['ok'], rpm: ['OK'] },
  },
  { title: 'not signed', make: () => plainPackage, verdict: 'UNSIGNED', statuses: [], rpm: [], rpmAccepts: false },
  {
    title: 'a key that is not in the keyring',
    make: signedBy('stranger'),
    ...{ verdict: 'UNKNOWN_KEY', statuses: ['unknown-key'], rpm: ['NOKEY'] },
  },
  {
    title: 'an expired key, before it expired',
    make: signedBy('expired', { at: '20200601T000000' }),
    ...{ verdict: 'signed', statuses: ['ok'], rpm: ['OK'] },
  },
  {
    title: 'an expired key, after it had expired',
    make: signedBy('expired', { at: '20220601T000000' }),
    ...{ verdict: 'KEY_EXPIRED', statuses: ['key-expired'], rpm: ['OK'], rpmAccepts: true },
    reason: /expired on 2020-12-31/,
  },
  {
    title: 'a stolen key, before it was revoked',
    make: signedBy('stolen', { at: '20220601T000000' }),
    ...{ verdict: 'KEY_REVOKED', statuses: ['key-revoked'], rpm: ['OK'], rpmAccepts: true },
    reason: /somebody else may have it/,
  },
  {
    title: 'a retired key, before it was revoked',
    make: signedBy('retired', { at: '20220601T000000' }),
    ...{ verdict: 'signed', statuses: ['ok'], rpm: ['OK'] },
  },
  {
    title: 'a retired key, after it was revoked',
    make: signedBy('retired', { at: '20230601T000000' }),
    ...{ verdict: 'KEY_REVOKED', statuses: ['key-revoked'], rpm: ['OK'], rpmAccepts: true },
    reason: /it was retired/,
  },
  {
    title: 'DSA 1024',
    make: signedBy('dsa1024', { hash: 'SHA256' }),
    ...{ verdict: 'WEAK_SIGNATURE', statuses: ['weak'], rpm: ['OK'], rpmAccepts: true },
    reason: /DSA keys of 1024 bits are too short/,
  },
  {
    title: 'SHA-1',
    make: signedBy('rsa2048', { hash: 'SHA1' }),
    ...{ verdict: 'WEAK_SIGNATURE', statuses: ['weak'], rpm: ['OK'], rpmAccepts: true },
    reason: /SHA1 can be forged/,
  },
  {
    title: 'a header with one bit turned',
    make: async (shop) => {
      const bytes = await signedBy('rsa2048')(shop)
      return turned(bytes, parsePackage(bytes).headerRange.end - 200)
    },
    ...{ verdict: 'BAD_DIGEST', statuses: ['bad'], rpm: ['BAD'] },
  },
  {
    title: 'the same without digests of it',
    make: async (shop) => {
      const bytes = onlySignatures(await signedBy('rsa2048')(shop))
      return turned(bytes, parsePackage(bytes).headerRange.end - 200)
    },
    ...{ verdict: 'BAD_SIGNATURE', statuses: ['bad'], rpm: ['BAD'] },
  },
  {
    title: 'a payload with one bit turned',
    make: async (shop) => {
      const bytes = await signedBy('rsa2048', { v3: true })(shop)
      return turned(bytes, bytes.length - 20)
    },
    ...{ verdict: 'BAD_DIGEST', statuses: ['ok', 'bad'], rpm: ['OK', 'BAD'] },
    reason: /digest of its payload|digest of its header and payload/,
  },
  {
    title: 'a payload that is cut off',
    make: async (shop) => (await signedBy('rsa2048')(shop)).slice(0, -30),
    ...{ verdict: 'BAD_DIGEST', statuses: ['ok'], rpm: ['OK'] },
  },
  {
    title: 'a signature with one bit turned',
    make: async (shop) => {
      const bytes = await signedBy('rsa2048')(shop)
      const signature = signatureBytes(bytes, SignatureTag.RSA)
      return turned(bytes, Buffer.from(bytes).indexOf(signature) + signature.length - 10)
    },
    ...{ verdict: 'BAD_SIGNATURE', statuses: ['bad'], rpm: ['BAD'] },
    reason: /not of this key/,
  },
  {
    title: 'the same of a key that is not in the keyring',
    make: async (shop) => {
      const bytes = await signedBy('stranger')(shop)
      const signature = signatureBytes(bytes, SignatureTag.DSA)
      return turned(bytes, Buffer.from(bytes).indexOf(signature) + signature.length - 10)
    },
    ...{ verdict: 'UNKNOWN_KEY', statuses: ['unknown-key'], rpm: ['NOKEY'] },
  },
  {
    title: 'a signature of another package',
    make: async (shop) => {
      const other = signatureBytes(await signedBy('rsa2048')(shop), SignatureTag.RSA)
      const bytes = await signedBy('rsa4096')(shop)
      const header = turned(bytes, parsePackage(bytes).headerRange.end - 200)
      return withSignatureTags(header, () => false, {
        tag: SignatureTag.RSA,
        type: 7,
        count: other.length,
        data: other,
      })
    },
    ...{ verdict: 'BAD_SIGNATURE', statuses: ['bad'], rpm: ['BAD'] },
    reason: /not of these bytes/,
  },
  {
    title: 'two keys in a v6 tag',
    make: async (shop) => {
      const [one, two] = [await signedBy('rsa2048')(shop), await signedBy('ed25519')(shop)]
      const tag = openPgpTag(signatureBytes(one, SignatureTag.RSA), signatureBytes(two, SignatureTag.DSA))
      return withSignatureTags(plainPackage, () => true, tag)
    },
    ...{ verdict: 'signed', statuses: ['ok', 'ok'] },
  },
  {
    title: 'a stranger and one we know in a v6 tag',
    make: async (shop) => {
      const [one, two] = [await signedBy('stranger')(shop), await signedBy('ed25519')(shop)]
      const tag = openPgpTag(signatureBytes(one, SignatureTag.DSA), signatureBytes(two, SignatureTag.DSA))
      return withSignatureTags(plainPackage, () => true, tag)
    },
    ...{ verdict: 'signed', statuses: ['unknown-key', 'ok'] },
  },
  {
    title: 'one we know and a bad one in a v6 tag',
    make: async (shop) => {
      const good = signatureBytes(await signedBy('ed25519')(shop), SignatureTag.DSA)
      const tag = openPgpTag(good, turned(good, good.length - 5))
      return withSignatureTags(plainPackage, () => true, tag)
    },
    ...{ verdict: 'BAD_SIGNATURE', statuses: ['ok', 'bad'] },
  },
  {
    title: 'no signature but bytes in its place',
    make: () =>
      withSignatureTags(plainPackage, () => true, {
        tag: SignatureTag.RSA,
        type: 7,
        count: 40,
        data: new Uint8Array(40),
      }),
    ...{ verdict: 'BAD_SIGNATURE', statuses: ['bad'], rpm: ['BAD'] },
    reason: /cannot be read/,
  },
]

describeWithClients(['gpg', 'rpmsign', 'rpmkeys'], 'a package signed by rpmsign', () => {
  let shop: KeyShop
  let keyring: Keyring
  let rpmKeys: RpmKeys

  beforeAll(async () => {
    shop = await openKeyShop()
    const importable = shop.publicKeys.filter((_, index) => index !== p256Index)
    rpmKeys = await RpmKeys.open(shop.home, importable)
    keyring = readKeyring([{ name: 'keys.asc', bytes: Buffer.from(shop.publicKeys.join('\n')) }], today)
  })
  afterAll(() => shop.home.close())

  test.each(rows)('$title: $verdict', async ({ make, verdict, statuses, rpm, rpmAccepts, reason }) => {
    const bytes = await make(shop)
    const ours = await verify(bytes, keyring)
    expect(codeOf(ours)).toBe(verdict)
    expect(ours.signatures.map(({ status }) => status)).toEqual(statuses)
    if (reason !== undefined) expect(sentenceOf(ours)).toMatch(reason)

    if (rpm === undefined) return
    const theirs = await rpmKeys.check(bytes)
    const byCoverage = theirs.signatures.toSorted((a, b) => a.covers.length - b.covers.length)
    expect(byCoverage.map(({ status }) => (status === 'NOTTRUSTED' ? 'OK' : status))).toEqual(rpm)
    for (const [index, { keyId, covers }] of byCoverage.entries()) {
      expect(covers).toBe(ours.signatures[index]?.covers)
      expect(ours.signatures[index]?.keyId ?? '').toMatch(new RegExp(`${keyId}$`))
    }
    const isTrusted = theirs.signatures.every(({ status }) => status !== 'NOTTRUSTED')
    if (isTrusted) expect(theirs.isAccepted).toBe(rpmAccepts ?? verdict === 'signed')
  })

  test('weak signatures count where somebody says so', async () => {
    const bytes = await signedBy('rsa2048', { hash: 'SHA1' })(shop)
    const accepted = await verifyPackage(bytes, undefined, { keyring, now: today, acceptWeak: true })
    expect(codeOf(accepted)).toBe('signed')
  })

  test('ECDSA counts, which rpm 4 calls bad', async () => {
    // rpmsign of rpm 4 takes no such signature: gpg makes it.
    const { header } = bodyOf(plainPackage)
    const made = await shop.home.gpg(['--detach-sign', '-u', shop.fingerprints.p256], { at: signingDay, input: header })
    const bytes = withSignatureTags(plainPackage, () => true, openPgpTag(made.stdout))
    expect(codeOf(await verify(bytes, keyring))).toBe('signed')
  })

  test('a signature of the header is enough without the payload only where the header names its digest', async () => {
    const bytes = await signedBy('rsa2048', { v3: true })(shop)
    expect(codeOf(await verifyPackage(bytes, undefined, { keyring, now: today }))).toBe('signed')
    const payloadOnly = onlyPayloadSignature(bytes)
    const unread = await verifyPackage(payloadOnly, undefined, { keyring, now: today })
    expect(codeOf(unread)).toBe('PAYLOAD_NEEDED')
    expect(unread.signatures.map(({ status }) => status)).toEqual(['unchecked'])
    // The payload of a package that nobody here has signed need not be read to say so.
    const strangers = onlyPayloadSignature(await signedBy('stranger', { v3: true })(shop))
    expect(codeOf(await verifyPackage(strangers, undefined, { keyring, now: today }))).toBe('UNKNOWN_KEY')
  })

  test('a signature of tomorrow is not believed today, and one that was made a moment ahead of us is', async () => {
    const bytes = await signedBy('rsa2048')(shop)
    const made = Date.UTC(2025, 5, 1)
    const at = async (now: number) => codeOf(await verifyPackage(bytes, undefined, { keyring, now }))
    expect(await at(made - 4 * 60_000)).toBe('signed')
    expect(await at(made - 6 * 60_000)).toBe('BAD_SIGNATURE')
  })
})

/** Where `publicKeys` has the key that no rpm 4 imports. */
const p256Index = 5

function verify(bytes: Uint8Array, keyring: Keyring): Promise<PackageVerdict> {
  const { payload } = bodyOf(bytes)
  return verifyPackage(bytes, inPieces(payload), { keyring, now: today })
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
}

function codeOf(verdict: PackageVerdict): string {
  return verdict.kind === 'signed' ? 'signed' : verdict.code
}

function sentenceOf(verdict: PackageVerdict): string {
  return verdict.kind === 'signed' ? verdict.sentence : verdict.reason
}
