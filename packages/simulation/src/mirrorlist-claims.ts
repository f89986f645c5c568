/**
 * What has to hold of the mirrorlist and of what it names, at every moment. An outsider's look: nothing here uses the code that it judges.
 */
import { createHash } from 'node:crypto'
import type { Bucket, Version } from './bucket.ts'
import { signatureOf } from './signer.ts'
import { Violation } from './violation.ts'

interface Rules {
  readonly root: string
  readonly retentionMs: number
  readonly isSigned: boolean
  readonly hasGenerations: boolean
}

interface PublishedGeneration {
  readonly digest: string
  readonly at: number
  supersededAt: number | undefined
  /** When the mirrorlist, or a snapshot, last named it, and no longer does. */
  leftAt: number | undefined
}

/** What a person's command may take, or a publisher between its look at the mirrorlist and the swap. Milliseconds. */
const momentMs = 3_600_000

export class MirrorlistClaims {
  readonly #bucket: Bucket
  readonly #rules: Rules
  /** Digests of each repomd.xml that was published, the oldest first, and from when on another stood in its place. */
  readonly #published: PublishedGeneration[] = []

  constructor(bucket: Bucket, rules: Rules) {
    this.#bucket = bucket
    this.#rules = rules
  }

  /** To be called at the moment of every change of the bucket. @throws Violation */
  changed(key: string, version: Version): void {
    const { root } = this.#rules
    if (key === `${root}repodata/repomd.xml`) this.#swapped(version)
    else if (key === `${root}mirrorlist`) this.#named(key, version)
    else if (key.startsWith(`${root}generations/`)) this.#directoryChanged(key, version)
    else if (key.startsWith(`${root}snapshots/`)) this.#snapshotChanged(key, version)
  }

  /** @throws Violation */
  settled(): void {
    const { root, hasGenerations } = this.#rules
    const last = this.#published.at(-1)
    if (!hasGenerations || last === undefined) return
    const mirrorlist = this.#bucket.at(`${root}mirrorlist`)
    const named = this.#digestIn(mirrorlist)
    if (named === last.digest || (mirrorlist !== undefined && isPinned(mirrorlist))) return
    throw new Violation(`in the end the mirrorlist names ${named ?? 'nothing'}, and published is ${last.digest}`)
  }

  #swapped({ bytes, at }: Version): void {
    const before = this.#published.at(-1)
    if (before !== undefined) before.supersededAt = at
    const digest = digestOf(bytes ?? Buffer.alloc(0))
    this.#published.push({ digest, at, supersededAt: undefined, leftAt: undefined })
  }

  /** What is named was published, is whole, and no older than what was named before; but a person may send clients back. */
  #named(key: string, version: Version): void {
    const digest = this.#digestIn(version)
    if (digest === undefined) throw new Violation('the mirrorlist was deleted, or names no generation')
    const placeOf = (one: string): number => this.#published.findIndex((generation) => generation.digest === one)
    if (placeOf(digest) === -1) throw new Violation(`the mirrorlist names ${digest}, which was never published`)
    this.#isWhole(version)
    const before = this.#bucket.since(key, 0).filter(({ moment }) => moment < version.moment)
    this.#left(before.at(-1), version.at)
    if (isPinned(version)) return
    const last = before.at(-1)
    if (last !== undefined && isPinned(last) && this.#digestIn(last) !== digest) {
      throw new Violation(
        `clients are sent on to ${digest}, and a person had sent them back to ${this.#digestIn(last)}`,
      )
    }
    for (const one of before.slice(before.findLastIndex(isPinned) + 1)) {
      const older = this.#digestIn(one)
      if (older === undefined || placeOf(older) <= placeOf(digest)) continue
      throw new Violation(`the mirrorlist names ${digest} after ${older}, which is newer`)
    }
  }

  /** A name stays what it was given to until it is taken away. */
  #snapshotChanged(key: string, version: Version): void {
    const before = this.#bucket.since(key, 0).findLast(({ moment }) => moment < version.moment)
    if (version.bytes === undefined) this.#left(before, version.at)
    else this.#isWhole(version)
  }

  /** Clients were sent there until now. */
  #left(version: Version | undefined, at: number): void {
    const generation = this.#published.find(({ digest }) => digest === this.#digestIn(version))
    if (generation !== undefined) generation.leftAt = at
  }

  /** Nothing changes below a generation that is named, and nothing goes before the retention is over. */
  #directoryChanged(key: string, version: Version): void {
    const { root, retentionMs } = this.#rules
    for (const holder of this.#bucket.keys()) {
      if (holder !== `${root}mirrorlist` && !holder.startsWith(`${root}snapshots/`)) continue
      const named = this.#bucket.at(holder)
      if (named !== undefined) this.#isWhole(named)
    }
    if (version.bytes !== undefined || /\/(?:claimed-|going-|left$)/.test(key)) return
    const generation = this.#published.find(({ digest }) => key.includes(`-${digest}/`))
    if (generation === undefined) return
    const { supersededAt, leftAt } = generation
    if (supersededAt === undefined) throw new Violation(`${key} was deleted, which is of what is published`)
    const age = version.at - supersededAt
    if (age < retentionMs) {
      throw new Violation(`${key} was deleted ${age / 1000} s after another generation took its place`)
    }
    // It is claimed a moment before clients are sent elsewhere: that long its retention may have begun earlier.
    if (leftAt === undefined || version.at - leftAt >= retentionMs - momentMs || retentionMs < 2 * momentMs) return
    throw new Violation(`${key} was deleted ${(version.at - leftAt) / 1000} s after clients were last sent there`)
  }

  /** What a client does: everything that it is sent to is there, with the digests that it has to have, and signed. */
  #isWhole(named: Version): void {
    const directory = this.#directoryIn(named)
    const repomd = this.#bucket.at(`${directory}repodata/repomd.xml`)?.bytes
    if (repomd === undefined) throw new Violation(`clients are sent to ${directory}, where there is no repomd.xml`)
    if (!directory.endsWith(`-${digestOf(repomd)}/`)) throw new Violation(`${directory} has the repomd.xml of another`)
    for (const [, record = ''] of repomd.toString().matchAll(/<data [^>]*>([\s\S]*?)<\/data>/g)) {
      const href = /<location href="([^"]+)"/.exec(record)?.[1] ?? ''
      const promised = /<checksum type="sha256">([0-9a-f]+)</.exec(record)?.[1]
      const bytes = this.#bucket.at(`${directory}${href}`)?.bytes
      if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') !== promised) {
        throw new Violation(`clients are sent to ${directory}, and ${href} is not there as its repomd.xml has it`)
      }
    }
    if (!this.#rules.isSigned) return
    const signature = this.#bucket.at(`${directory}repodata/repomd.xml.asc`)?.bytes?.toString()
    if (signature !== signatureOf(repomd)) throw new Violation(`clients are sent to ${directory}, which is not signed`)
  }

  #directoryIn(version: Version | undefined): string {
    const [first = ''] = (version?.bytes?.toString() ?? '').split('\n').filter((line) => line.startsWith('https://'))
    return first.replace('https://packages.example.com/', '')
  }

  #digestIn(version: Version | undefined): string | undefined {
    return /-([0-9a-f]{16})\/$/.exec(this.#directoryIn(version))?.[1]
  }
}

function isPinned({ bytes }: Version): boolean {
  return bytes?.toString().startsWith('# pinned ') === true
}

/** As it stands in the name of a directory. */
function digestOf(repomd: Buffer): string {
  return createHash('sha256').update(repomd).digest('hex').slice(0, 16)
}
