/**
 * What an audit finds: a closed list of what can be wrong between a bucket and its metadata, and what mends each.
 */

/** How `--repair` mends a finding. */
export type Mend =
  /** The key goes the way of every change: the bucket is looked at, and the metadata follows. */
  | 'reconcile'
  /** primary, filelists and other are written anew from the packages. */
  | 'rebuild'
  /** The record is taken out of repomd.xml: what it names is gone, and only clients that stumble over it would notice. */
  | 'drop-record'
  /** What is published is signed anew, with the key that was given. */
  | 'sign'
  /** The package is taken out of the metadata, and stays in the bucket. */
  | 'take-out'
  /** The mirrorlist follows what is published, and the directory of that is made whole. */
  | 'follow'
  /** A person has to decide; the remedy says on what. */
  | 'by-hand'

/** Of packages. */
export type PackageFindingKind =
  /** In the bucket, not in the metadata: a lost notification of an upload. */
  | 'unlisted'
  /** In the metadata, not in the bucket: a lost notification of a removal. */
  | 'vanished'
  /** Listed with another size, time or (deep) digest than the object has: a lost notification of a replacement. */
  | 'changed'
  /** More than one entry stands for one object. */
  | 'listed-twice'
  /** Listed at a place that is not this repository's: outside its root, or in a repository of its own below it. */
  | 'misplaced'
  /** Deep: the digest is right, but the header says another name, epoch, version, release or architecture. */
  | 'entry-differs'
  /** Deep: listed and there, but the store does not give it. */
  | 'unreadable-package'

/** Of signatures of listed packages: what the policy would not let in today. */
export type PackageSignatureFindingKind =
  /** Not signed, or not all of it. */
  | 'unsigned-package'
  /** By no key of the keyring, or by one that is not believed: expired, revoked, too weak, of a kind that is not verified. */
  | 'untrusted-package'
  /** Not what was signed, or not what its own digests say: damaged or forged. */
  | 'broken-signature'

/** Of records of repomd.xml and the documents that they name. */
export type DocumentFindingKind =
  | 'missing-document'
  /** The object has another size than its record says, or (deep) uncompresses to another. */
  | 'wrong-size'
  /** Deep: compressed or open. */
  | 'wrong-digest'
  | 'unreadable-document'
  /** The record places its document outside the repository. */
  | 'outside'
  /** primary, filelists or other has several records. */
  | 'named-twice'
  /** filelists or other does not hold the packages of primary, or is not named at all. */
  | 'half-written'
  /** primary's root says another number of packages than it holds. */
  | 'wrong-count'

export type RepomdFindingKind =
  /** There are packages, but no repomd.xml. */
  | 'no-repomd'
  | 'unreadable-repomd'
  /** It is to be signed, and is not. */
  | 'unsigned'
  /** Its signature is of another repomd.xml, by another key, or none at all. */
  | 'wrong-signature'

export type GenerationFindingKind =
  /** The mirrorlist does not name what is published, and is not pinned; or there is none, and there is to be one. */
  | 'stale-mirrorlist'
  /** What the mirrorlist or a snapshot sends clients to is not whole. */
  | 'broken-generation'
  /** Packages of a snapshot, or of what the mirrorlist is pinned to, are gone or were replaced. */
  | 'lost-packages'
  /** The mirrorlist of a snapshot names no generation any more. */
  | 'unreadable-snapshot'

/** Plain data. `path` is relative to the repository's root. */
export type AuditFinding = {
  /** For people: what is wrong, and what to do. */
  readonly problem: string
  readonly remedy: string
  readonly mend: Mend
  readonly path: string
} & (
  | { readonly kind: PackageFindingKind | RepomdFindingKind | GenerationFindingKind }
  /** `code` is why it would be refused; `keyIds` are of all keys that are said to have signed it. */
  | { readonly kind: PackageSignatureFindingKind; readonly code: string; readonly keyIds: readonly string[] }
  /** `record` is its type: `primary`, `group`, `updateinfo` … */
  | { readonly kind: DocumentFindingKind; readonly record: string }
)

/** What is no drift, but should be known. */
export type AuditNote = {
  readonly path: string
  readonly reason: string
} & {
  readonly kind: /** In the bucket, but no package that can be indexed, or may be: it is rightly not listed. */
    | 'unusable'
    /** A key that ends in `.rpm` and cannot stand in the metadata as a location. */
    | 'passed-over'
    /** Deep: something that could not be checked here. */
    | 'unchecked'
    /** A person has pinned the mirrorlist. */
    | 'pinned'
}

export function packageFinding(kind: PackageFindingKind, path: string, problem: string): AuditFinding {
  const mend: Mend = kind === 'misplaced' || kind === 'entry-differs' ? 'rebuild' : packageMend(kind)
  return { kind, path, problem, remedy: remedies[mend], mend }
}

function packageMend(kind: PackageFindingKind): Mend {
  return kind === 'unreadable-package' ? 'by-hand' : 'reconcile'
}

/** @param ours primary, filelists or other: what can be written anew from the packages */
export function documentFinding(
  kind: DocumentFindingKind,
  { type, href }: { readonly type: string; readonly href: string },
  ours: boolean,
  problem: string,
): AuditFinding {
  const at = { kind, record: type, path: href, problem }
  if (ours) return { ...at, remedy: remedies.rebuild, mend: 'rebuild' }
  if (kind === 'missing-document') return { ...at, remedy: remedies['drop-record'], mend: 'drop-record' }
  return { ...at, remedy: kind === 'outside' ? outsideRemedy(type) : otherRemedy(href), mend: 'by-hand' }
}

function outsideRemedy(type: string): string {
  return `put the file below the repository's root and name it there, or take its record out: modifyrepo_c --remove ${type} repodata/`
}

function otherRemedy(href: string): string {
  return (
    'put back the document that the record describes, or name what is there now with modifyrepo_c; clients refuse ' +
    `${href} as it is`
  )
}

export function repomdFinding(kind: RepomdFindingKind, problem: string): AuditFinding {
  return { kind, path: 'repodata/repomd.xml', problem, remedy: remedies.rebuild, mend: 'rebuild' }
}

export function signatureFinding(kind: 'unsigned' | 'wrong-signature', problem: string): AuditFinding {
  return { kind, path: 'repodata/repomd.xml.asc', problem, remedy: remedies.sign, mend: 'sign' }
}

/** @param refusal with a reason that says what to do */
export function packageSignatureFinding(
  path: string,
  { code, reason, keyIds }: { readonly code: string; readonly reason: string; readonly keyIds: readonly string[] },
): AuditFinding {
  const kind = signatureKinds[code] ?? 'broken-signature'
  return { kind, code, keyIds, path, problem: reason, remedy: remedies['take-out'], mend: 'take-out' }
}

/** By the code of the refusal; what else there may be is a package that cannot be read. */
const signatureKinds: Readonly<Record<string, PackageSignatureFindingKind>> = {
  UNSIGNED: 'unsigned-package',
  PAYLOAD_NOT_SIGNED: 'unsigned-package',
  UNKNOWN_KEY: 'untrusted-package',
  KEY_EXPIRED: 'untrusted-package',
  KEY_REVOKED: 'untrusted-package',
  WEAK_SIGNATURE: 'untrusted-package',
  UNSUPPORTED_SIGNATURE: 'untrusted-package',
}

export function generationFinding(
  kind: GenerationFindingKind,
  path: string,
  problem: string,
  mend: 'follow' | 'by-hand',
): AuditFinding {
  const follows = mend === 'follow' || kind === 'stale-mirrorlist'
  return { kind, path, problem, remedy: follows ? remedies.follow : generationRemedies[kind], mend }
}

const leaveIt = 'pin the mirrorlist to another generation, or delete the snapshots of this one'

const generationRemedies: Readonly<Record<Exclude<GenerationFindingKind, 'stale-mirrorlist'>, string>> = {
  'broken-generation': leaveIt,
  'lost-packages': `put back what was there; or ${leaveIt}`,
  'unreadable-snapshot': 'put the file back as it was, or delete it, and with it the snapshot',
}

/** Of the generation that the mirrorlist is pinned to: "audit" signs what is published, and nothing else. */
export function pinnedSignatureFinding(
  kind: 'unsigned' | 'wrong-signature',
  path: string,
  problem: string,
): AuditFinding {
  return {
    kind,
    path,
    problem,
    remedy: 'pin the mirrorlist to it once more ("repokeeper rollback"), with the key',
    mend: 'by-hand',
  }
}

const remedies: Readonly<Record<Mend, string>> = {
  reconcile: '"audit --repair" brings the metadata to what is there',
  rebuild: '"audit --repair" writes primary, filelists and other anew from the packages; so does "rebuild"',
  'drop-record':
    'put the file back; or "audit --repair" takes its record out of repomd.xml: as it is, clients fail on it',
  sign: '"audit --repair" with the key signs what is published; a worker with the key does so within a minute',
  'take-out': '"audit --signatures --repair" takes it out of the metadata, and leaves the file in the bucket',
  follow:
    '"audit --repair" mends it, with the key where it is signed; so does a worker within a minute, but for single documents that are gone',
  'by-hand': 'see that it can be read (permissions, storage class), or remove it: clients cannot download it either',
}

/** repomd.xml first, then documents, then packages; each by path. */
export function compareFindings(a: AuditFinding, b: AuditFinding): number {
  return rank(a) - rank(b) || compareText(a.path, b.path) || compareText(a.kind, b.kind)
}

function rank(finding: AuditFinding): number {
  if (finding.path.startsWith('repodata/repomd.xml')) return 0
  return 'record' in finding ? 1 : 2
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
