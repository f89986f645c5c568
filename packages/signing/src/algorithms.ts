/** What OpenPGP's numbers mean here (RFC 9580 9.1, 9.5), by the names that rpm and gpg show. */

export interface HashAlgorithm {
  readonly name: string
  /** As node:crypto calls it. */
  readonly digest: string
  /** Two inputs with one digest can be made: a signature with it says little about what was signed. */
  readonly isBroken: boolean
  /** Of a version 6 signature (RFC 9580 9.5); those that are broken have none. */
  readonly saltBytes?: number
}

export const hashAlgorithms: ReadonlyMap<number, HashAlgorithm> = new Map([
  [1, { name: 'MD5', digest: 'md5', isBroken: true }],
  [2, { name: 'SHA1', digest: 'sha1', isBroken: true }],
  [3, { name: 'RIPEMD160', digest: 'ripemd160', isBroken: true }],
  [8, { name: 'SHA256', digest: 'sha256', isBroken: false, saltBytes: 16 }],
  [9, { name: 'SHA384', digest: 'sha384', isBroken: false, saltBytes: 24 }],
  [10, { name: 'SHA512', digest: 'sha512', isBroken: false, saltBytes: 32 }],
  [11, { name: 'SHA224', digest: 'sha224', isBroken: false, saltBytes: 16 }],
  [12, { name: 'SHA3-256', digest: 'sha3-256', isBroken: false, saltBytes: 16 }],
  [14, { name: 'SHA3-512', digest: 'sha3-512', isBroken: false, saltBytes: 32 }],
])

export const PublicKeyAlgorithm = {
  rsa: 1,
  rsaSignOnly: 3,
  dsa: 17,
  ecdsa: 19,
  /** Ed25519 as gpg from 2.1 on and rpm from 4.16 on know it; RFC 9580 calls it EdDSALegacy. */
  eddsa: 22,
  /** The same curve as RFC 9580 writes it, which neither gpg 2.2 nor rpm 4 read. */
  ed25519: 27,
} as const

export function publicKeyAlgorithmName(algorithm: number): string {
  return publicKeyNames.get(algorithm) ?? `algorithm ${algorithm}`
}

const publicKeyNames: ReadonlyMap<number, string> = new Map([
  [1, 'RSA'],
  [2, 'RSA (encryption only)'],
  [3, 'RSA'],
  [16, 'Elgamal'],
  [17, 'DSA'],
  [18, 'ECDH'],
  [19, 'ECDSA'],
  [22, 'EdDSA'],
  [25, 'X25519'],
  [26, 'X448'],
  [27, 'Ed25519'],
  [28, 'Ed448'],
  [30, 'ML-DSA-65+Ed25519'],
  [31, 'ML-DSA-87+Ed448'],
])
