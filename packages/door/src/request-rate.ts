/**
 * The limit on requests: of one user, whatever addresses it comes from, and of one network of those that nobody vouches for.
 */
import { networkOf } from './client-address.ts'
import { RateLimit } from './rate-limit.ts'

export interface RequestRateOptions {
  readonly perSecond: number
  readonly burst: number
  /** Milliseconds, of any clock that doesn't run backwards. */
  readonly now: () => number
}

/** As many as a file of users may have: so whoever is named is never crowded out by those who are not. */
const usersMax = 10_000
/** A few megabytes. */
const networksMax = 50_000

export class RequestRate {
  readonly #users: RateLimit
  readonly #networks: RateLimit

  constructor(options: RequestRateOptions) {
    this.#users = new RateLimit({ ...options, keysMax: usersMax })
    this.#networks = new RateLimit({ ...options, keysMax: networksMax })
  }

  /** @returns `undefined`: it may; else after how many seconds it may again */
  take({ user, from }: { readonly user?: string | undefined; readonly from: string }): number | undefined {
    return user === undefined ? this.#networks.take(networkOf(from)) : this.#users.take(user)
  }
}
