/**
 * Is an entry, found as bytes, well-formed, and does it mean the same below a head of ours?
 *
 * Nearly all are, and do, and are told at one look (well-formed.ts). The others go to the real parser, which says what is
 * wrong, or that nothing is, or writes the entry anew.
 */
import { isUtf8 } from 'node:buffer'
import { DocumentError } from './document-error.ts'
import type { ScannedHead } from './document-head.ts'
import { type DocumentKind, documentFrames, rpmNamespace } from './document-kind.ts'
import { EntryRewriter } from './entry-rewriter.ts'
import type { ScannedEntry } from './scan.ts'
import { isWellFormedEntry } from './well-formed.ts'
import { XmlPushParser } from './xml-push-parser.ts'

/** @throws DocumentError `BROKEN_XML` */
export function checkEntry(kind: DocumentKind, head: ScannedHead, entry: ScannedEntry): ScannedEntry {
  const declared = head.namespaces.get('rpm')
  const rpmPrefix = kind === 'primary' && (declared === undefined || declared === rpmNamespace)
  if (isWellFormedEntry(entry.bytes, documentFrames[kind].namespace, rpmPrefix)) return entry

  const what = `the entry at byte ${entry.at} of ${kind}`
  if (!isUtf8(entry.bytes))
    throw new DocumentError('BROKEN_XML', `${what} is broken XML: it holds bytes that are not UTF-8`)
  const namespaces = namespacesOf(kind, head)
  const rewriter = new EntryRewriter(kind, namespaces[''])
  const parser = new XmlPushParser(what, rewriter, namespaces)
  parser.write(entry.bytes.toString('utf8'))
  parser.end()
  const { bytes, changed } = rewriter.finish()
  return changed ? { ...entry, bytes } : entry
}

/** What the entry's own root declares, and what it should have declared. */
function namespacesOf(kind: DocumentKind, head: ScannedHead): Record<string, string> & { '': string } {
  const { namespace } = documentFrames[kind]
  const declared = [...head.namespaces].filter(([prefix]) => prefix !== 'xml')
  return { '': namespace, ...(kind === 'primary' ? { rpm: rpmNamespace } : {}), ...Object.fromEntries(declared) }
}
