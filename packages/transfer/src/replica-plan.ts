/**
 * What has to come, what may stay, and what is no longer named: plain data, from what the source lists and what the target holds.
 */
import type { ChecksumType } from '@repokeeper/repodata'

/** A file of the source's generation, at its path below the root. */
export interface WantedFile {
  readonly path: string
  readonly checksum: { readonly type: ChecksumType; readonly hex: string }
  /** Bytes. */
  readonly size: number | undefined
}

export interface HeldFile {
  /** Bytes. */
  readonly size: number
  /** The digest with which the target's own metadata, published after it was checked, names it. */
  readonly checksum: { readonly type: ChecksumType; readonly hex: string } | undefined
}

export interface ReplicaPlan {
  /** Nothing stands at these paths. */
  readonly fetch: readonly WantedFile[]
  /** Something of that size stands there, of which nobody has said what it is: a run that was cut short has left it. */
  readonly check: readonly WantedFile[]
  /** Something else stands there, which clients of the last generation may still ask for: these come last. */
  readonly replace: readonly WantedFile[]
  readonly kept: number
  /** Paths of the replica's own that the generation does not name, in the order of the listing. */
  readonly superseded: readonly string[]
}

export interface ReplicaPlanInput {
  readonly wanted: readonly WantedFile[]
  /** By path. */
  readonly held: ReadonlyMap<string, HeldFile>
  /** Of these nothing is believed: every byte is looked at. */
  readonly isDoubted: (path: string) => boolean
  /** What others have put there is none of the replica's business. */
  readonly isOwn: (path: string) => boolean
}

export function planReplica({ wanted, held, isDoubted, isOwn }: ReplicaPlanInput): ReplicaPlan {
  const fetch: WantedFile[] = []
  const check: WantedFile[] = []
  const replace: WantedFile[] = []
  const named = new Set<string>()
  let kept = 0
  for (const file of wanted) {
    named.add(file.path)
    const there = held.get(file.path)
    if (there === undefined) fetch.push(file)
    else if (file.size !== undefined && there.size !== file.size) replace.push(file)
    else if (there.checksum === undefined || isDoubted(file.path)) check.push(file)
    else if (isSame(there.checksum, file.checksum)) kept += 1
    // The target names it with another kind of digest: that says nothing.
    else if (there.checksum.type !== file.checksum.type) check.push(file)
    else replace.push(file)
  }
  return { fetch, check, replace, kept, superseded: [...held.keys()].filter((path) => !named.has(path) && isOwn(path)) }
}

/** Since when each path is superseded: what was known of it stays, what is named again is forgotten. */
export function supersededSince(
  paths: readonly string[],
  known: ReadonlyMap<string, number>,
  now: number,
): Map<string, number> {
  return new Map(paths.map((path) => [path, Math.min(known.get(path) ?? now, now)]))
}

/** What may be deleted: superseded for the whole retention. */
export function expired(superseded: ReadonlyMap<string, number>, now: number, retentionMs: number): string[] {
  return [...superseded].filter(([, since]) => now - since >= retentionMs).map(([path]) => path)
}

function isSame(a: WantedFile['checksum'], b: WantedFile['checksum']): boolean {
  return a.type === b.type && a.hex === b.hex
}
