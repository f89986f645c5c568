/**
 * The table of a document's blocks, and the document read by it. A case is the table; the pieces that it tells of are taken from a whole
 * document as far as that goes, so that a false table comes further than to its own sums.
 */
import {
  BlockedDocument,
  BlockLookup,
  compareLocations,
  DocumentError,
  gzipContainer,
  MemoryFile,
  zstdContainer,
} from '@repokeeper/repodata'
import {
  type BlockTable,
  formatBlockTable,
  parseBlockTable,
  piecesOf,
  sealBlockTable,
} from '@repokeeper/repodata/testing'
import { blockSeeds } from '../seeds.ts'
import { insist } from './contradiction.ts'

/** A table that promises more is not followed here. */
const documentBytesMax = 2 ** 22
const locationsAsked = ['', 'Packages/4-150.rpm', 'Packages/4-0.rpm', '\u{10ffff}']

/** @throws DocumentError, Contradiction */
export async function readHostileBlocks(bytes: Uint8Array): Promise<void> {
  const table = parseBlockTable(bytes)
  if (table === undefined) throw new DocumentError('BROKEN_TABLE', 'no table')
  const again = parseBlockTable(formatBlockTable(table))
  insist(JSON.stringify(again) === JSON.stringify(table), 'a table that was read is written and read as the same')

  let size = 0
  for (const piece of piecesOf(table)) size += piece.size
  const note = sealBlockTable(table)
  const isTried = size <= documentBytesMax && note.length <= gzipContainer.noteBytesMax
  if (!isTried) throw new DocumentError('TOO_LARGE', 'more than is tried')
  // It belongs to the one or the other, if to any.
  const isOpened = areInOrder(table)
  let refusal: unknown = new DocumentError('BROKEN_TABLE', 'it is not opened')
  seeds ??= blockSeeds()
  for (const { container, pieces } of await seeds) {
    const file = new MemoryFile()
    await file.append(container.formatHeader(note))
    const body = Buffer.concat([pieces, Buffer.alloc(Math.max(0, size - pieces.length))]).subarray(0, size)
    await file.append(body)
    await file.append(container.formatTrailer(table))
    const document = await BlockedDocument.open('primary', file)
    if (document === undefined) {
      insist(!isOpened || container !== zstdContainer, 'a table that is in order is opened')
      continue
    }
    try {
      return await readAll(document)
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error
      refusal = error
    }
  }
  throw refusal
}

/** Made once, for who needs them. */
let seeds: ReturnType<typeof blockSeeds> | undefined

function areInOrder({ blocks }: BlockTable): boolean {
  return blocks.every(
    ({ firstLocation }, at) => compareLocations(blocks[at - 1]?.firstLocation ?? '', firstLocation) <= 0,
  )
}

async function readAll(document: BlockedDocument): Promise<void> {
  const wanted = new DocumentError('OUT_OF_ORDER', 'nobody reads this whole')
  const lookup = new BlockLookup(document, () => Promise.reject(wanted))
  let entries = 0
  for await (const _ of document.entries(0, document.table.blocks.length)) entries += 1
  insist(entries === document.packages, 'all entries that were promised were read')
  for (const location of locationsAsked) {
    for (const listed of await lookup.at(location)) {
      insist(listed.href === location, 'what is found lies where it was asked for')
      insist(listed.ordinal < document.packages, 'its place is one of the document')
    }
  }
}
