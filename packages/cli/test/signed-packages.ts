/**
 * Packages of every fate: signed by real rpmsign with keys of every kind, or not, or damaged since; with what is to be said of each.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parsePackage, SignatureTag } from '@repokeeper/rpm-parser'
import { binary, encodeHeader, string } from '@repokeeper/rpm-parser/testing'
import { SigningRoom } from '../../../fixtures/signed-rpms.ts'

export interface SignedPackage {
  /** `rsa.rpm` */
  readonly file: string
  readonly path: string
  /** What is said of it once all of it was read; `undefined`: it is let in. */
  readonly code: string | undefined
  /** Of the reason. */
  readonly reason: RegExp
  /** Whether rpm 4's own `rpmkeys -K` takes it, which looks neither at the time of a key nor at its revocation. */
  readonly rpmTakes: boolean
}

export interface SignedPackages {
  readonly room: SigningRoom
  /** The file of the public keys of all but the stranger; one block each. */
  readonly keyFiles: readonly string[]
  readonly packages: readonly SignedPackage[]
}

const plain = join(import.meta.dirname, '../../../fixtures/rpms/hello-repokeeper-1.0-1.noarch.rpm')
const afterExpiry = '20220601T000000'

export async function makeSignedPackages(): Promise<SignedPackages> {
  const room = await SigningRoom.open()
  await room.makeKey('rsa', { kind: 'rsa2048' })
  await room.makeKey('dsa', { kind: 'dsa2048' })
  for (const name of ['ed25519', 'stranger', 'stolen']) await room.makeKey(name, { kind: 'ed25519' })
  await room.makeKey('expired', { kind: 'ed25519', expires: '1y' })
  const keyFiles = []
  for (const name of ['rsa', 'dsa', 'ed25519', 'expired']) keyFiles.push(await room.exportKey(name))
  await room.prolongKey('expired', 'never')

  const rsa = await room.sign(plain, 'rsa.rpm', { key: 'rsa' })
  const both = await room.sign(plain, 'both.rpm', { key: 'ed25519', v3: true })
  const signed = async (name: string, at?: string) =>
    room.sign(plain, `${name}.rpm`, { key: name, ...(at !== undefined && { at }) })
  const derived = async (file: string, from: string, change: (bytes: Buffer) => Uint8Array) => {
    await writeFile(join(room.folder, file), change(await readFile(from)))
    return join(room.folder, file)
  }
  const row = (
    path: string,
    code: string | undefined,
    reason: RegExp,
    rpmTakes = code === undefined,
  ): SignedPackage => {
    return { file: path.slice(room.folder.length + 1), path, code, reason, rpmTakes }
  }
  const keyIdOf = async (name: string) => new RegExp(`key ${await room.keyId(name)}`)
  const packages = [
    row(rsa, undefined, /./),
    row(await signed('dsa'), undefined, /./),
    row(await signed('ed25519'), undefined, /./),
    row(both, undefined, /./),
    row(await derived('over-payload.rpm', both, withoutHeaderSignatures), undefined, /./),
    row(await derived('unsigned.rpm', plain, (bytes) => bytes), 'UNSIGNED', /it is not signed; sign it \(rpmsign/),
    row(await signed('stranger'), 'UNKNOWN_KEY', await keyIdOf('stranger')),
    row(await signed('expired', afterExpiry), 'KEY_EXPIRED', await keyIdOf('expired'), true),
    row(await signed('stolen'), 'KEY_REVOKED', await keyIdOf('stolen'), true),
    row(
      await derived('bad-header.rpm', rsa, turnInHeader),
      'BAD_DIGEST',
      /digest of its header is wrong: .*; it was dam/,
    ),
    row(await derived('bad-signature.rpm', rsa, turnInSignature), 'BAD_SIGNATURE', await keyIdOf('rsa')),
    row(await derived('bad-payload.rpm', rsa, (bytes) => turned(bytes, bytes.length - 20)), 'BAD_DIGEST', /payload/),
  ]
  await room.revokeKey('stolen')
  keyFiles.push(await room.exportKey('stolen'))
  return { room, keyFiles, packages }
}

function turned(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
}

function turnInHeader(bytes: Uint8Array): Uint8Array {
  return turned(bytes, parsePackage(bytes).headerRange.end - 200)
}

function turnInSignature(bytes: Buffer): Uint8Array {
  const signature = parsePackage(bytes).signature.bytes(SignatureTag.RSA) ?? new Uint8Array()
  return turned(bytes, bytes.indexOf(signature) + signature.length - 10)
}

/** As before rpm 4: what is signed is header and payload together. */
function withoutHeaderSignatures(bytes: Uint8Array): Uint8Array {
  const { signature, headerRange } = parsePackage(bytes)
  const kept = [SignatureTag.GPG, SignatureTag.MD5].map((tag) => binary(tag, signature.bytes(tag) ?? new Uint8Array()))
  const digest = string(SignatureTag.SHA256, signature.string(SignatureTag.SHA256) ?? '')
  const header = encodeHeader([...kept, digest], SignatureTag.HEADERSIGNATURES)
  const padding = new Uint8Array((8 - (header.length % 8)) % 8)
  return Buffer.concat([bytes.subarray(0, 96), header, padding, bytes.subarray(headerRange.start)])
}
