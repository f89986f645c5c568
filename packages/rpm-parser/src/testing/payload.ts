import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { FileFlag } from '../flags.ts'

/** A file of the package with everything settled. */
export interface PayloadFile {
  readonly path: string
  readonly mode: number
  readonly flags: number
  readonly modifiedTime: number
  /** Of a link: what it points to. Of a directory: nothing. */
  readonly content: Uint8Array
}

export interface Payload {
  /** The cpio archive through gzip, as it stands in the package. */
  readonly compressed: Uint8Array
  /** Bytes of the cpio archive. */
  readonly archiveLength: number
  readonly archiveSha256: string
}

/**
 * @param format 3 and 4: cpio "newc"; 6: rpm's stripped cpio, whose headers hold only the file's index
 * @param nameOf the path as the archive writes it
 */
export function encodePayload(
  files: readonly PayloadFile[],
  format: 3 | 4 | 6,
  nameOf: (path: string) => string,
): Payload {
  const parts = files.flatMap((file, index) => {
    if ((file.flags & FileFlag.GHOST) !== 0) return []
    const header = format === 6 ? strippedHeader(index) : newcHeader(nameOf(file.path), index + 1, file)
    return [header, padding(header.length), file.content, padding(file.content.length)]
  })
  const trailer = newcHeader('TRAILER!!!', 0, { mode: 0, modifiedTime: 0, content: nothing })
  const archive = Buffer.concat([...parts, trailer, padding(trailer.length)])
  return {
    // Speed matters more here than size.
    compressed: gzipSync(archive, { level: 1 }),
    archiveLength: archive.length,
    archiveSha256: createHash('sha256').update(archive).digest('hex'),
  }
}

const nothing = new Uint8Array()

function newcHeader(
  name: string,
  inode: number,
  { mode, modifiedTime, content }: Pick<PayloadFile, 'mode' | 'modifiedTime' | 'content'>,
): Buffer {
  const nameBytes = Buffer.from(`${name}\0`)
  const fields = [inode, mode, 0, 0, 1, modifiedTime, content.length, 0, 0, 0, 0, nameBytes.length, 0]
  const hex = fields.map((field) => field.toString(16).padStart(8, '0')).join('')
  return Buffer.concat([Buffer.from(`070701${hex}`), nameBytes])
}

function strippedHeader(index: number): Buffer {
  return Buffer.from(`07070X${index.toString(16).padStart(8, '0')}`)
}

function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4)
}
