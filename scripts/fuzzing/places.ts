/**
 * Where formats keep what a decoder believes: counts, offsets, sizes, names.
 */
import { type Header, parsePackage, RpmError, SignatureTag } from '@repokeeper/rpm-parser'
import type { Place } from './mutations.ts'

/** The counts of both headers of a package, and every field of their indexes (docs/manual/format_header.md). */
export function rpmPlaces(bytes: Uint8Array): Place[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const places: Place[] = []
  let start = leadBytes
  for (let header = 0; header < 2 && start + introBytes <= bytes.length; header += 1) {
    const entries = view.getUint32(start + 8)
    const dataBytes = view.getUint32(start + 12)
    const indexEnd = Math.min(start + introBytes + 16 * entries, bytes.length - 4)
    for (let at = start + 8; at < indexEnd; at += 4) {
      const field = view.getUint32(at)
      const numbers = [
        ...boundaries(32),
        field + 1,
        field - 1,
        field * 2,
        dataBytes,
        dataBytes - 1,
        dataBytes - 16,
        -16 * entries,
      ]
      places.push({ start: at, end: at + 4, values: numbers.map((number) => bigEndian(number)) })
    }
    start = Math.ceil((start + introBytes + 16 * entries + dataBytes) / 8) * 8
  }
  return places
}

/** Every byte of the signatures of a package, and the fields of its indexes. */
export function signaturePlaces(bytes: Uint8Array): Place[] {
  let signature: Header
  try {
    signature = parsePackage(bytes).signature
  } catch (error) {
    if (!(error instanceof RpmError)) throw error
    return rpmPlaces(bytes)
  }
  const { DSA, RSA, PGP, GPG, OPENPGP } = SignatureTag
  const packets = [DSA, RSA, PGP, GPG].map((tag) => signature.bytes(tag))
  const found = [...packets, ...signature.stringArrayBytes(OPENPGP)].filter((one) => one !== undefined)
  const ofPackets = found.flatMap((packet) => {
    const at = packet.byteOffset - bytes.byteOffset
    return tablePlaces(packet).map(({ start, end, values }) => ({ start: at + start, end: at + end, values }))
  })
  return [...ofPackets, ...rpmPlaces(bytes)]
}

const leadBytes = 96
const introBytes = 16

/** Every byte of a table of blocks: most are numbers of one byte, or parts of such. */
export function tablePlaces(bytes: Uint8Array): Place[] {
  return range(0, bytes.length).map((at) => ({
    start: at,
    end: at + 1,
    values: [0, 1, 2, 0x7f, 0x80, 0xff, (bytes[at] ?? 0) + 1, (bytes[at] ?? 0) + 0xff].map((value) =>
      Uint8Array.of(value & 0xff),
    ),
  }))
}

/** The first and the last bytes of a compressed file: flags, window and dictionary sizes, lengths, checksums. */
export function framePlaces(bytes: Uint8Array): Place[] {
  const frame = [...range(0, 40), ...range(bytes.length - 40, bytes.length)].filter(
    (at) => at >= 0 && at < bytes.length,
  )
  return frame.flatMap((at) =>
    [1, 2, 4]
      .filter((width) => at + width <= bytes.length)
      .map((width) => ({
        start: at,
        end: at + width,
        values: boundaries(8 * width).map((number) =>
          bigEndian(number)
            .subarray(4 - width)
            .toReversed(),
        ),
      })),
  )
}

/** Numbers, names, attribute values and references of an XML document, as text. */
export function xmlPlaces(bytes: Uint8Array): Place[] {
  return matches(bytes, /\d+|(?<=[<\s/])[A-Za-z:]+(?=[\s=/>])|(?<==")[^"]*(?=")|&[^;\s]*;/g, xmlValues)
}

/** Numbers, texts and words of JSON. */
export function jsonPlaces(bytes: Uint8Array): Place[] {
  return matches(bytes, /"(?:[^"\\]|\\.)*"|-?\d+|true|false|null|\[|\{/g, jsonValues)
}

/** Between two tags. */
export function xmlSeams(bytes: Uint8Array): number[] {
  return seams(bytes, /<|(?<=>)/g)
}

/** Around values, and what separates them. */
export function jsonSeams(bytes: Uint8Array): number[] {
  return seams(bytes, /(?=[{}[\],])|(?<=[{}[\],])/g)
}

function seams(bytes: Uint8Array, pattern: RegExp): number[] {
  return [...Buffer.from(bytes).toString('latin1').matchAll(pattern)].map(({ index }) => index)
}

function matches(bytes: Uint8Array, pattern: RegExp, values: readonly Uint8Array[]): Place[] {
  // One character a byte, so that positions are the same.
  const text = Buffer.from(bytes).toString('latin1')
  return [...text.matchAll(pattern)].map(({ index, 0: found }) => ({ start: index, end: index + found.length, values }))
}

/** Numbers at which something of so many bits turns over. */
function boundaries(bits: 8 | 16 | 32 | number): number[] {
  const most = 2 ** bits
  return [0, 1, 2, 7, 8, 15, 16, most / 2 - 1, most / 2, most - 16, most - 2, most - 1]
}

function bigEndian(number: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, number >>> 0)
  return bytes
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

const texts = (...list: readonly string[]): Uint8Array[] => list.map((text) => new Uint8Array(Buffer.from(text)))

const decimals = ['0', '-1', '2147483648', '4294967296', '9007199254740993', '99999999999999999999', '1e9', 'NaN']

const xmlValues = texts(
  ...decimals,
  ...[
    '',
    '../../x.rpm',
    '/etc/passwd',
    'http://elsewhere.example/x.rpm',
    '\u0001',
    'a"b',
    'a<b',
    '&',
    '&lt;',
    '&#0;',
    '&#x110000;',
  ],
  ...[
    '&nothing;',
    'package',
    'metadata',
    'name',
    'location',
    'xml:base',
    'xmlns',
    'xmlns:rpm',
    'rpm:x',
    'x:y',
    '__proto__',
    'toString',
  ],
  'f'.repeat(64),
  'x'.repeat(3000),
)

const jsonValues = texts(
  ...decimals.slice(0, -1),
  ...[
    'null',
    'true',
    '{}',
    '[]',
    '[[[[]]]]',
    '""',
    '"../../x.rpm"',
    '"/x.rpm"',
    '"a%2e%2e%2fb"',
    '"a%00b.rpm"',
    '"%"',
    '"a+b"',
  ],
  ...['"\\ud800"', '"\\u0000"', '"__proto__"', '"Records"', '"Message"', '"s3:TestEvent"', '"ObjectRemoved:Delete"'],
  `"${'x'.repeat(2000)}"`,
)
