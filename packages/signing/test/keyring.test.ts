import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { GpgHome } from '../../../fixtures/gpg-home.ts'
import { number32, packetBytes } from '../src/byte-writer.ts'
import { openKeyring, readKeyring } from '../src/index.ts'
import { makeKeyPair, type Statement, selfSignature } from '../src/key-pair.ts'
import { hashedKey } from '../src/public-key.ts'
import { SignatureType } from '../src/signature-packet.ts'
import { revoked } from './signed-packages.ts'

const now = Date.UTC(2026, 0, 1)
const file = (bytes: string | Uint8Array, name = 'keys.asc') => ({ name, bytes: Buffer.from(bytes) })

describeWithClients(['gpg'], 'a keyring of keys that gpg made', () => {
  let home: GpgHome
  let first: string
  let second: string
  beforeAll(async () => {
    home = await GpgHome.open()
    const at = '20240101T000000'
    first = await home.makeKey({ userId: 'First <first@example.com>', kind: 'ed25519', expires: '1y', at })
    second = await home.makeKey({ userId: 'Second – é <second@example.com>', kind: 'rsa2048', usage: 'cert', at })
    await home.gpg(['--quick-add-key', second, 'ed25519', 'sign', '2y'], { at })
    await home.gpg(['--quick-add-key', second, 'cv25519', 'encr', 'never'], { at })
  })
  afterAll(() => home.close())

  test('is the same in one block, in several, with other text around them, and not armored', async () => {
    const one = await home.exportPublic(first, second)
    const several = `${await home.exportPublic(first)}\n${await home.exportPublic(second)}`
    const { stdout: binary } = await home.gpg(['--export'])
    const forms = [one, several, `Our keys:\n\n${several}`, several.replaceAll('\n', '\r\n'), binary]
    const [expected, ...others] = forms.map((form) => readKeyring([file(form)], now).keys.map((key) => key.fingerprint))
    expect(expected).toContain(first.toLowerCase())
    expect(expected).toHaveLength(4)
    for (const other of others) expect(other).toEqual(expected)
  })

  test('a key without a checksum, as newer writers leave it, is read', async () => {
    const armored = (await home.exportPublic(first)).replace(/^=.{4}$/m, '')
    expect(readKeyring([file(armored)], now).keys).toHaveLength(1)
  })

  test('knows of each key what gpg knows', async () => {
    const keyring = readKeyring([file(await home.exportPublic())], now)
    const { stdout } = await home.gpg(['--with-colons', '--list-keys'])
    const theirs = stdout
      .toString()
      .split('\n')
      .map((line) => line.split(':'))
      .filter(([kind]) => kind === 'pub' || kind === 'sub')
    for (const fields of theirs) {
      const [, , , , keyId = '', created, expires, , , , , uses = ''] = fields
      const key = keyring.find(keyId)[0]
      expect(key, `gpg's ${keyId}`).toBeDefined()
      expect(key?.created).toBe(Number(created))
      expect(key?.expires).toBe(expires === '' ? undefined : Number(expires))
      expect(key?.unusable === undefined, `${keyId} signs`).toBe(uses.includes('s'))
    }
    expect(keyring.keys).toHaveLength(theirs.length)
  })

  test('finds by key id and by fingerprint, in either case, with blanks', async () => {
    const keyring = readKeyring([file(await home.exportPublic())], now)
    const spaced = first.replaceAll(/(.{4})/g, '$1 ')
    for (const id of [first, first.toLowerCase(), spaced, first.slice(-16)]) {
      expect(keyring.find(id).map((key) => key.fingerprint)).toEqual([first.toLowerCase()])
    }
    expect(keyring.find(`${'0'.repeat(24)}${first.slice(-16)}`)).toEqual([])
    expect(keyring.find(first.slice(-8))).toEqual([])
  })

  test('notes what is expired or revoked, and by which file', async () => {
    const other = await home.makeKey({ userId: 'Third <third@example.com>', kind: 'ed25519', at: '20220101T000000' })
    const keys = [file(await home.exportPublic(first), 'a'), file(await revoked(home, other, 'stolen'), 'b')]
    expect(readKeyring(keys, now).notes).toEqual([
      { file: 'a', keyId: first.slice(-16).toLowerCase(), reason: expect.stringContaining('expired on 2024-12-31') },
      { file: 'b', keyId: other.slice(-16).toLowerCase(), reason: expect.stringContaining('revoked') },
    ])
    // A copy that does not know it yet does not take the revocation back, whichever comes first.
    const [, b] = keys
    const copies = [b, file(await home.exportPublic(other), 'c')].filter((one) => one !== undefined)
    for (const order of [copies, copies.toReversed()]) {
      expect(readKeyring(order, now).keys).toMatchObject([{ revocation: { since: 0 } }])
    }
  })

  test('a copy that was prolonged counts, whichever file it is in', async () => {
    const at = '20240101T000000'
    const key = await home.makeKey({ userId: 'Long <long@example.com>', kind: 'ed25519', expires: '1y', at })
    const short = file(await home.exportPublic(key), 'short')
    await home.gpg(['--quick-set-expire', key, '9y'], { at: '20240601T000000' })
    const long = file(await home.exportPublic(key), 'long')
    for (const order of [
      [short, long],
      [long, short],
    ]) {
      expect(readKeyring(order, now).notes).toEqual([])
    }
    expect(readKeyring([short], now).notes).toHaveLength(1)
  })

  test('a subkey that its primary key did not bind verifies nothing', async () => {
    const own = await home.gpg(['--export', second])
    const stolen = withoutSignaturesBehind(own.stdout, 14)
    const { keys, notes } = readKeyring([file(stolen)], now)
    const unbound = keys.find(({ isPrimary, kind }) => !isPrimary && kind === 'Ed25519')
    expect(unbound).toMatchObject({ unusable: 'its primary key does not vouch for it' })
    expect(notes).toContainEqual(expect.objectContaining({ keyId: unbound?.keyId }))
  })

  test.each([
    ['a private key', async () => home.exportSecret(first), /holds a private key.*gpg --export --armor/],
    ['nothing', async () => '', /holds no public key.*gpg --export/],
    ['a text', async () => 'hello', /holds no public key/],
    ['a keybox', async () => Buffer.from('00000020010100004b425866', 'hex'), /is a keybox/],
    ['half a key', async () => (await home.exportPublic(first)).slice(0, 300), /has no end: it was cut/],
    ['a damaged key', async () => (await home.exportPublic(first)).replace(/^m/m, 'n'), /checksum is another one/],
    ['packets that end early', async () => (await home.gpg(['--export'])).stdout.subarray(0, 90), /no file of OpenPGP/],
  ])('is refused where a file holds %s, and says what to do', async (_, make, message) => {
    const bytes = await make()
    expect(() => readKeyring([file(bytes, '/etc/keys')], now)).toThrow(message)
    expect(() => readKeyring([file(bytes, '/etc/keys')], now)).toThrow(expect.objectContaining({ code: 'BAD_KEYRING' }))
  })

  test('is opened from files, and says which is not there', async () => {
    const path = join(home.folder, 'keys.asc')
    await writeFile(path, await home.exportPublic(first))
    expect((await openKeyring([path], now)).keys).toHaveLength(1)
    await expect(openKeyring([path, join(home.folder, 'none')], now)).rejects.toThrow(/none is not there/)
  })
})

describe('a keyring', () => {
  test('without a file is refused', () => {
    expect(() => readKeyring([], now)).toThrow(/no file was named/)
  })

  // CVE-2021-3521: else anybody could make the key of somebody else a subkey of theirs, and pass for its owner.
  test('takes a subkey only where both keys have signed that they belong together', async () => {
    const created = Date.UTC(2024, 0, 1) / 1000
    const [primary, subkey] = [await makeKeyPair('ed25519', created), await makeKeyPair('ed25519', created)]
    const over = [hashedKey(primary.publicBody), hashedKey(subkey.publicBody)]
    const flags = { kind: 27, data: [0x02] }
    const consent = selfSignature(subkey, { type: SignatureType.primaryKeyBinding, created, over, subpackets: [] })
    const notHis = selfSignature(primary, { type: SignatureType.primaryKeyBinding, created, over, subpackets: [] })
    const binding = (...subpackets: Statement['subpackets']) =>
      selfSignature(primary, { type: SignatureType.subkeyBinding, created, over, subpackets })
    const user = Buffer.from('x')
    const vouching = selfSignature(primary, {
      ...{ type: SignatureType.certificationLast, created, subpackets: [] },
      over: [hashedKey(primary.publicBody), Uint8Array.of(0xb4), number32(user.length), user],
    })
    const reasonWith = (signature: Uint8Array) => {
      const ofPrimary = [packetBytes(6, primary.publicBody), packetBytes(13, user), packetBytes(2, vouching)]
      const bytes = Buffer.concat([...ofPrimary, packetBytes(14, subkey.publicBody), packetBytes(2, signature)])
      return readKeyring([file(bytes)], now).keys[1]?.unusable
    }
    expect(reasonWith(binding(flags, { kind: 32, data: consent }))).toBeUndefined()
    expect(reasonWith(binding(flags))).toBe('it does not say itself that it belongs to its primary key')
    expect(reasonWith(binding(flags, { kind: 32, data: notHis }))).toMatch(/does not say itself/)
    expect(reasonWith(binding({ kind: 32, data: consent }))).toBe('it may not sign')
  })
})

/** Cuts the signatures off that follow packets of a kind. gpg writes lengths of one to four bytes in the old format. */
function withoutSignaturesBehind(bytes: Uint8Array, tag: number): Uint8Array {
  const kept: Uint8Array[] = []
  let last = 0
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0
    const width = 1 << (first & 3)
    const length = Buffer.from(bytes).readUIntBE(at + 1, width)
    const end = at + 1 + width + length
    const kind = (first >> 2) & 0xf
    if (kind !== 2) last = kind
    if (kind !== 2 || last !== tag) kept.push(bytes.subarray(at, end))
    at = end
  }
  return Buffer.concat(kept)
}
