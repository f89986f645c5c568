/** Bytes from `start` to `end`, the last one included, as in HTTP. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * What a Range header asks of an object of this size. `undefined`: the whole of it, as for a header that is none, or that
 * asks for more than one range, which S3 doesn't serve. `unsatisfiable`: 416.
 * Source: RFC 9110, 14.1.2 and 14.2; AWS, GetObject, "Amazon S3 doesn't support retrieving multiple ranges".
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header?.replaceAll(/\s/g, '') ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Number(last)
    return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size - 1 }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}
