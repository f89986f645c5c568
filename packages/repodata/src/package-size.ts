/**
 * How large a package may be for its entries to be written, and read again by everybody.
 *
 * A header names each directory once; its entries name it with every file. So a header of two megabytes can stand for
 * gigabytes of entries, and is measured before any of them is made.
 */
import { type RpmPackage, Tag } from '@repokeeper/rpm-parser'
import { dependencyTags } from './dependencies.ts'

export const packageLimits = {
  /** Bytes of all texts of a package, written out. The largest header of 2,430 packages of distributions has 4.5 MB. */
  textBytesMax: 64 * 2 ** 20,
  /** Bytes of one entry, with everything escaped; half of what `scanLimits` lets a reader take. */
  entryBytesMax: 128 * 2 ** 20,
} as const

/** A package whose entries would be larger than anybody can read. */
export class PackageTooLargeError extends Error {
  override readonly name = 'PackageTooLargeError'
  readonly code = 'TOO_LARGE'
}

/** @throws PackageTooLargeError */
export function checkTextBytes(rpm: RpmPackage): void {
  const bytes = textBytesOf(rpm)
  if (bytes > packageLimits.textBytesMax)
    throw tooLarge(`the texts of its header come to ${bytes} bytes`, 'textBytesMax')
}

/** @throws PackageTooLargeError */
export function checkEntryBytes(bytes: number): void {
  if (bytes > packageLimits.entryBytesMax) throw tooLarge(`its entry would have ${bytes} bytes`, 'entryBytesMax')
}

/** Bytes of the file paths, dependencies and other texts of a header as they stand in the entries, before escaping. */
export function textBytesOf({ header }: RpmPackage): number {
  let bytes = 0
  for (const tag of texts) bytes += header.stringBytes(tag)?.length ?? 0
  const lists = [Tag.CHANGELOGNAME, Tag.CHANGELOGTEXT, Tag.BASENAMES, ...dependencyTags]
  for (const tag of lists) for (const text of header.stringArrayBytes(tag)) bytes += text.length + aroundEachText
  const directories = header.stringArrayBytes(Tag.DIRNAMES).map(({ length }) => length)
  for (const index of header.numbers(Tag.DIRINDEXES)) bytes += directories[index] ?? 0
  return bytes
}

/** Tags and attributes around a text, roughly. */
const aroundEachText = 32

const texts = [
  Tag.NAME,
  Tag.VERSION,
  Tag.RELEASE,
  Tag.SUMMARY,
  Tag.DESCRIPTION,
  Tag.PACKAGER,
  Tag.URL,
  Tag.LICENSE,
  Tag.VENDOR,
  Tag.GROUP,
  Tag.BUILDHOST,
  Tag.SOURCERPM,
]

function tooLarge(what: string, limit: keyof typeof packageLimits): PackageTooLargeError {
  return new PackageTooLargeError(`${what}, more than the ${packageLimits[limit]} that a repository can hold`)
}
