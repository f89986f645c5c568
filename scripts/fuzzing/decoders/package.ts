/**
 * Bytes → header → entries. Beside it: what was read can be asked anything, the ranged reader finds the same end, and the entries that
 * are written of it are entries that are read, byte for byte.
 */
import { createHash } from 'node:crypto'
import {
  describePackage,
  documentKinds,
  formatEntries,
  parseLocation,
  readEntries,
  sha256PkgId,
} from '@repokeeper/repodata'
import { formatFoot, formatHead, readPkgId, readPrimaryFacts } from '@repokeeper/repodata/testing'
import { type Header, locateHeaders, parsePackage } from '@repokeeper/rpm-parser'
import { inPieces, insist } from './contradiction.ts'

/** @throws RpmError, PackageTooLargeError, Contradiction */
export async function readHostilePackage(bytes: Uint8Array, pieceBytes: number): Promise<void> {
  const rpm = parsePackage(bytes)
  const located = locateHeaders(bytes)
  insist(located.kind === 'complete' && located.headerEnd === rpm.headerRange.end, 'both readers find one header end')
  askEverything(rpm.signature)
  askEverything(rpm.header)

  const pkgid = sha256PkgId(createHash('sha256').update(bytes).digest('hex'))
  const location = parseLocation('Packages/x.rpm')
  insist(location !== undefined, 'the location is one')
  const { record } = describePackage(rpm, { pkgid, location, size: bytes.length, modified: 1_700_000_000 })
  const entries = formatEntries(record)
  for (const kind of documentKinds) {
    const document = Buffer.concat([formatHead(kind, 1), entries[kind], Buffer.from('\n'), formatFoot(kind)])
    const stored = { name: kind, open: () => inPieces(document, pieceBytes), openBytesMax: document.length }
    const [read, ...others] = await Array.fromAsync(readEntries(kind, stored))
    insist(read !== undefined && others.length === 0, `${kind} holds one entry`)
    insist(read.bytes.equals(entries[kind]), `the ${kind} entry is read as it was written`)
    if (kind === 'primary') {
      const facts = readPrimaryFacts(read)
      for (const field of ['pkgid', 'name', 'epoch', 'version', 'release', 'arch'] as const) {
        insist(facts[field] === record[field], `primary tells the ${field} of the header`)
      }
      insist(facts.href === location, 'primary tells the location')
    } else insist(readPkgId(kind, read) === pkgid, `${kind} tells the pkgid`)
  }
}

function askEverything(header: Header): void {
  for (const { tag } of header.entries()) {
    const texts = header.stringArrayBytes(tag)
    const items = texts.length || header.bigints(tag).length || (header.bytes(tag)?.length ?? 0)
    insist(items > 0 && header.count(tag) > 0, `tag ${tag} has items`)
    insist(header.strings(tag).length === texts.length, `tag ${tag} has as many texts as byte strings`)
    insist(texts.length === 0 || header.strings(tag)[0] === header.string(tag), `tag ${tag} has one first text`)
    insist(header.numbers(tag)[0] === header.number(tag), `tag ${tag} has one first number`)
    insist(header.bigints(tag)[0] === header.bigint(tag), `tag ${tag} has one first integer`)
  }
}
