/**
 * When the keys are over that a worker works with: those that sign, and those whose signatures count.
 */
import type { Measurement } from './metrics.ts'
import type { KeyringSummary } from './package-policy-settings.ts'
import type { OpenedSigner } from './signing-settings.ts'

export interface WatchedKey {
  /** What it is there for: it signs, it follows the one that signs, or packages that it signed are let in. */
  readonly use: 'signs' | 'follows' | 'counts'
  readonly keyId: string
  readonly userId: string
  /** Seconds since 1970; `undefined`: never, or not before another one has followed it. */
  readonly expires: number | undefined
}

export interface ExpiringKey extends WatchedKey {
  readonly expires: number
}

/** A month to prolong a key, or to have another follow it. */
const soonDays = 30
const dayMs = 86_400_000

/** Asked anew each time, because from a day on another key signs. */
export function watchedKeys(
  signer: OpenedSigner | undefined,
  keyring: Pick<KeyringSummary, 'keys'> | undefined,
): WatchedKey[] {
  const signing = (signer?.keys() ?? []).map(({ keyId, userId, expires, signsUntil }, index): WatchedKey => {
    const isFollowedBefore = expires !== undefined && signsUntil !== undefined && signsUntil <= 1000 * expires
    return { use: index === 0 ? 'signs' : 'follows', keyId, userId, expires: isFollowedBefore ? undefined : expires }
  })
  const counting = (keyring?.keys ?? []).map(
    ({ keyId, userId, expires }): WatchedKey => ({ use: 'counts', keyId, userId, expires }),
  )
  return [...signing, ...counting]
}

/** Those that are over within 30 days; of those that sign also what is over already. A keyring may well hold what is long over. */
export function expiringSoon(keys: readonly WatchedKey[], now: Date): ExpiringKey[] {
  return keys.filter((key): key is ExpiringKey => {
    if (key.expires === undefined) return false
    const leftMs = 1000 * key.expires - now.getTime()
    return leftMs <= soonDays * dayMs && (leftMs > 0 || key.use !== 'counts')
  })
}

/** How long the first of a kind still lasts. */
export function expiryGauges(keys: readonly WatchedKey[], now: Date): Measurement[] {
  const secondsLeft = (ofKind: (key: WatchedKey) => boolean): number[] => {
    const left = keys
      .filter(ofKind)
      .flatMap(({ expires }) => (expires === undefined ? [] : expires - now.getTime() / 1000))
    return left.length === 0 ? [] : [Math.round(Math.min(...left))]
  }
  const isCounting = ({ use }: WatchedKey) => use === 'counts'
  return [
    { name: 'repokeeper.signing_key_expires.seconds', values: secondsLeft((key) => !isCounting(key)) } as const,
    {
      name: 'repokeeper.keyring_key_expires.seconds',
      values: secondsLeft((key) => isCounting(key) && 1000 * (key.expires ?? 0) > now.getTime()),
    } as const,
  ].filter(({ values }) => values.length > 0)
}

/** For people: which, when, what then; and what to do. */
export function describeExpiry({ use, keyId, userId, expires }: ExpiringKey, now: Date) {
  const when = `${1000 * expires <= now.getTime() ? 'expired' : 'expires'} on ${dayOf(expires)}`
  const prolong = `prolong it (gpg --quick-set-expire ${keyId} 3y)`
  switch (use) {
    case 'signs':
      return {
        message: `key ${keyId} of ${userId}, which signs, ${when}: nothing is published from then on`,
        remedy: `${prolong}, or let another one follow ("repokeeper key rotate --help")`,
      }
    case 'follows':
      return {
        message: `key ${keyId} of ${userId}, which is to sign next, ${when}: nothing is published from then on`,
        remedy: `${prolong}, or give another one`,
      }
    case 'counts':
      return {
        message: `key ${keyId} of ${userId} in the keyring ${when}: packages that it signs later are refused`,
        remedy: `${prolong} where it is yours, or add the one that follows to --keyring`,
      }
  }
}

/** The same in one sentence. */
export function expiryText(key: ExpiringKey, now: Date): string {
  const { message, remedy } = describeExpiry(key, now)
  return `${message}; ${remedy}`
}

/** @param seconds since 1970 */
export function dayOf(seconds: number): string {
  return new Date(1000 * seconds).toISOString().slice(0, 10)
}
