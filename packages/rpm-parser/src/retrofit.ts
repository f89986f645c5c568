import { DependencyFlag } from './flags.ts'
import type { HeaderDraft } from './header-draft.ts'
import { bigintItems, numberItems } from './header-entry.ts'
import { TagType } from './tag-type.ts'
import { Tag } from './tags.ts'

/**
 * Gives old packages the tags that today's have, as librpm does when it reads one (lib/package.cc `applyRetrofits`,
 * lib/headerutil.cc `legacyRetrofit`): SOURCERPM or SOURCEPACKAGE; BASENAMES, DIRNAMES and DIRINDEXES in place of
 * OLDFILENAMES; and, to a v3 binary package, the provide of itself.
 */
export function retrofit(draft: HeaderDraft): void {
  if (!draft.has(Tag.SOURCERPM) && !draft.has(Tag.SOURCEPACKAGE)) {
    if (draft.has(Tag.OLDFILENAMES)) compressFileList(draft)
    if (looksLikeSource(draft)) draft.appendNumbers(Tag.SOURCEPACKAGE, [1])
    else draft.put({ tag: Tag.SOURCERPM, type: TagType.STRING, count: 1, data: new TextEncoder().encode('(none)\0') })
  }
  if (!draft.has(Tag.HEADERIMMUTABLE)) {
    compressFileList(draft)
    if (draft.has(Tag.SOURCERPM)) provideItself(draft)
  } else if (draft.has(Tag.OLDFILENAMES)) {
    compressFileList(draft)
  }
}

/** Files of a source package lie in one directory without a name (lib/header.cc `headerIsSourceHeuristic`). */
function looksLikeSource(draft: HeaderDraft): boolean {
  const entry = draft.find(Tag.DIRNAMES)
  return entry?.type === TagType.STRING_ARRAY && entry.count === 1 && entry.data[0] === 0
}

/** lib/headerutil.cc `compressFilelist`. */
function compressFileList(draft: HeaderDraft): void {
  if (draft.has(Tag.OLDFILENAMES) && !draft.has(Tag.DIRNAMES)) {
    const paths = draft.strings(Tag.OLDFILENAMES)
    const { dirNames, dirIndexes, baseNames } = paths[0]?.startsWith('/') === false ? nameless(paths) : split(paths)
    draft.appendNumbers(Tag.DIRINDEXES, dirIndexes)
    draft.appendStrings(Tag.BASENAMES, baseNames)
    draft.appendStrings(Tag.DIRNAMES, dirNames)
  }
  draft.delete(Tag.OLDFILENAMES)
}

interface FileList {
  readonly dirNames: readonly string[]
  readonly dirIndexes: readonly number[]
  readonly baseNames: readonly string[]
}

/** A list whose first path is relative is a source package's. */
function nameless(paths: readonly string[]): FileList {
  return { dirNames: [''], dirIndexes: paths.map(() => 0), baseNames: paths }
}

function split(paths: readonly string[]): FileList {
  const dirNames: string[] = []
  const dirIndexes: number[] = []
  const baseNames: string[] = []
  for (const path of paths) {
    const baseStart = path.lastIndexOf('/') + 1
    const dirName = path.slice(0, baseStart)
    const known = binarySearch(dirNames, dirName)
    dirIndexes.push(known ?? dirNames.push(dirName) - 1)
    baseNames.push(path.slice(baseStart))
  }
  return { dirNames, dirIndexes, baseNames }
}

/** rpm takes the list for sorted. Where it is not, a directory may come twice; the result is the same as rpm's. */
function binarySearch(sorted: readonly string[], wanted: string): number | undefined {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const found = sorted[middle] ?? ''
    if (wanted === found) return middle
    if (wanted < found) high = middle
    else low = middle + 1
  }
  return undefined
}

/** Up to rpm 3.0.4 a package provided its name-version-release silently (lib/headerutil.cc `providePackageNVR`). */
function provideItself(draft: HeaderDraft): void {
  const name = draft.soleString(Tag.NAME)
  if (name === undefined) return
  const evr = evrOf(draft)
  if (draft.has(Tag.PROVIDENAME)) {
    if (!draft.has(Tag.PROVIDEVERSION)) {
      const names = draft.strings(Tag.PROVIDENAME)
      draft.appendStrings(
        Tag.PROVIDEVERSION,
        names.map(() => ''),
      )
      draft.appendNumbers(
        Tag.PROVIDEFLAGS,
        names.map(() => 0),
      )
    } else if (provides(draft, name, evr)) {
      return
    }
  }
  draft.appendStrings(Tag.PROVIDENAME, [name])
  draft.appendStrings(Tag.PROVIDEVERSION, [evr])
  draft.appendNumbers(Tag.PROVIDEFLAGS, [DependencyFlag.EQUAL])
}

/** lib/tagexts.cc `getNEVRA`: what is absent is left out, with its separator. */
function evrOf(draft: HeaderDraft): string {
  const epochEntry = draft.find(Tag.EPOCH)
  const epoch = epochEntry?.count === 1 ? (bigintItems(epochEntry)[0] ?? draft.soleString(Tag.EPOCH)) : undefined
  const version = draft.soleString(Tag.VERSION)
  const release = draft.soleString(Tag.RELEASE)
  return `${epoch === undefined ? '' : `${epoch}:`}${version === undefined ? '' : `${version}-`}${release ?? ''}`
}

/**
 * lib/rpmds.cc `rpmdsFind`: a binary search, by name, then version, then flags, in a list that rpm takes for sorted. (Some
 * versions before rpm 6, 4.18 for one, never find it, and give such a package the provide twice.)
 */
function provides(draft: HeaderDraft, name: string, evr: string): boolean {
  const names = draft.strings(Tag.PROVIDENAME)
  const versions = draft.strings(Tag.PROVIDEVERSION)
  const flagsEntry = draft.find(Tag.PROVIDEFLAGS)
  const flags = flagsEntry === undefined ? [] : numberItems(flagsEntry)
  if (versions.length !== names.length || (flags.length > 0 && flags.length !== names.length)) return false
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const order =
      compareBytes(name, names[middle] ?? '') ||
      compareBytes(evr, versions[middle] ?? '') ||
      DependencyFlag.EQUAL - (flags[middle] ?? 0)
    if (order === 0) return true
    if (order < 0) high = middle
    else low = middle + 1
  }
  return false
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
