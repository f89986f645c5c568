/**
 * What has to hold of an inbox at every moment. An outsider's look: nothing here uses the code that it judges.
 */
import type { Bucket, Version } from './bucket.ts'
import { Violation } from './violation.ts'

interface Rules {
  /** Of the repository. */
  readonly root: string
  readonly inbox: { readonly replaces: boolean } | undefined
}

export const inboxRoot = 'inbox/'
export const rejectedRoot = 'rejected/'

export class InboxClaims {
  readonly #bucket: Bucket
  readonly #rules: Rules

  constructor(bucket: Bucket, rules: Rules) {
    this.#bucket = bucket
    this.#rules = rules
  }

  /** To be called at the moment of every change that a worker makes. @throws Violation */
  changedByWorker(key: string, version: Version): void {
    const { root, inbox } = this.#rules
    if (inbox === undefined) return
    if (key.startsWith(inboxRoot)) this.#isSomewhere(key, version)
    else if (key.startsWith(root) && key.endsWith('.rpm') && !inbox.replaces) this.#replacesNothing(key, version)
  }

  /**
   * A message about an inbox may go once what it tells of is no longer there.
   * @param sent the moment of the upload
   * @throws Violation
   */
  deleted(message: string, key: string, sent: number): void {
    const { moment, bytes } = this.#bucket.at(key) ?? { moment: 0, bytes: undefined }
    if (bytes === undefined || moment !== sent) return
    throw new Violation(`${message} was deleted, and ${key} still lies there`)
  }

  /** @throws Violation */
  settled(): void {
    if (this.#rules.inbox === undefined) return
    const left = this.#bucket.keys().find((key) => key.startsWith(inboxRoot))
    if (left !== undefined) throw new Violation(`in the end ${left} is left in the inbox`)
    for (const key of this.#bucket.keys()) {
      if (!key.startsWith(rejectedRoot) || key.endsWith('.reason.txt')) continue
      if (this.#bucket.at(`${key}.reason.txt`)?.bytes !== undefined) continue
      throw new Violation(`in the end ${key} lies there without a reason`)
    }
  }

  /** What a worker takes out of the inbox has stood, byte for byte, where it belongs or among the rejected. */
  #isSomewhere(key: string, version: Version): void {
    if (version.bytes !== undefined) throw new Violation(`a worker has put something into the inbox: ${key}`)
    const before = this.#bucket.since(key, 0).findLast(({ moment }) => moment < version.moment)
    const name = key.slice(inboxRoot.length)
    const places = [`${this.#rules.root}${name}`, `${rejectedRoot}${name}`]
    const stood = places.flatMap((place) => this.#bucket.since(place, 0))
    if (before?.bytes === undefined || stood.some(({ bytes }) => bytes?.equals(before.bytes ?? bytes) === true)) return
    throw new Violation(`${key} was deleted, and its bytes have stood nowhere else`)
  }

  #replacesNothing(key: string, version: Version): void {
    const before = this.#bucket.since(key, 0).findLast(({ moment }) => moment < version.moment)
    if (version.bytes === undefined) throw new Violation(`a worker has deleted ${key}`)
    if (before?.bytes === undefined || before.bytes.equals(version.bytes)) return
    throw new Violation(`a worker has put another file over ${key}, and this inbox replaces none`)
  }
}
