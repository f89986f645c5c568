/**
 * Small packages in many numbers, and the documents that list them.
 */
import * as fc from 'fast-check'
import {
  BlockedDocument,
  BlockLookup,
  type DocumentForm,
  type DocumentKind,
  DocumentWriter,
  documentKinds,
  gzipContainer,
  type Location,
  MemoryFile,
  type NewPackage,
  parseLocation,
  patchBlocks,
  planBlocks,
  type WrittenDocument,
  zstdContainer,
} from '../src/index.ts'

/** Location → version. */
export type Packages = ReadonlyMap<string, number>
export type Files = Readonly<Record<DocumentKind, MemoryFile>>
/** Location → version, or `undefined` where it goes. */
export type Changes = ReadonlyMap<string, number | undefined>

export const form: DocumentForm = { container: gzipContainer, openChecksum: 'always' }
/** With a header in which no table finds room: it stands in the head then. */
export const forms: readonly (DocumentForm & { readonly title: string })[] = [
  { title: 'gzip', ...form },
  { title: 'zstd', container: zstdContainer, openChecksum: 'always' },
  { title: 'gzip, a long table', container: { ...gzipContainer, noteBytesMax: 100 }, openChecksum: 'always' },
  { title: 'zstd, a long table', container: { ...zstdContainer, noteBytesMax: 100 }, openChecksum: 'always' },
]

/** Of so many possible locations, most, few or none. */
export function generationOf(locations: number): fc.Arbitrary<Packages> {
  return fc.record({ seed: fc.nat(), share: fc.constantFrom(0, 0.001, 0.1, 0.5, 0.95, 1) }).map(({ seed, share }) => {
    const packages = new Map<string, number>()
    for (let number = 0; number < locations; number += 1) {
      if (chance(seed, number) < share) packages.set(locationOf(number), seed % 3)
    }
    return packages
  })
}

export function changesOf(locations: number): fc.Arbitrary<Changes> {
  const change = fc.tuple(fc.nat(locations - 1), fc.option(fc.nat(5), { nil: undefined }))
  const single = fc.array(change, { minLength: 1, maxLength: 6 })
  const run = fc
    .tuple(fc.nat(locations - 1), fc.integer({ min: 1, max: 700 }), fc.option(fc.nat(5), { nil: undefined }))
    .map(([from, length, version]) =>
      Array.from({ length }, (_, at): [number, number | undefined] => [Math.min(from + at, locations - 1), version]),
    )
  return fc
    .oneof({ weight: 3, arbitrary: single }, { weight: 1, arbitrary: run })
    .map((changes) => new Map(changes.map(([number, version]) => [locationOf(number), version])))
}

/** Not in the order of the numbers, and some of them beyond ASCII. */
export function locationOf(number: number): string {
  const letter = 'abcdéx'[number % 6] ?? ''
  return `Packages/${letter}/${letter}${number}-1.0-1.noarch.rpm`
}

export function entryOf(kind: DocumentKind, location: string, version: number): Buffer {
  const id = Buffer.from(`${location}@${version}`).toString('hex').padStart(64, '0').slice(-64)
  if (kind !== 'primary') {
    const rest = kind === 'filelists' ? `<file>/usr/share/${location}</file>`.repeat(1 + (version % 3)) : ''
    return Buffer.from(
      `<package pkgid="${id}" name="n" arch="noarch"><version epoch="0" ver="1" rel="1"/>${rest}</package>`,
    )
  }
  return Buffer.from(
    `<package type="rpm"><name>n</name><arch>noarch</arch><version epoch="0" ver="${version}" rel="1"/>` +
      `<checksum type="sha256" pkgid="YES">${id}</checksum><location href="${location}"/></package>`,
  )
}

export async function written(packages: Packages, inForm = form): Promise<Files> {
  const write = async (kind: DocumentKind): Promise<MemoryFile> => {
    const file = new MemoryFile()
    const writer = new DocumentWriter(kind, inForm, new MemoryFile())
    for (const location of inOrder(packages.keys())) {
      await writer.add({ href: location }, entryOf(kind, location, packages.get(location) ?? 0))
    }
    await writer.finish((bytes) => file.append(bytes))
    return file
  }
  return { primary: await write('primary'), filelists: await write('filelists'), other: await write('other') }
}

/** The changes applied by blocks. */
export async function patched(
  old: Files,
  before: Packages,
  changes: Changes,
  inForm = form,
): Promise<{ readonly packages: Packages; readonly files: Files; readonly documents: readonly WrittenDocument[] }> {
  const [primary, filelists, other] = await blockTablesOf(old)
  if (primary === undefined || filelists === undefined || other === undefined) throw new Error('no table')
  const lookup = new BlockLookup(primary, () => Promise.reject(new Error('all are regular')))
  const packages = new Map(before)
  const gone = new Set<number>()
  const added: NewPackage[] = []
  for (const [href, version] of changes) {
    for (const listed of await lookup.at(href)) gone.add(listed.ordinal)
    if (version === undefined) packages.delete(href)
    else {
      packages.set(href, version)
      added.push({ kind: 'new', location: locate(href), read: (kind) => entryOf(kind, href, version) })
    }
  }
  const steps = await planBlocks(lookup, gone, added)
  const files = { primary: new MemoryFile(), filelists: new MemoryFile(), other: new MemoryFile() }
  const documents: WrittenDocument[] = []
  for (const [kind, document] of [
    ['primary', primary],
    ['filelists', filelists],
    ['other', other],
  ] as const) {
    const output = { sink: (bytes: Uint8Array) => files[kind].append(bytes), scratch: new MemoryFile() }
    documents.push(await patchBlocks(kind, document, steps, inForm, output))
  }
  return { packages, files, documents }
}

export async function blockTablesOf(files: Files): Promise<BlockedDocument[]> {
  const documents = await Promise.all(documentKinds.map((kind) => BlockedDocument.open(kind, files[kind])))
  return documents.filter((document) => document !== undefined)
}

export function inOrder(locations: Iterable<string>): string[] {
  return [...locations].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

function locate(text: string): Location {
  const location = parseLocation(text)
  if (location === undefined) throw new Error(`${text} is no location`)
  return location
}

/** 0 to 1, the same for the same numbers. */
function chance(seed: number, number: number): number {
  let mixed = (seed ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b) >>> 0
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 0
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
}
