/**
 * Every decoder that reads what a stranger wrote, with the real inputs that are mutated for it. The test command and `scripts/fuzz`
 * both run this table.
 */
import type { DocumentKind } from '@repokeeper/repodata'
import { readHostileBlocks } from './decoders/blocks.ts'
import { readHostileCompressed } from './decoders/compressed.ts'
import { readHostileDocument } from './decoders/document.ts'
import { readHostileEvent } from './decoders/event.ts'
import { readHostileKeys, readHostileOpenPgpSignature } from './decoders/openpgp.ts'
import { readHostilePackage } from './decoders/package.ts'
import { readHostileRepomd } from './decoders/repomd.ts'
import { readHostileSignature } from './decoders/signature.ts'
import type { Place } from './mutations.ts'
import {
  framePlaces,
  jsonPlaces,
  jsonSeams,
  rpmPlaces,
  signaturePlaces,
  tablePlaces,
  xmlPlaces,
  xmlSeams,
} from './places.ts'
import {
  blockSeeds,
  eventSeeds,
  foreignDocumentSeeds,
  gzipSeeds,
  keySeeds,
  plainDocumentSeeds,
  repomdSeeds,
  rpmSeeds,
  signaturePacketSeeds,
  signedSeeds,
  storedSeeds,
  zstdSeeds,
} from './seeds.ts'

export interface Seed {
  readonly bytes: Uint8Array
  /** Of a document. */
  readonly kind?: DocumentKind
}

export interface Target {
  readonly seeds: () => readonly Seed[] | Promise<readonly Seed[]>
  readonly placesOf: (bytes: Uint8Array) => readonly Place[]
  /** Where a piece may begin or end, in formats that are text. */
  readonly seamsOf?: (bytes: Uint8Array) => readonly number[]
  /** What the format gives a meaning to, put in anywhere. */
  readonly tokens: readonly Uint8Array[]
  /**
   * Reads one case to its end, and holds the answer against a second opinion.
   *
   * @param pieceBytes the case comes in pieces of so many bytes
   * @throws an error with a code where the decoder refuses the case; anything else is a finding
   */
  readonly read: (seed: Seed, pieceBytes: number) => Promise<void> | void
}

/** Bytes that no case may need, whatever it is: all of the process, the JavaScript heap with it. */
export const memoryBytesMax = 512 * 2 ** 20
export const heapBytesMax = 128 * 2 ** 20

const texts = (...list: readonly string[]): Uint8Array[] => list.map((text) => Uint8Array.from(Buffer.from(text)))
const hex = (...list: readonly string[]): Uint8Array[] => list.map((text) => Uint8Array.from(Buffer.from(text, 'hex')))
const bare = (seeds: readonly Uint8Array[]): Seed[] => seeds.map((bytes) => ({ bytes }))

const xmlTokens = texts(
  ...[
    '<package',
    '<package>',
    '<package/>',
    '</package>',
    '</metadata>',
    '<!--',
    '-->',
    '--',
    '<![CDATA[',
    ']]>',
    '<?x ',
    '?>',
  ],
  ...[
    '<!DOCTYPE x>',
    '<!DOCTYPE x [<!ENTITY a "&a;">]>',
    '&#0;',
    '&#x10ffff;',
    '&#xd800;',
    '&a;',
    '&lt',
    '\u0000',
    '\ufeff',
    '\uffff',
  ],
  ...[
    ' xmlns="urn:x"',
    ' xmlns=""',
    ' xmlns:rpm="urn:x"',
    ' xmlns:x="http://linux.duke.edu/metadata/common"',
    '<x:a/>',
    '<rpm:a/>',
  ],
  ...[
    '<name>other</name>',
    '<location href="../x"/>',
    ' xml:base="http://x/"',
    "'",
    '"',
    '<',
    '>',
    '/',
    '<a>'.repeat(100),
    '\r\n',
    '=""',
  ],
)

const openPgpTokens = hex(
  ...['c2ff00010000', '8802', '8900', '0502', '0910', '1621', 'ffff', '00', '0400160a', '030500', '84ff00000001'],
)

const compressed = (seeds: () => readonly Uint8Array[], ...tokens: readonly string[]): Target => ({
  seeds: () => bare(seeds()),
  placesOf: framePlaces,
  tokens: hex(...tokens),
  read: ({ bytes }, pieceBytes) => readHostileCompressed(bytes, pieceBytes),
})

const document = (seeds: () => readonly (Seed & { readonly kind: DocumentKind })[]): Target => ({
  seeds,
  placesOf: xmlPlaces,
  seamsOf: xmlSeams,
  tokens: xmlTokens,
  read: ({ kind = 'primary', bytes }, pieceBytes) => readHostileDocument(kind, bytes, pieceBytes),
})

export const targets = {
  'rpm-header': {
    seeds: () => bare(rpmSeeds()),
    placesOf: rpmPlaces,
    tokens: hex('8eade80100000000', '0000003e0000000700000000000000', '0000', 'ffffffff', 'c328', 'efbfbf'),
    read: ({ bytes }, pieceBytes) => readHostilePackage(bytes, pieceBytes),
  },
  'rpm-signature': {
    seeds: () => bare(signedSeeds()),
    placesOf: signaturePlaces,
    tokens: openPgpTokens,
    read: ({ bytes }, pieceBytes) => readHostileSignature(bytes, pieceBytes),
  },
  'openpgp-signature': {
    seeds: () => bare(signaturePacketSeeds()),
    placesOf: tablePlaces,
    tokens: openPgpTokens,
    read: ({ bytes }) => readHostileOpenPgpSignature(bytes),
  },
  'openpgp-key': {
    seeds: () => bare(keySeeds()),
    placesOf: tablePlaces,
    tokens: openPgpTokens,
    read: ({ bytes }) => readHostileKeys(bytes),
  },
  'document-bytes': document(plainDocumentSeeds),
  'document-parser': document(foreignDocumentSeeds),
  'block-table': {
    seeds: async () => bare((await blockSeeds()).map(({ table }) => table)),
    placesOf: tablePlaces,
    tokens: hex('00', '01', '7f', '80', 'ff7f', 'ffffffffffffff7f', '0180'),
    read: ({ bytes }) => readHostileBlocks(bytes),
  },
  repomd: {
    seeds: () => bare(repomdSeeds()),
    placesOf: xmlPlaces,
    seamsOf: xmlSeams,
    tokens: [...xmlTokens, ...texts('<data type="primary"><location href="../../x"/></data>', '<contenthash/>', 'r:')],
    read: ({ bytes }) => readHostileRepomd(bytes),
  },
  gzip: compressed(gzipSeeds, '1f8b08', '1f8b080000000000000303000000000000000000', '0000ffff', '00', 'ffffffff'),
  zstd: compressed(zstdSeeds, '28b52ffd', '28b52ffd0058010000', '502a4d18ffffffff', '010000', '070000', 'ffffff'),
  xz: compressed(() => storedSeeds('.xz'), 'fd377a585a00', '0000', '00000000', '595a', '21011c', '2101ff'),
  bzip2: compressed(() => storedSeeds('.bz2'), '425a6839', '314159265359', '177245385090', '00', 'ffffff'),
  's3-event': {
    seeds: () => bare(eventSeeds()),
    placesOf: jsonPlaces,
    seamsOf: jsonSeams,
    tokens: texts(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '\\u0000',
      '%',
      '+',
      '%2F..%2F',
      '__proto__',
      '[[[[',
      '\ufffd',
    ),
    read: ({ bytes }) => readHostileEvent(bytes),
  },
} as const satisfies Readonly<Record<string, Target>>

export type TargetName = keyof typeof targets

export const targetNames = Object.keys(targets) as TargetName[]
