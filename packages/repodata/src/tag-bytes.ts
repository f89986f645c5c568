/**
 * Tags as bytes: where one ends, and where an entry ends.
 */

export interface EntryEnd {
  /** The first byte behind the entry. */
  readonly end: number
  /** Without comments, CDATA sections and processing instructions: every `<` is a tag's. */
  readonly plain: boolean
}

/**
 * Where the entry ends that starts at `start`; else how far the search for its end tag went, so that the next chunk does not begin it
 * again.
 */
export function findEntryEnd(buffer: Buffer, start: number, searched: number): EntryEnd | { searched: number } {
  const startTagEnd = tagEnd(buffer, start)
  if (startTagEnd === -1) return { searched: start }
  if (buffer[startTagEnd - 2] === 0x2f) {
    return { end: startTagEnd, plain: isPlain(buffer.subarray(start, startTagEnd)) }
  }

  let from = Math.max(startTagEnd, searched)
  while (true) {
    const at = buffer.indexOf('</package', from)
    if (at === -1) return { searched: Math.max(from, buffer.length - '</package'.length) }
    if (at + 9 >= buffer.length) return { searched: at }
    if (!endsName(buffer[at + 9])) {
      from = at + 9
      continue
    }
    const close = buffer.indexOf(0x3e, at)
    if (close === -1) return { searched: at }
    if (isPlain(buffer.subarray(start, close + 1))) return { end: close + 1, plain: true }
    const real = walkToEndTag(buffer, startTagEnd)
    return real === -1 ? { searched: startTagEnd } : { end: real, plain: false }
  }
}

/** Whether no `<!` and no `<?` stands in these bytes. */
export function isPlain(bytes: Buffer): boolean {
  return !holdsMark(bytes, 0x21, '<!') && !holdsMark(bytes, 0x3f, '<?')
}

/** Where `<` is everywhere, what follows it is rare, and a single byte is found much faster than two. */
function holdsMark(bytes: Buffer, rare: number, mark: string): boolean {
  const at = bytes.indexOf(rare)
  return at !== -1 && bytes.includes(mark, Math.max(0, at - 1))
}

/** The end of the entry found tag by tag, past comments, CDATA sections and processing instructions; -1 while it is not all there. */
function walkToEndTag(buffer: Buffer, from: number): number {
  let at = from
  while (true) {
    at = buffer.indexOf('<', at)
    if (at === -1 || at + 10 > buffer.length) return -1
    const mark = buffer.toString('latin1', at, at + 9)
    if (mark.startsWith('<!--')) at = endOf(buffer, '-->', at + 4)
    else if (mark.startsWith('<![CDATA[')) at = endOf(buffer, ']]>', at + 9)
    else if (mark.startsWith('<?')) at = endOf(buffer, '?>', at + 2)
    else if (mark === '</package' && endsName(buffer[at + 9])) return endOf(buffer, '>', at)
    else at = tagEnd(buffer, at)
    if (at === -1) return -1
  }
}

/** The first byte behind the mark; -1 while it is not all there. */
export function endOf(buffer: Buffer, mark: string, from: number): number {
  const at = buffer.indexOf(mark, from)
  return at === -1 ? -1 : at + mark.length
}

/** The first byte behind the `>` of the tag that starts at `from`, quotes respected; -1 while it is not all there. */
export function tagEnd(buffer: Buffer, from: number): number {
  let quote = 0
  for (let at = from; at < buffer.length; at += 1) {
    const byte = buffer[at]
    if (quote !== 0) {
      if (byte === quote) quote = 0
    } else if (byte === 0x22 || byte === 0x27) quote = byte
    else if (byte === 0x3e) return at + 1
  }
  return -1
}

/** XML 1.0, production 3 (S). */
export function isWhiteSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** `<packager>` starts with `<package` too. */
export function endsName(byte: number | undefined): boolean {
  return isWhiteSpace(byte) || byte === 0x3e || byte === 0x2f
}
