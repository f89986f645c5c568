/**
 * repomd.xml → records → the next repomd.xml. Beside it: what is written is read again, and says of what was carried over what the
 * old one said; written again it is the same bytes. Whatever a record's href is, the key lies below the repository's root.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  type DocumentKind,
  documentKinds,
  formatRepomd,
  parseRepomd,
  type Repomd,
  recordOf,
} from '@repokeeper/repodata'
import { insist } from './contradiction.ts'

/** @throws DocumentError, Contradiction */
export function readHostileRepomd(bytes: Uint8Array): void {
  const repomd = parseRepomd(bytes)
  for (const kind of documentKinds) recordOf(repomd, kind)
  const next = formatRepomd(repomd, '7', documents)
  const reread = parseRepomd(next.bytes)
  const carried = foreign(repomd).filter(({ type }) => !next.dropped.includes(type))
  insist(isDeepStrictEqual(factsOf(foreign(reread)), factsOf(carried).toSorted(byType)), 'records are carried over')
  insist(formatRepomd(reread, '7', documents).bytes.equals(next.bytes), 'carried over again, it is the same')
}

const written = (kind: DocumentKind) => ({
  ...{ kind, packages: 1, sha256: 'a'.repeat(64), size: 10, openSha256: 'b'.repeat(64), openSize: 20 },
  ...{ href: `repodata/${kind}.xml.gz`, timestamp: 1_700_000_000 },
})
const documents = { primary: written('primary'), filelists: written('filelists'), other: written('other') }

function foreign({ records }: Repomd): Repomd['records'] {
  return records.filter(({ type }) => !(documentKinds as readonly string[]).includes(type))
}

function factsOf(records: Repomd['records']) {
  return records.map(({ type, href, base, checksum, size, openSize }) => ({
    type,
    href,
    base,
    checksum,
    size,
    openSize,
  }))
}

function byType(a: { readonly type: string }, b: { readonly type: string }): number {
  return a.type === b.type ? 0 : a.type < b.type ? -1 : 1
}
