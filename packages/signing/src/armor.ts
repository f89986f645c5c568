import { OpenPgpError } from './openpgp-error.ts'

/** One block of an armored file: what its lines say it is, and its bytes. */
export interface ArmoredBlock {
  /** `PUBLIC KEY BLOCK`, `PRIVATE KEY BLOCK`, `SIGNATURE` … */
  readonly kind: string
  readonly bytes: Uint8Array
}

/**
 * All blocks of a text, which may have other text around them (RFC 9580 6.2). A checksum that is there has to be right; rpm up to
 * 4.20 wants one, and newer writers leave it out.
 *
 * @throws OpenPgpError MALFORMED
 */
export function readArmor(text: string): ArmoredBlock[] {
  const blocks: ArmoredBlock[] = []
  let open: { readonly kind: string; readonly lines: string[] } | undefined
  for (const line of text.split('\n').map((one) => one.trimEnd())) {
    const { edge, kind } = /^-----(?<edge>BEGIN|END) PGP (?<kind>[A-Z ]+)-----$/.exec(line)?.groups ?? {}
    if (kind === undefined) open?.lines.push(line)
    else if (edge === 'BEGIN') open = { kind, lines: [] }
    else if (open?.kind === kind) {
      blocks.push({ kind, bytes: bytesOf(open.lines) })
      open = undefined
    }
  }
  if (open !== undefined) throw new OpenPgpError('MALFORMED', `a ${open.kind} has no end: it was cut`)
  return blocks
}

/** A block with its checksum, which rpm up to 4.20 wants. */
export function writeArmor(kind: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN PGP ${kind}-----`, '', ...lines, `=${crc24(bytes)}`, `-----END PGP ${kind}-----`, ''].join('\n')
}

/** Whether bytes are meant as text: every packet begins with a byte from 128 on. */
export function looksArmored(bytes: Uint8Array): boolean {
  const [first] = bytes
  return first === undefined || first < 0x80
}

function bytesOf(lines: readonly string[]): Uint8Array {
  // Headers, as "Version: …", end with an empty line. Some writers leave out both.
  const hasHeaders = lines[0] === '' || lines[0]?.includes(':') === true
  const body = hasHeaders ? lines.slice(lines.indexOf('') + 1) : lines
  const checksumAt = body.findIndex((line) => line.startsWith('='))
  const base64 = (checksumAt === -1 ? body : body.slice(0, checksumAt)).join('')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw new OpenPgpError('MALFORMED', 'its lines are no base64')
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'))
  const checksum = body[checksumAt]?.slice(1)
  if (checksum !== undefined && checksum !== crc24(bytes)) {
    throw new OpenPgpError('MALFORMED', 'its checksum is another one: it was damaged or cut')
  }
  return bytes
}

/** RFC 9580 6.1.1, in base64. */
function crc24(bytes: Uint8Array): string {
  let crc = 0xb704ce
  for (const byte of bytes) {
    crc ^= byte << 16
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x800000) === 0 ? crc << 1 : (crc << 1) ^ 0x1864cfb
  }
  return Buffer.from([(crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff]).toString('base64')
}
