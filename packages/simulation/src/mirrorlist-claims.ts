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

export class MirrorlistClaims {
  readonly #bucket: Bucket
  readonly #rules: Rules
  /** Digests of each repomd.xml that was published, the oldest first, and from when on another stood in its place. */
  readonly #published: { readonly digest: string; readonly at: number; supersededAt: number | undefined }[] = []

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
  }

  /** @throws Violation */
  settled(): void {
    const { root, hasGenerations } = this.#rules
    const last = this.#published.at(-1)
    if (!hasGenerations || last === undefined) return
    const named = this.#digestIn(this.#bucket.at(`${root}mirrorlist`))
    if (named === last.digest) return
    throw new Violation(`in the end the mirrorlist names ${named ?? 'nothing'}, and published is ${last.digest}`)
  }

  #swapped({ bytes, at }: Version): void {
    const before = this.#published.at(-1)
    if (before !== undefined) before.supersededAt = at
    this.#published.push({ digest: digestOf(bytes ?? Buffer.alloc(0)), at, supersededAt: undefined })
  }

  /** What is named was published, is whole, and no older than what was named before. */
  #named(key: string, version: Version): void {
    const digest = this.#digestIn(version)
    if (digest === undefined) throw new Violation('the mirrorlist was deleted, or names no generation')
    const placeOf = (one: string): number => this.#published.findIndex((generation) => generation.digest === one)
    if (placeOf(digest) === -1) throw new Violation(`the mirrorlist names ${digest}, which was never published`)
    for (const before of this.#bucket.since(key, 0)) {
      if (before.moment >= version.moment) continue
      const older = this.#digestIn(before)
      if (older === undefined || placeOf(older) <= placeOf(digest)) continue
      throw new Violation(`the mirrorlist names ${digest} after ${older}, which is newer`)
    }
    this.#isWhole(version)
  }

  /** Nothing changes below a generation that is named, and nothing goes before the retention is over. */
  #directoryChanged(key: string, version: Version): void {
    const { root, retentionMs } = this.#rules
    const mirrorlist = this.#bucket.at(`${root}mirrorlist`)
    if (mirrorlist !== undefined) this.#isWhole(mirrorlist)
    if (version.bytes !== undefined || /\/(?:claimed|going)$/.test(key)) return
    const generation = this.#published.find(({ digest }) => key.includes(`-${digest}/`))
    if (generation === undefined) return
    const { supersededAt } = generation
    if (supersededAt === undefined) throw new Violation(`${key} was deleted, which is of what is published`)
    if (version.at - supersededAt >= retentionMs) return
    throw new Violation(
      `${key} was deleted ${(version.at - supersededAt) / 1000} s after another generation took its place`,
    )
  }

  /** What a client does: everything that it is sent to is there, with the digests that it has to have, and signed. */
  #isWhole(mirrorlist: Version): void {
    const directory = this.#directoryIn(mirrorlist)
    const repomd = this.#bucket.at(`${directory}repodata/repomd.xml`)?.bytes
    if (repomd === undefined) throw new Violation(`the mirrorlist names ${directory}, where there is no repomd.xml`)
    if (!directory.endsWith(`-${digestOf(repomd)}/`)) throw new Violation(`${directory} has the repomd.xml of another`)
    for (const [, record = ''] of repomd.toString().matchAll(/<data [^>]*>([\s\S]*?)<\/data>/g)) {
      const href = /<location href="([^"]+)"/.exec(record)?.[1] ?? ''
      const promised = /<checksum type="sha256">([0-9a-f]+)</.exec(record)?.[1]
      const bytes = this.#bucket.at(`${directory}${href}`)?.bytes
      if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') !== promised) {
        throw new Violation(`the mirrorlist names ${directory}, and ${href} is not there as its repomd.xml has it`)
      }
    }
    if (!this.#rules.isSigned) return
    const signature = this.#bucket.at(`${directory}repodata/repomd.xml.asc`)?.bytes?.toString()
    if (signature !== signatureOf(repomd)) throw new Violation(`the mirrorlist names ${directory}, which is not signed`)
  }

  #directoryIn(version: Version | undefined): string {
    const [first = ''] = (version?.bytes?.toString() ?? '').split('\n').filter((line) => line.startsWith('https://'))
    return first.replace('https://packages.example.com/', '')
  }

  #digestIn(version: Version | undefined): string | undefined {
    return /-([0-9a-f]{16})\/$/.exec(this.#directoryIn(version))?.[1]
  }
}

/** As it stands in the name of a directory. */
function digestOf(repomd: Buffer): string {
  return createHash('sha256').update(repomd).digest('hex').slice(0, 16)
}
