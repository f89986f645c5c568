/**
 * What the metadata says of one package: plain data, ready to be written as entries.
 */
import { type Header, type RpmPackage, Tag, TagType } from '@repokeeper/rpm-parser'
import { readChangelogs } from './changelogs.ts'
import { type Comparison, type DependencyKind, type RawDependency, readDependencies } from './dependencies.ts'
import { type FileType, isPrimaryFile, type RawFile, readFiles } from './files.ts'
import type { Location, PkgId } from './identity.ts'
import { checkTextBytes } from './package-size.ts'
import { cleanText } from './text.ts'

/** All texts are clean: they can stand in XML once escaped. */
export interface PackageRecord {
  /** SHA-256 of the whole file. */
  readonly pkgid: PkgId
  readonly location: Location
  readonly name: string
  /** `src` for every source package. */
  readonly arch: string
  /** A number, "0" if the header has none. */
  readonly epoch: string
  readonly version: string
  readonly release: string
  readonly summary: string
  readonly description: string
  readonly packager: string
  readonly url: string
  /** Modification time of the file and build time, seconds since 1970. */
  readonly time: { readonly file: number; readonly build: number }
  /** Bytes: of the file, of what it installs, of its uncompressed payload. */
  readonly size: { readonly package: number; readonly installed: bigint; readonly archive: bigint }
  readonly license: string
  readonly vendor: string
  readonly group: string
  readonly buildhost: string
  readonly sourcerpm: string
  /** First byte of the main header and the first behind it, counted from the start of the file. */
  readonly headerRange: { readonly start: number; readonly end: number }
  readonly dependencies: Readonly<Record<DependencyKind, readonly Dependency[]>>
  readonly files: readonly PackageFile[]
  readonly changelogs: readonly Changelog[]
}

export type Dependency = RawDependency

export interface PackageFile {
  readonly path: string
  readonly type: FileType
  /** Stands in primary as well. */
  readonly primary: boolean
}

export interface Changelog {
  readonly author: string
  readonly date: number
  readonly text: string
}

/** What the header cannot know of its own file. */
export interface FileFacts {
  readonly pkgid: PkgId
  readonly location: Location
  /** Bytes. */
  readonly size: number
  /** Seconds since 1970. */
  readonly modified: number
}

export interface DescribedPackage {
  readonly record: PackageRecord
  /** What was left out or changed on the way, for people: each names the field. */
  readonly warnings: readonly string[]
}

/**
 * Header → record, by the rules of createrepo_c (parsehdr.c `cr_package_from_header`).
 * @throws PackageTooLargeError before anything is made of a header that stands for more than a repository can hold
 */
export function describePackage(rpm: RpmPackage, file: FileFacts): DescribedPackage {
  checkTextBytes(rpm)
  const { header } = rpm
  const warnings = new Set<string>()
  const clean = (field: string, bytes: Uint8Array): string => {
    const { text, dropped } = cleanText(bytes)
    if (dropped) warnings.add(`${field}: control characters were dropped`)
    return text
  }
  const text = (field: string, tag: number): string => clean(field, soleText(header, tag))
  const fromLatin1 = (field: string, raw: string): string => (ascii.test(raw) ? raw : clean(field, latin1Bytes(raw)))

  const rawFiles = readFiles(header)
  const { lists, badEpochs } = readDependencies(header, ownPrimaryFiles(rawFiles))
  for (const { name, version } of badEpochs.slice(0, badEpochsTold)) {
    const epochOf = `the epoch of ${JSON.stringify(shortened(fromLatin1('dependency', version)))} is no number`
    const what = JSON.stringify(shortened(fromLatin1('dependency', name)))
    warnings.add(`dependency ${what} left out: ${epochOf}`)
  }
  const untold = badEpochs.length - badEpochsTold
  if (untold > 0) warnings.add(`${untold} further dependencies left out: their epochs are no numbers`)

  const record: PackageRecord = {
    pkgid: file.pkgid,
    location: file.location,
    name: text('name', Tag.NAME),
    arch: rpm.isSource ? 'src' : text('arch', Tag.ARCH),
    epoch: String(header.bigint(Tag.EPOCH) ?? 0n),
    version: text('version', Tag.VERSION),
    release: text('release', Tag.RELEASE),
    summary: text('summary', Tag.SUMMARY),
    description: text('description', Tag.DESCRIPTION),
    packager: text('packager', Tag.PACKAGER),
    url: text('url', Tag.URL),
    time: { file: file.modified, build: header.number(Tag.BUILDTIME) ?? 0 },
    size: {
      package: file.size,
      installed: longOrShort(header, Tag.LONGSIZE, Tag.SIZE),
      archive: longOrShort(header, Tag.LONGARCHIVESIZE, Tag.ARCHIVESIZE),
    },
    license: text('license', Tag.LICENSE),
    vendor: text('vendor', Tag.VENDOR),
    group: text('group', Tag.GROUP),
    buildhost: text('buildhost', Tag.BUILDHOST),
    sourcerpm: text('sourcerpm', Tag.SOURCERPM),
    headerRange: rpm.headerRange,
    dependencies: cleanDependencies(lists, fromLatin1),
    files: rawFiles.map(({ path, type }) => ({
      path: fromLatin1('file', path),
      type,
      primary: isPrimaryFile(path),
    })),
    changelogs: readChangelogs(header).map(({ author, date, text }) => ({
      author: clean('changelog author', author),
      date,
      text: clean('changelog', text),
    })),
  }
  return { record, warnings: [...warnings] }
}

/** librpm's `headerGetString`: nothing where there are several; of translations, that of the C locale. */
function soleText(header: Header, tag: number): Uint8Array {
  const isSeveral = header.typeOf(tag) === TagType.STRING_ARRAY && header.count(tag) > 1
  return isSeveral ? nothing : (header.stringBytes(tag) ?? nothing)
}

/** A header may have a million dependencies, and texts of megabytes; a warning is for people. */
const badEpochsTold = 10
const textShown = 200

function shortened(text: string): string {
  return text.length > textShown ? `${text.slice(0, textShown)}…` : text
}

const nothing = new Uint8Array()
const ascii = /^[\u0020-\u007e]*$/

function latin1Bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

function ownPrimaryFiles(files: readonly RawFile[]): (path: string) => boolean {
  const paths = new Set(files.filter(({ path }) => isPrimaryFile(path)).map(({ path }) => path))
  return (path) => paths.has(path)
}

/** librpm's extension tags LONGSIZE and LONGARCHIVESIZE: the 64-bit tag where there is one, else the 32-bit one. */
function longOrShort(header: Header, long: number, short: number): bigint {
  return header.bigint(long) ?? header.bigint(short) ?? 0n
}

function cleanDependencies(
  lists: Readonly<Record<DependencyKind, readonly RawDependency[]>>,
  fromLatin1: (field: string, raw: string) => string,
): Record<DependencyKind, readonly Dependency[]> {
  const cleanList = (kind: DependencyKind): Dependency[] =>
    lists[kind].map((raw) => ({
      ...raw,
      name: fromLatin1(kind, raw.name),
      ...(raw.epoch === undefined ? {} : { epoch: fromLatin1(kind, raw.epoch) }),
      ...(raw.version === undefined ? {} : { version: fromLatin1(kind, raw.version) }),
      ...(raw.release === undefined ? {} : { release: fromLatin1(kind, raw.release) }),
    }))
  return {
    provides: cleanList('provides'),
    requires: cleanList('requires'),
    conflicts: cleanList('conflicts'),
    obsoletes: cleanList('obsoletes'),
    suggests: cleanList('suggests'),
    enhances: cleanList('enhances'),
    recommends: cleanList('recommends'),
    supplements: cleanList('supplements'),
  }
}

export type { Comparison }
