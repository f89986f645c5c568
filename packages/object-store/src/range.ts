/** Bytes `start` to `end`, exclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The part of an object of `size` bytes that a range covers, the whole one without a range.
 *
 * @throws RangeError where the range is not two safe integers with 0 ≤ start ≤ end: a fault of the caller.
 */
export function clampRange(range: ByteRange | undefined, size: number): ByteRange {
  if (range === undefined) return { start: 0, end: size }
  checkRange(range)
  const start = Math.min(range.start, size)
  return { start, end: Math.max(start, Math.min(range.end, size)) }
}

export function checkRange({ start, end }: ByteRange): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw new RangeError(`no range of bytes: ${start} to ${end}`)
  }
}
