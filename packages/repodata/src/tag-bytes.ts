/**
 * Tags as bytes: where one ends, and where an entry ends.
 */

/**
 * The first byte behind the entry that starts at `start`; else how far the search for its end tag went, so that the next
 * chunk does not begin it again.
 */
export function findEntryEnd(buffer: Buffer, start: number, searched: number): number | { searched: number } {
  const startTagEnd = tagEnd(buffer, start)
  if (startTagEnd === -1) return { searched: start }
  if (buffer[startTagEnd - 2] === 0x2f) return startTagEnd

  let from = Math.max(startTagEnd, searched)
  while (true) {
    const at = buffer.indexOf('</package', from)
    if (at === -1) return { searched: Math.max(from, buffer.length - '</package'.length) }
    if (at + 9 >= buffer.length) return { searched: at }
    if (!endsName(buffer[at + 9])) {
      from = at + 9
      continue
    }
    const close = buffer.indexOf('>', at)
    if (close === -1) return { searched: at }
    const entry = buffer.subarray(startTagEnd, at)
    if (!entry.includes('<!') && !entry.includes('<?')) return close + 1
    const real = walkToEndTag(buffer, startTagEnd)
    return real === -1 ? { searched: startTagEnd } : real
  }
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
