/**
 * A whole entry, tag by tag, for who wants to know more of it than who it is. Nothing of it is kept here, so that memory is that
 * of the entry, however many files it names.
 */
import { StringDecoder } from 'node:string_decoder'
import { rpmNamespace } from './document-kind.ts'
import type { ScannedEntry } from './scan.ts'
import { foldLineEnds, parseStartTag, resolveReferences } from './start-tag.ts'
import { tagEnd } from './tag-bytes.ts'
import { XmlPushParser } from './xml-push-parser.ts'
import { localName } from './xml-tree.ts'

export interface EntryEvents {
  /** @param name without its prefix */
  open(name: string, attributes: ReadonlyMap<string, string>): void
  /** The element that was opened last and not closed ends. */
  close(): void
  /** Between two tags, references resolved. */
  text(text: string): void
}

/**
 * @param what what it is, for the error: "an entry of primary"
 * @throws DocumentError where the entry is broken; of `readEntries` none is
 */
export function walkEntry(entry: ScannedEntry, what: string, events: EntryEvents): void {
  if (entry.plain) walkPlain(entry.bytes, events)
  else walkParsed(entry.bytes, what, events)
}

export interface ElementEvents {
  /** `depth` is 1 for `<package>` itself. */
  open?(name: string, attributes: ReadonlyMap<string, string>, depth: number): void
  /** Text right below the element of this name. */
  text?(name: string, text: string, depth: number): void
  close?(name: string): void
}

/** The same walk, with the names of what is open. */
export function walkElements(entry: ScannedEntry, what: string, { open, text, close }: ElementEvents): void {
  const names: string[] = []
  const events: EntryEvents = {
    open(name, attributes) {
      names.push(name)
      open?.(name, attributes, names.length)
    },
    close() {
      const name = names.pop()
      if (name !== undefined) close?.(name)
    },
    text: (content) => text?.(names.at(-1) ?? '', content, names.length),
  }
  walkEntry(entry, what, events)
}

/** Every `<` is a tag's. */
function walkPlain(bytes: Buffer, events: EntryEvents): void {
  let at = bytes.indexOf(lessThan)
  while (at !== -1) {
    const end = tagEnd(bytes, at)
    if (end === -1) return
    if (bytes[at + 1] === slash) events.close()
    else {
      const { name, attributes } = parseStartTag(bytes.subarray(at, end))
      events.open(localName(name), attributes)
      if (bytes[end - 2] === slash) events.close()
    }
    at = bytes.indexOf(lessThan, end)
    if (at > end) events.text(resolveReferences(foldLineEnds(bytes.toString('utf8', end, at))))
  }
}

/** With comments, CDATA or instructions: through a real parser, in pieces. */
function walkParsed(bytes: Buffer, what: string, events: EntryEvents): void {
  const parser = new XmlPushParser(
    what,
    {
      open: ({ local, attributes }) => {
        events.open(local, new Map(Object.values(attributes).map(({ name, value }) => [name, value])))
      },
      close: () => events.close(),
      text: (text) => events.text(text),
    },
    { rpm: rpmNamespace },
  )
  const decoder = new StringDecoder('utf8')
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    parser.write(decoder.write(bytes.subarray(start, start + pieceBytes)))
  }
  parser.end()
}

const lessThan = 0x3c
const slash = 0x2f
const pieceBytes = 64 * 1024
