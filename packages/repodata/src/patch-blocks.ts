/**
 * The new document from the old one, both of this project: blocks that stay are copied as they lie, compressed; the others are written anew.
 */
import type { BlockStep } from './block-plan.ts'
import type { BlockedDocument } from './blocked-document.ts'
import { DocumentError } from './document-error.ts'
import type { DocumentKind } from './document-kind.ts'
import { type DocumentForm, type DocumentSink, DocumentWriter, type WrittenDocument } from './document-writer.ts'
import { readPkgId } from './entry-facts.ts'
import type { ScratchFile } from './scratch-file.ts'

/** Whether the blocks of the documents hold the same packages, as far as their tables say. */
export function areAligned(documents: readonly BlockedDocument[]): boolean {
  const [first, ...others] = documents.map(({ table }) => table.blocks.map(({ packages }) => packages))
  return others.every(
    (counts) => counts.length === first?.length && counts.every((count, block) => count === first[block]),
  )
}

/**
 * @param steps for blocks of `old` and of the primary that belongs to it (`planBlocks`)
 * @param scratch an empty file, the caller's to discard
 * @throws DocumentError `BROKEN_TABLE` or `OUT_OF_ORDER` where the document is not what its table or primary say: then it is to be read whole,
 * and what went to the sink is to be thrown away
 */
export async function patchBlocks(
  kind: DocumentKind,
  old: BlockedDocument,
  steps: readonly BlockStep[],
  form: DocumentForm,
  output: { readonly sink: DocumentSink; readonly scratch: ScratchFile },
): Promise<WrittenDocument> {
  const writer = new DocumentWriter(kind, form, output.scratch)
  for (const step of steps) {
    if (step.kind === 'copied') writer.copy(old.placed(step.first, step.count))
    else await rewrite(kind, old, step, writer)
  }
  return writer.finish(output.sink)
}

async function rewrite(
  kind: DocumentKind,
  old: BlockedDocument,
  { first, count, pkgids, entries }: Extract<BlockStep, { kind: 'rewritten' }>,
  writer: DocumentWriter,
): Promise<void> {
  const lying = old.entries(first, count)
  let read = 0
  const next = async (): Promise<Buffer | undefined> => {
    const { done, value } = await lying.next()
    if (done === true) return undefined
    if (kind !== 'primary' && readPkgId(kind, value) !== pkgids[read]) {
      throw new DocumentError('OUT_OF_ORDER', `the entries of ${kind} do not lie as those of primary do`)
    }
    read += 1
    return value.bytes
  }
  try {
    for (const entry of entries) {
      if (entry.kind === 'new') {
        await writer.add({ href: entry.location }, await entry.read(kind))
        continue
      }
      let bytes = await next()
      while (bytes !== undefined && read <= entry.at) bytes = await next()
      if (bytes === undefined) throw new Error('entries are not asked for in order')
      await writer.add(entry.listed, bytes)
    }
    // To the end, so that the table is found true or not.
    while ((await next()) !== undefined);
  } finally {
    await lying.return(undefined)
  }
}
