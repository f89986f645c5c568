/** Keys and signatures of OpenPGP's version 6, as rpm 6 takes them. openpgp.js makes them; what verifies here shares nothing with it. */
import { createMessage, generateKey, readPrivateKey, sign } from 'openpgp'
import { beforeAll, expect, test } from 'vitest'
import { type Keyring, type PackageVerdict, readKeyring, verifyPackage } from '../src/index.ts'
import { bodyOf, openPgpTag, turned, withSignatureTags } from './change-package.ts'
import { plainPackage } from './signed-packages.ts'

const made = new Date(Date.UTC(2025, 0, 1))
const now = Date.UTC(2026, 0, 1)
const kinds = ['curve25519', 'rsa'] as const

let keyring: Keyring
const signatures = new Map<string, Uint8Array>()

beforeAll(async () => {
  const files = await Promise.all(
    kinds.map(async (type) => {
      const options = { userIDs: [{ name: type }], date: made, config: { v6Keys: true } }
      const { privateKey, publicKey } = await generateKey({
        ...options,
        ...(type === 'rsa' ? { type, rsaBits: 2048 } : { type }),
        keyExpirationTime: 2 * 365 * 86_400,
      })
      const binary = await sign({
        message: await createMessage({ binary: bodyOf(plainPackage).header }),
        signingKeys: await readPrivateKey({ armoredKey: privateKey }),
        ...{ detached: true, format: 'binary', date: made },
      })
      signatures.set(type, binary)
      return { name: type, bytes: Buffer.from(publicKey) }
    }),
  )
  keyring = readKeyring(files, now)
})

const verify = (signature: Uint8Array, by = keyring): Promise<PackageVerdict> => {
  const bytes = withSignatureTags(plainPackage, () => true, openPgpTag(signature))
  return verifyPackage(bytes, undefined, { keyring: by, now })
}

test.each(kinds)('a signature of version 6 by a key of the kind %s counts', async (kind) => {
  const signature = signatures.get(kind) ?? new Uint8Array()
  expect(await verify(signature)).toMatchObject({ kind: 'signed', by: { userId: kind } })
  expect(await verify(turned(signature, signature.length - 3))).toMatchObject({ code: 'BAD_SIGNATURE' })
  // What is hashed first: 16 or 32 bytes before the numbers of the signature.
  const salt = signature.length - (kind === 'rsa' ? 2 + 256 : 64) - 5
  expect(await verify(turned(signature, salt))).toMatchObject({ code: 'BAD_SIGNATURE' })
})

test('a key of version 6 is found by its whole fingerprint, and expires when its own signature says so', () => {
  for (const key of keyring.keys) {
    expect(key.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    expect(keyring.find(key.fingerprint)).toEqual([key])
    expect(key.keyId).toBe(key.fingerprint.slice(0, 16))
    expect(key.expires ?? 0).toBe(made.getTime() / 1000 + 2 * 365 * 86_400)
  }
})
