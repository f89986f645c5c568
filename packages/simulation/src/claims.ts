/**
 * What has to hold at every moment, whatever happens. An outsider's look: nothing here uses the code that it judges.
 */
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import type { Bucket, Version } from './bucket.ts'
import { MirrorlistClaims } from './mirrorlist-claims.ts'
import { describeContent } from './packages.ts'
import { signatureOf } from './signer.ts'
import { isTrusted } from './trust.ts'
import { Violation } from './violation.ts'

/** What one repomd.xml made public. */
interface Generation {
  readonly moment: number
  readonly at: number
  /** The signature that it is to have. */
  readonly signature: string
  /** Keys of the documents that it names. */
  readonly documents: readonly string[]
  /** Path → what is said of the package there. */
  readonly packages: ReadonlyMap<string, string>
}

export class Claims {
  readonly #bucket: Bucket
  readonly #root: string
  readonly #retentionMs: number
  readonly #isSigned: boolean
  readonly #trusts: 'signed' | undefined
  readonly #generations: Generation[] = []
  readonly #mirrorlist: MirrorlistClaims

  constructor(
    bucket: Bucket,
    rules: {
      readonly root: string
      readonly retentionMs: number
      readonly isSigned: boolean
      readonly hasGenerations: boolean
      readonly trusts: 'signed' | undefined
    },
  ) {
    this.#mirrorlist = new MirrorlistClaims(bucket, rules)
    this.#bucket = bucket
    this.#root = rules.root
    this.#retentionMs = rules.retentionMs
    this.#isSigned = rules.isSigned
    this.#trusts = rules.trusts
  }

  get generations(): number {
    return this.#generations.length
  }

  /** To be called at the moment of every change of the bucket. @throws Violation */
  changed(key: string, version: Version): void {
    if (key === `${this.#root}repodata/repomd.xml`) this.#published(version)
    else if (key === `${this.#root}repodata/repomd.xml.asc`) this.#signed(key, version)
    else if (key.startsWith(`${this.#root}repodata/`)) this.#documentChanged(key, version)
    this.#mirrorlist.changed(key, version)
  }

  /**
   * A message may go once the metadata has said of each key, since it was sent, what the bucket held since then.
   *
   * @param sent the moment of the change that it tells of
   * @throws Violation
   */
  deleted(message: string, keys: readonly string[], sent: number): void {
    for (const key of keys) {
      const path = key.slice(this.#root.length)
      const inBucket = new Set(this.#bucket.since(key, sent).map((version) => this.#statement(version)))
      const first = this.#generations.findLastIndex(({ moment }) => moment <= sent)
      const said = this.#generations.slice(Math.max(0, first)).map(({ packages }) => packages.get(path) ?? 'absent')
      if (first === -1) said.push('absent')
      if (said.some((one) => inBucket.has(one))) continue
      throw new Violation(
        `${message} was deleted, but since it was sent the metadata never said of ${path} what the bucket held: the bucket held ` +
          `${[...inBucket].join(', then ')}; the metadata said ${said.join(', then ')}`,
      )
    }
  }

  /** When everything has settled: the metadata is the bucket. @throws Violation */
  settled(): void {
    const pledge = this.#bucket.keys().find((key) => key.includes('/repodata/pledge-'))
    if (pledge !== undefined) throw new Violation(`in the end ${pledge} is left: somebody looks again for ever`)
    this.#isSignedInTheEnd()
    this.#mirrorlist.settled()
    const inBucket = new Map<string, string>()
    for (const key of this.#bucket.keys()) {
      if (!key.startsWith(this.#root) || !key.endsWith('.rpm')) continue
      const version = this.#bucket.at(key)
      const said = version === undefined ? 'absent' : this.#statement(version)
      if (said !== 'absent' && said !== 'refused') inBucket.set(key.slice(this.#root.length), said)
    }
    const listed = this.#generations.at(-1)?.packages ?? new Map<string, string>()
    for (const path of new Set([...inBucket.keys(), ...listed.keys()])) {
      const [is, says] = [inBucket.get(path) ?? 'absent', listed.get(path) ?? 'absent']
      if (is !== says) throw new Violation(`in the end the bucket holds at ${path}: ${is}; the metadata says: ${says}`)
    }
  }

  #published(version: Version): void {
    const before = this.#generations.at(-1)
    if (version.bytes === undefined) throw new Violation('repomd.xml was deleted')
    const repomd = version.bytes.toString()
    const records = [...repomd.matchAll(/<data type="([^"]+)">([\s\S]*?)<\/data>/g)]
    const documents = new Map<string, { key: string; text: string }>()
    for (const [, type = '', record = ''] of records) {
      const href = /<location href="([^"]+)"/.exec(record)?.[1] ?? ''
      const promised = /<checksum type="sha256">([0-9a-f]+)</.exec(record)?.[1]
      const key = `${this.#root}${href}`
      const bytes = this.#bucket.at(key)?.bytes
      if (bytes === undefined) throw new Violation(`repomd.xml was published and names ${href}, which is not there`)
      if (createHash('sha256').update(bytes).digest('hex') !== promised) {
        throw new Violation(`repomd.xml was published and names ${href}, which has another digest`)
      }
      documents.set(type, { key, text: gunzipSync(bytes).toString() })
    }
    const packages = this.#readPackages(documents)
    this.#saysNothingOfOld(before, packages)
    const keys = [...documents.values()].map(({ key }) => key)
    const signature = signatureOf(version.bytes)
    this.#generations.push({ moment: version.moment, at: version.at, signature, documents: keys, packages })
  }

  /** Each signature is of something that was published, and none of an older generation comes after one of a newer. */
  #signed(key: string, version: Version): void {
    const generationOf = ({ bytes }: Version): number =>
      this.#generations.findIndex(({ signature }) => signature === bytes?.toString())
    const now = generationOf(version)
    if (version.bytes === undefined) throw new Violation('the signature was deleted')
    if (now === -1) throw new Violation('a signature was stored before what it signs')
    const before = this.#bucket.since(key, 0).filter(({ moment }) => moment < version.moment)
    const newest = Math.max(-1, ...before.map((one) => generationOf(one)))
    if (now < newest) {
      throw new Violation(`the signature of generation ${now + 1} was stored after that of generation ${newest + 1}`)
    }
  }

  #isSignedInTheEnd(): void {
    const last = this.#generations.at(-1)
    if (!this.#isSigned || last === undefined) return
    const is = this.#bucket.at(`${this.#root}repodata/repomd.xml.asc`)?.bytes?.toString()
    if (is === last.signature) return
    const what = is === undefined ? 'not signed' : 'beside the signature of another generation'
    throw new Violation(`in the end repomd.xml is ${what}: clients refuse it`)
  }

  /** Whatever a publish says anew has been so since the one before it: it never takes back what that said rightly. */
  #saysNothingOfOld(before: Generation | undefined, packages: ReadonlyMap<string, string>): void {
    if (before === undefined) return
    for (const path of new Set([...before.packages.keys(), ...packages.keys()])) {
      const [said, says] = [before.packages.get(path) ?? 'absent', packages.get(path) ?? 'absent']
      if (said === says) continue
      const since = this.#bucket.since(`${this.#root}${path}`, before.moment).map((version) => this.#statement(version))
      if (since.includes(says) || (says === 'absent' && since.includes('refused'))) continue
      throw new Violation(
        `${path}: the publish before said ${said}, this one says ${says}, but since the one before the bucket held ` +
          `${since.join(', then ')}`,
      )
    }
  }

  #readPackages(documents: ReadonlyMap<string, { readonly text: string }>): Map<string, string> {
    const primary = documents.get('primary')?.text ?? ''
    const packages = new Map<string, string>()
    const ids: string[] = []
    for (const entry of primary.split('<package ').slice(1)) {
      const field = (pattern: RegExp): string => pattern.exec(entry)?.[1] ?? ''
      const path = field(/<location href="([^"]*)"/)
      const pkgid = field(/<checksum [^>]*>([0-9a-f]+)</)
      const name = field(/<name>([^<]*)</)
      const version = field(/ ver="([^"]*)"/)
      if (packages.has(path)) throw new Violation(`${path} is listed twice`)
      ids.push(pkgid)
      packages.set(path, `${name} ${version} ${pkgid.slice(0, 8)} of ${field(/<time file="([0-9]+)"/)}`)
      this.#isOneVersion(path, pkgid, Number(field(/<size package="([0-9]+)"/)), `${name} ${version}`)
    }
    for (const kind of ['filelists', 'other']) {
      const own = [...(documents.get(kind)?.text ?? '').matchAll(/<package pkgid="([0-9a-f]+)"/g)].map(([, id]) => id)
      if (own.join() !== ids.join()) throw new Violation(`${kind} holds other packages than primary`)
    }
    return packages
  }

  /** Digest, size and what the header says are of one and the same object, which did stand there. */
  #isOneVersion(path: string, pkgid: string, size: number, header: string): void {
    const stood = this.#bucket.since(`${this.#root}${path}`, 0).find((version) => {
      return version.bytes !== undefined && createHash('sha256').update(version.bytes).digest('hex') === pkgid
    })
    if (stood?.bytes === undefined) throw new Violation(`${path} is listed with a digest that no object there ever had`)
    if (stood.bytes.length !== size) throw new Violation(`${path} is listed with a size that is not of its digest`)
    const described = describeContent(stood.bytes)
    if (described !== header) {
      throw new Violation(`${path} is listed with the header of ${header} and the digest of ${described}`)
    }
  }

  /** Documents never change, and go only when no client can want them. */
  #documentChanged(key: string, version: Version): void {
    for (const [index, generation] of this.#generations.entries()) {
      if (!generation.documents.includes(key)) continue
      const before = this.#bucket.since(key, 0).filter(({ moment }) => moment < version.moment)
      if (version.bytes !== undefined && before.some(({ bytes }) => bytes?.equals(version.bytes ?? bytes) === false)) {
        throw new Violation(`${key} was overwritten with other bytes`)
      }
      if (version.bytes !== undefined) continue
      const superseded = this.#generations[index + 1]
      if (superseded === undefined) throw new Violation(`${key} was deleted, which repomd.xml names`)
      const age = version.at - superseded.at
      if (age < this.#retentionMs) {
        throw new Violation(
          `${key} was deleted ${age / 1000} s after the last repomd.xml that names it was superseded; retention is ` +
            `${this.#retentionMs / 1000} s`,
        )
      }
    }
  }

  /** What the metadata has to say where this stands. */
  #statement({ bytes, modified }: Version): string {
    if (bytes === undefined) return 'absent'
    const described = describeContent(bytes)
    if (described === undefined || (this.#trusts === 'signed' && !isTrusted(described))) return 'refused'
    return `${described} ${createHash('sha256').update(bytes).digest('hex').slice(0, 8)} of ${modified}`
  }
}
