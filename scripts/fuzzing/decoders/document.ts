/**
 * Document → entries → facts. Beside it: however the bytes are cut the entries are the same; below a head of ours they are read
 * again byte for byte; and the parser, which knows nothing of the search for bytes, finds the same trees and the same facts.
 */
import { isDeepStrictEqual } from 'node:util'
import { type DocumentKind, readEntries, type ScannedEntry } from '@repokeeper/repodata'
import {
  documentFrames,
  formatFoot,
  formatHead,
  parseDocument,
  readPkgId,
  readPrimaryFacts,
  rpmNamespace,
} from '@repokeeper/repodata/testing'
import { SaxesParser } from 'saxes'
import { inPieces, insist } from './contradiction.ts'

/** @throws DocumentError, Contradiction */
export async function readHostileDocument(kind: DocumentKind, bytes: Uint8Array, pieceBytes: number): Promise<void> {
  const whole = await outcomeOf(read(kind, bytes, bytes.length + 1))
  const cut = await outcomeOf(read(kind, bytes, pieceBytes))
  insist(
    cut.kind === whole.kind,
    `in pieces it is ${cut.kind} (${String(cut.error)}), as a whole ${whole.kind} (${String(whole.error)})`,
  )
  if (whole.kind === 'refused') throw whole.error
  const { entries } = whole
  insist(isDeepStrictEqual(textsOf(entries), textsOf(cut.entries ?? [])), 'however it is cut, the entries are the same')

  const lines = entries.flatMap((entry) => [entry.bytes, Buffer.from('\n')])
  const again = Buffer.concat([formatHead(kind, entries.length), ...lines, formatFoot(kind)])
  const reread = await read(kind, again, pieceBytes)
  insist(isDeepStrictEqual(textsOf(reread), textsOf(entries)), 'below our own head, the entries are read as they are')
  const parsed = await Array.fromAsync(parseDocument(kind, inPieces(again, pieceBytes)))
  insist(parsed.length === entries.length, `the parser finds ${parsed.length} entries, the search ${entries.length}`)
  for (const [index, entry] of entries.entries()) {
    const other = parsed[index]
    insist(other !== undefined, 'every entry has its counterpart')
    insist(isDeepStrictEqual(treeOf(kind, other), treeOf(kind, entry)), `entry ${index} is the same tree to both`)
    const facts = factsOf(kind, entry)
    insist(
      isDeepStrictEqual(factsOf(kind, { ...entry, plain: false }), facts) &&
        isDeepStrictEqual(factsOf(kind, other), facts),
      `entry ${index} tells the same, found or parsed`,
    )
  }
}

type Outcome =
  | { readonly kind: 'read'; readonly entries: readonly ScannedEntry[]; readonly error?: undefined }
  | { readonly kind: 'refused'; readonly error: unknown; readonly entries?: undefined }

async function outcomeOf(reading: Promise<readonly ScannedEntry[]>): Promise<Outcome> {
  try {
    return { kind: 'read', entries: await reading }
  } catch (error) {
    return { kind: 'refused', error }
  }
}

function read(kind: DocumentKind, bytes: Uint8Array, pieceBytes: number): Promise<ScannedEntry[]> {
  const openBytesMax = 2 * bytes.length + 1024
  return Array.fromAsync(readEntries(kind, { name: 'case.xml', open: () => inPieces(bytes, pieceBytes), openBytesMax }))
}

function textsOf(entries: readonly ScannedEntry[]): string[] {
  return entries.map(({ bytes }) => bytes.toString())
}

/** What it says of the package, or that it says too little: the code. */
function factsOf(kind: DocumentKind, entry: ScannedEntry): unknown {
  try {
    return kind === 'primary' ? readPrimaryFacts(entry) : readPkgId(kind, entry)
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

/** Start tags with names and attributes in their namespaces, end tags, texts; comments and instructions left out. */
function treeOf(kind: DocumentKind, { bytes }: ScannedEntry): readonly unknown[] {
  const additionalNamespaces = {
    '': documentFrames[kind].namespace,
    ...(kind === 'primary' ? { rpm: rpmNamespace } : {}),
  }
  const parser = new SaxesParser({ xmlns: true, additionalNamespaces })
  const events: unknown[] = []
  let text = ''
  const flush = (): void => {
    if (text !== '') events.push(text)
    text = ''
  }
  parser.on('opentag', ({ uri, local, attributes }) => {
    flush()
    const values = Object.values(attributes).filter(({ name, prefix }) => name !== 'xmlns' && prefix !== 'xmlns')
    events.push({
      uri,
      local,
      attributes: values.map(({ uri, local, value }) => `{${uri}}${local}=${value}`).toSorted(),
    })
  })
  parser.on('closetag', () => {
    flush()
    events.push('/')
  })
  parser.on('text', (more) => {
    text += more
  })
  parser.on('cdata', (more) => {
    text += more
  })
  parser.on('error', (error) => {
    throw error
  })
  parser.write(bytes.toString()).close()
  return events
}
