import { type HeaderLimits, headerBytesMax } from './limits.ts'
import { RpmError } from './rpm-error.ts'

export type HeaderKind = 'signature' | 'main'

/** Where a header lies in the file; all offsets count from the file's first byte. */
export interface HeaderExtent {
  readonly kind: HeaderKind
  readonly start: number
  readonly entryCount: number
  readonly dataLength: number
  readonly indexStart: number
  readonly dataStart: number
  /** Behind the last byte of the data area; padding not counted. */
  readonly end: number
}

/** Magic (8 bytes), number of entries and length of the data area (4 bytes each, big-endian). */
export const introLength = 16
export const indexEntryLength = 16

/**
 * Reads the first 16 bytes of a header (lib/header.cc `hdrblobRead`): magic, number of index entries, bytes of data.
 *
 * @returns `undefined` where the bytes end too early to say, but may still be a header
 * @throws RpmError BAD_MAGIC, LIMIT_EXCEEDED
 */
export function headerExtent(
  bytes: Uint8Array,
  start: number,
  kind: HeaderKind,
  limits: HeaderLimits,
): HeaderExtent | undefined {
  checkMagic(bytes, start, kind)
  if (bytes.length < start + introLength) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, introLength)
  const entryCount = view.getUint32(8)
  const dataLength = view.getUint32(12)
  const [entriesMax, dataBytesMax] =
    kind === 'signature'
      ? [limits.signatureEntriesMax, limits.signatureDataBytesMax]
      : [limits.headerEntriesMax, limits.headerDataBytesMax]
  if (entryCount > entriesMax) {
    const message = `the ${kind} header says it has ${entryCount} entries; the limit is ${entriesMax}`
    throw new RpmError('LIMIT_EXCEEDED', message, start + 8)
  }
  if (dataLength > dataBytesMax) {
    const message = `the ${kind} header says it has ${dataLength} bytes of data; the limit is ${dataBytesMax}`
    throw new RpmError('LIMIT_EXCEEDED', message, start + 12)
  }
  const contentLength = indexEntryLength * entryCount + dataLength
  if (8 + contentLength >= headerBytesMax) {
    const message = `the ${kind} header says it has ${contentLength} bytes; the limit is ${headerBytesMax - 9}`
    throw new RpmError('LIMIT_EXCEEDED', message, start + 8)
  }
  const indexStart = start + introLength
  const dataStart = indexStart + indexEntryLength * entryCount
  return { kind, start, entryCount, dataLength, indexStart, dataStart, end: dataStart + dataLength }
}

const magic = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0]

/** Looks at as much of the magic as there is, so that a wrong file is refused as early as possible. */
function checkMagic(bytes: Uint8Array, start: number, kind: HeaderKind): void {
  for (const [index, expected] of magic.entries()) {
    const found = bytes[start + index]
    if (found === undefined) return
    if (found !== expected) {
      const message = `no ${kind} header at byte ${start}: expected 8eade801 00000000, found ${hex(bytes, start)}`
      throw new RpmError('BAD_MAGIC', message, start)
    }
  }
}

function hex(bytes: Uint8Array, start: number): string {
  return Buffer.from(bytes.subarray(start, start + magic.length))
    .toString('hex')
    .replace(/^.{8}(?=.)/, '$& ')
}
