import { PublicKeyAlgorithm } from './algorithms.ts'
import type { CertifiedKey } from './certificate.ts'
import { dayOf } from './keyring.ts'
import { SigningError } from './signing-error.ts'

/**
 * The keys of a certificate whose signatures every client takes, those first that gpg would sign with: the newest subkey, then the
 * primary key. RSA is read by all of gpg, dnf, zypper and rpm; Ed25519 in its older form (algorithm 22) by gpg from 2.1 and rpm from 4.16 on.
 * The newer form (27), keys of version 6, ECDSA and DSA are refused by some that are in use: gpg 2.2, dnf 4 and rpm 4.
 *
 * @param name for messages: `the private key /etc/repokeeper/key.asc`
 * @param now milliseconds
 * @throws SigningError UNUSABLE_KEY where there is none: with the reason for each, and how to make a right one
 */
export function keysToSignWith(
  name: string,
  certified: readonly CertifiedKey[],
  now: number,
): readonly [CertifiedKey, ...CertifiedKey[]] {
  const order = certified.toSorted((a, b) => Number(a.isPrimary) - Number(b.isPrimary) || b.created - a.created)
  const [first, ...others] = order.filter((key) => reasonAgainst(key, now) === undefined)
  if (first !== undefined) return [first, ...others]
  const reasons = order.map((key) => `${key.keyId} (${key.kind}): ${reasonAgainst(key, now)}`)
  throw new SigningError('UNUSABLE_KEY', `${name} has no key to sign with: ${reasons.join('; ')}. ${howToMakeOne}`)
}

export const howToMakeOne =
  "Make another one: repokeeper key new, or gpg --quick-generate-key 'NAME <MAIL>' rsa4096 sign 3y (an expired one: gpg --quick-set-expire FINGERPRINT 3y)"

/** Why clients would not take a signature that the key makes now. */
export function reasonAgainst(key: CertifiedKey, now: number): string | undefined {
  const { version, unusable, revocation, expires, created, weakness, algorithm } = key
  if (version === 6) return 'gpg 2.2, dnf 4 and rpm 4 cannot read keys of version 6'
  if (algorithm === PublicKeyAlgorithm.ed25519) {
    return 'gpg 2.2 and dnf 4 cannot read Ed25519 in its newer form (algorithm 27); the older one (22) they can'
  }
  if (unusable !== undefined) return unusable
  if (!readByAll.has(algorithm)) return 'not all of gpg, dnf, zypper and rpm verify with keys of this kind'
  if (weakness !== undefined) return weakness
  if (revocation !== undefined) return `it is revoked: ${revocation.reason}`
  if (expires !== undefined && 1000 * expires <= now) return `it expired on ${dayOf(expires)}`
  return 1000 * created > now ? `it is of ${dayOf(created)}, which is not yet` : undefined
}

const readByAll: ReadonlySet<number> = new Set([
  PublicKeyAlgorithm.rsa,
  PublicKeyAlgorithm.rsaSignOnly,
  PublicKeyAlgorithm.eddsa,
])
