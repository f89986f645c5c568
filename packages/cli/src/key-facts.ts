/**
 * What is to be said of a public key to people: who it is, until when, and whether clients can check with it.
 */
import { type CertifiedKey, dayOf, type KeyFile, readKeyring, reasonAgainst } from '@repokeeper/signing'

export interface KeyFacts {
  readonly fingerprint: string
  readonly keyId: string
  readonly isPrimary: boolean
  /** Of the primary key that it belongs to; its own, where it is one. */
  readonly primaryFingerprint: string
  /** `RSA 4096`, `Ed25519`. */
  readonly kind: string
  readonly userId: string
  /** ISO 8601. */
  readonly created: string
  /** `null`: never. */
  readonly expires: string | null
  /** Whether what it signs now is taken by dnf, zypper and rpm of any age that is in use. */
  readonly signs: boolean
  /** Why it does not. */
  readonly reason: string | undefined
}

export interface KeyFileFacts {
  readonly name: string
  readonly keys: readonly KeyFacts[]
  readonly warnings: readonly string[]
}

/** Time enough for the clients of most to learn of another key. */
const soonDays = 60
const dayMs = 86_400_000

/** @param now milliseconds. @throws SigningError BAD_KEYRING where no key can be read */
export function factsOf(file: KeyFile, now: number): KeyFileFacts {
  const { keys, notes } = readKeyring([file], now)
  const unread = notes.filter(({ keyId }) => keyId === undefined).map(({ reason }) => reason)
  const warnings = keys.filter(({ isPrimary }) => isPrimary).flatMap((primary) => warningsOf(primary, keys, now))
  return { name: file.name, keys: keys.map((key) => factsOfKey(key, now)), warnings: [...unread, ...warnings] }
}

/** In groups of four, as gpg shows it. */
export function showFingerprint(fingerprint: string): string {
  return (fingerprint.toUpperCase().match(/.{1,4}/g) ?? []).join(' ')
}

/** `never expires`, `expires 2029-11-27`. */
export function showExpiry(expires: number | undefined, now: number): string {
  if (expires === undefined) return 'never expires'
  return `${1000 * expires <= now ? 'expired' : 'expires'} ${dayOf(expires)}`
}

/** Of what it is worth knowing beside that a key signs. */
export function warningsOf(primary: CertifiedKey, keys: readonly CertifiedKey[], now: number): string[] {
  const own = keys.filter(({ primaryFingerprint }) => primaryFingerprint === primary.fingerprint)
  const signing = own.filter((key) => reasonAgainst(key, now) === undefined)
  if (signing.length === 0) {
    return [`${primary.keyId} signs nothing that clients take: ${reasonAgainst(primary, now) ?? 'unknown'}`]
  }
  return signing.flatMap((key) => [...expiresSoon(key, now), ...readByFew(key)])
}

function factsOfKey(key: CertifiedKey, now: number): KeyFacts {
  const { fingerprint, keyId, isPrimary, primaryFingerprint, kind, userId, created, expires } = key
  const reason = reasonAgainst(key, now)
  return {
    ...{ fingerprint, keyId, isPrimary, primaryFingerprint, kind, userId },
    created: isoOf(created),
    expires: expires === undefined ? null : isoOf(expires),
    signs: reason === undefined,
    reason,
  }
}

function expiresSoon({ keyId, expires }: CertifiedKey, now: number): string[] {
  if (expires === undefined || 1000 * expires - now > soonDays * dayMs) return []
  const prolong = `prolong it (gpg --quick-set-expire ${keyId} 3y), or see "repokeeper key rotate --help"`
  return [`${keyId} expires on ${dayOf(expires)}: clients refuse everything that is signed later; ${prolong}`]
}

/** https://rpm.org/wiki/Releases/4.16.0; gpg 2.0 of RHEL 7 knows no Ed25519 at all. */
function readByFew({ keyId, kind }: CertifiedKey): string[] {
  if (kind !== 'Ed25519') return []
  return [`${keyId} is an Ed25519 key, which RHEL 7 cannot read, and RHEL 8 not for packages; RSA all can`]
}

function isoOf(seconds: number): string {
  return new Date(1000 * seconds).toISOString()
}
