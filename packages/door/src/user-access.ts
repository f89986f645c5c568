/**
 * Users with passwords, and tokens.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Access, Admission, Asked, Verb } from './access.ts'
import { networkOf } from './client-address.ts'
import { isPassword, isToken } from './password.ts'
import type { User } from './users.ts'

export interface UserAccessOptions {
  readonly users: readonly User[]
  /** What anybody may who does not say who it is. */
  readonly open: ReadonlySet<Verb>
  /** Milliseconds, of any clock that doesn't run backwards. */
  readonly now: () => number
}

/** Of one network, in a minute: then it has to wait until the minute is over. */
const failuresMax = 10
const failureMs = 60_000
/** Networks that are remembered; of more the oldest are forgotten. */
const networksMax = 10_000
/** Hashing takes a tenth of a second and 32 MiB, and dnf says its password with each request: what was right is known for so long. */
const knownMs = 300_000
const knownMax = 1_000
/** At the same time. */
const hashingMax = 4

export class UserAccess implements Access {
  readonly #options: UserAccessOptions
  /** What was said, as a digest under a key of this process → who it is. */
  readonly #known = new Map<string, { readonly user: User; readonly until: number }>()
  readonly #knownKey = randomBytes(32)
  readonly #failures = new Map<string, { count: number; readonly until: number }>()
  #hashing = 0

  constructor(options: UserAccessOptions) {
    this.#options = options
  }

  async admit({ verb, path, headers, from: address }: Asked): Promise<Admission> {
    const { open } = this.#options
    const from = networkOf(address)
    const said = headers.authorization
    if (said === undefined) {
      return open.has(verb) ? { kind: 'granted', user: undefined } : { kind: 'unknown' }
    }
    const known = this.#recall(said)
    if (known === undefined) {
      const failures = this.#failuresOf(from)
      if (failures !== undefined && failures.count >= failuresMax) {
        return { kind: 'too often', retryAfterSeconds: Math.ceil((failures.until - this.#options.now()) / 1000) }
      }
      if (this.#hashing >= hashingMax) return { kind: 'too often', retryAfterSeconds: 1 }
    }
    const user = known ?? (await this.#find(said))
    if (user === undefined) {
      this.#fail(from)
      return { kind: 'unknown' }
    }
    const mayIt = open.has(verb) || user.may.some((right) => right.verbs.includes(verb) && liesIn(path, right.path))
    return { kind: mayIt ? 'granted' : 'refused', user: user.name }
  }

  async #find(said: string): Promise<User | undefined> {
    this.#hashing += 1
    try {
      const user = await userOf(said, this.#options.users)
      if (user !== undefined) {
        this.#known.set(this.#digest(said), { user, until: this.#options.now() + knownMs })
        forgetOldest(this.#known, knownMax)
      }
      return user
    } finally {
      this.#hashing -= 1
    }
  }

  #recall(said: string): User | undefined {
    const known = this.#known.get(this.#digest(said))
    return known !== undefined && known.until > this.#options.now() ? known.user : undefined
  }

  #digest(said: string): string {
    return createHmac('sha256', this.#knownKey).update(said).digest('base64')
  }

  #failuresOf(from: string): { count: number; readonly until: number } | undefined {
    const failures = this.#failures.get(from)
    return failures !== undefined && failures.until > this.#options.now() ? failures : undefined
  }

  #fail(from: string): void {
    const failures = this.#failuresOf(from) ?? { count: 0, until: this.#options.now() + failureMs }
    failures.count += 1
    this.#failures.delete(from)
    this.#failures.set(from, failures)
    forgetOldest(this.#failures, networksMax)
  }
}

/** RFC 7617 (Basic) and RFC 6750 (Bearer). */
async function userOf(said: string, users: readonly User[]): Promise<User | undefined> {
  const [, scheme = '', value = ''] = /^(basic|bearer) +([A-Za-z0-9+/=._~-]{1,1024})$/i.exec(said) ?? []
  if (scheme.toLowerCase() === 'bearer') {
    // All of them, so that the time tells nothing of which it was.
    return users.filter(({ token }) => token !== undefined && isToken(value, token)).at(0)
  }
  if (scheme === '') return undefined
  const [name = '', password = ''] = Buffer.from(value, 'base64').toString().split(/:(.*)/s, 2)
  const user = users.find((one) => one.name === name)
  if (user?.token !== undefined && isToken(password, user.token)) return user
  return (await isPassword(password, user?.password)) ? user : undefined
}

/** Also the directory itself, without its slash. */
function liesIn(path: string, directory: string): boolean {
  return `${path}/`.startsWith(directory)
}

function forgetOldest(map: Map<string, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) break
    map.delete(oldest)
  }
}
