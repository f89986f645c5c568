/**
 * Dependencies of a header as createrepo_c hands them on (parsehdr.c `cr_package_from_header`, the part "PCOR").
 */
import { compareVersions, DependencyFlag, type Header, Tag } from '@repokeeper/rpm-parser'
import { latin1 } from './text.ts'

/** One `<rpm:entry>`, its texts still the header's bytes, one character a byte (Latin-1). */
export interface RawDependency {
  readonly name: string
  readonly flags?: Comparison
  readonly epoch?: string
  readonly version?: string
  readonly release?: string
  /** `pre="1"`: needed before the package's scripts run. Requires only. */
  readonly pre?: true
}

export type Comparison = 'LT' | 'GT' | 'EQ' | 'LE' | 'GE'

export type DependencyKind =
  | 'provides'
  | 'requires'
  | 'conflicts'
  | 'obsoletes'
  | 'suggests'
  | 'enhances'
  | 'recommends'
  | 'supplements'

export interface RawDependencies {
  readonly lists: Readonly<Record<DependencyKind, readonly RawDependency[]>>
  /** Dependencies that were left out because their epoch is no number: `name` and the version text. */
  readonly badEpochs: readonly { readonly name: string; readonly version: string }[]
}

/**
 * Reads every dependency of a header.
 *
 * @param isOwnPrimaryFile whether a path (Latin-1) is one of the package's files and stands in primary
 */
export function readDependencies(header: Header, isOwnPrimaryFile: (path: string) => boolean): RawDependencies {
  const lists: Record<DependencyKind, RawDependency[]> = {
    provides: [],
    requires: [],
    conflicts: [],
    obsoletes: [],
    suggests: [],
    enhances: [],
    recommends: [],
    supplements: [],
  }
  const badEpochs: { name: string; version: string }[] = []
  const own: OwnFacts = { isOwnPrimaryFile, provided: new Set(), lastKept: new Map() }

  for (const source of sources) {
    let highestLibc: RawDependency | undefined
    for (const raw of zipDependencies(header, source)) {
      const flags = comparisons[raw.flags & comparisonMask]
      const identity = `${raw.name}${flags ?? ''}${raw.version}`
      const pre = source.kind === 'requires' && (raw.flags & preFlags) !== 0
      if (source.kind === 'requires' && isLeftOut(raw, flags, identity, pre, own)) continue

      const evr = parseDependencyEvr(raw.version)
      if (evr === 'bad epoch') {
        badEpochs.push({ name: raw.name, version: raw.version })
        continue
      }
      const dependency: RawDependency = { name: raw.name, ...(flags === undefined ? {} : { flags, ...evr }) }
      const kind =
        source.unless !== undefined && (raw.flags & source.unless.flag) !== 0 ? source.unless.kind : source.kind
      if (kind === 'provides') own.provided.add(identity)
      if (kind !== 'requires') {
        lists[kind].push(dependency)
        continue
      }
      const required: RawDependency = pre ? { ...dependency, pre } : dependency
      if (raw.name.startsWith('libc.so.6')) {
        highestLibc = highestLibc === undefined || isHigherLibc(required, highestLibc) ? required : highestLibc
        continue
      }
      lists.requires.push(required)
      own.lastKept.set(raw.name, keptIdentity(flags, raw.version, pre))
    }
    if (highestLibc !== undefined) lists.requires.push(highestLibc)
  }
  return { lists, badEpochs }
}

/** Where dependencies come from, in createrepo_c's order (parsehdr.c `dep_items`): provides before requires, which look at them. */
interface DependencySource {
  readonly kind: DependencyKind
  readonly name: number
  readonly flags: number
  readonly version: number
  /** An entry with this flag goes to another list: the weak dependencies of old. */
  readonly unless?: { readonly flag: number; readonly kind: DependencyKind }
}

/** A require that may be missing. */
const missingOk = { flag: DependencyFlag.MISSINGOK, kind: 'recommends' } as const
const strongSuggest = { flag: DependencyFlag.STRONG, kind: 'recommends' } as const
const strongEnhance = { flag: DependencyFlag.STRONG, kind: 'supplements' } as const

// biome-ignore format: a table is read by its columns
const sources: readonly DependencySource[] = [
  { kind: 'provides', name: Tag.PROVIDENAME, flags: Tag.PROVIDEFLAGS, version: Tag.PROVIDEVERSION },
  { kind: 'conflicts', name: Tag.CONFLICTNAME, flags: Tag.CONFLICTFLAGS, version: Tag.CONFLICTVERSION },
  { kind: 'obsoletes', name: Tag.OBSOLETENAME, flags: Tag.OBSOLETEFLAGS, version: Tag.OBSOLETEVERSION },
  { kind: 'requires', name: Tag.REQUIRENAME, flags: Tag.REQUIREFLAGS, version: Tag.REQUIREVERSION, unless: missingOk },
  { kind: 'suggests', name: Tag.SUGGESTNAME, flags: Tag.SUGGESTFLAGS, version: Tag.SUGGESTVERSION },
  { kind: 'enhances', name: Tag.ENHANCENAME, flags: Tag.ENHANCEFLAGS, version: Tag.ENHANCEVERSION },
  { kind: 'recommends', name: Tag.RECOMMENDNAME, flags: Tag.RECOMMENDFLAGS, version: Tag.RECOMMENDVERSION },
  { kind: 'supplements', name: Tag.SUPPLEMENTNAME, flags: Tag.SUPPLEMENTFLAGS, version: Tag.SUPPLEMENTVERSION },
  { kind: 'suggests', name: Tag.OLDSUGGESTSNAME, flags: Tag.OLDSUGGESTSFLAGS, version: Tag.OLDSUGGESTSVERSION, unless: strongSuggest },
  { kind: 'enhances', name: Tag.OLDENHANCESNAME, flags: Tag.OLDENHANCESFLAGS, version: Tag.OLDENHANCESVERSION, unless: strongEnhance },
]

/** The tags that hold texts of dependencies. */
export const dependencyTags: readonly number[] = sources.flatMap(({ name, version }) => [name, version])

interface HeaderDependency {
  readonly name: string
  readonly flags: number
  readonly version: string
}

/** Three parallel arrays → entries. createrepo_c walks them with `rpmtdNext` side by side, so the shortest one ends the list. */
function* zipDependencies(header: Header, source: DependencySource): Generator<HeaderDependency> {
  const names = header.stringArrayBytes(source.name)
  const flags = header.numbers(source.flags)
  const versions = header.stringArrayBytes(source.version)
  for (const [index, name] of names.entries()) {
    const flag = flags[index]
    const version = versions[index]
    if (flag === undefined || version === undefined) return
    yield { name: latin1(name), flags: flag, version: latin1(version) }
  }
}

/** misc.c `cr_flag_to_str`: RPMSENSE_LESS, GREATER, EQUAL and their unions. */
const comparisonMask = 0xf
const comparisons: Readonly<Record<number, Comparison>> = { 2: 'LT', 4: 'GT', 8: 'EQ', 10: 'LE', 12: 'GE' }

/** createrepo_c 1.x; 0.17 knows neither PRETRANS nor POSTTRANS here. */
const preFlags =
  DependencyFlag.PREREQ |
  DependencyFlag.SCRIPT_PRE |
  DependencyFlag.SCRIPT_POST |
  DependencyFlag.PRETRANS |
  DependencyFlag.POSTTRANS

interface OwnFacts {
  readonly isOwnPrimaryFile: (path: string) => boolean
  /** name + comparison + version of every provide. */
  readonly provided: Set<string>
  /** By name: the last requirement that was kept. */
  readonly lastKept: Map<string, string>
}

function isLeftOut(
  raw: HeaderDependency,
  flags: Comparison | undefined,
  identity: string,
  pre: boolean,
  own: OwnFacts,
): boolean {
  if (raw.name.startsWith('rpmlib(')) return true
  if (raw.name.startsWith('/') && own.isOwnPrimaryFile(raw.name)) return true
  if (own.provided.has(identity)) return true
  return own.lastKept.get(raw.name) === keptIdentity(flags, raw.version, pre)
}

function keptIdentity(flags: Comparison | undefined, version: string, pre: boolean): string {
  return `${flags ?? ''}\n${version}\n${pre}`
}

interface DependencyEvr {
  readonly epoch?: string
  readonly version?: string
  readonly release?: string
}

/**
 * misc.c `cr_str_to_evr`: the first `:` ends the epoch, then the first `-` ends the version. This is not how a package's
 * own EVR is split (`parseEvr` of rpm-parser looks for the last `-`). Empty parts are left out, no epoch is "0".
 */
function parseDependencyEvr(text: string): DependencyEvr | 'bad epoch' {
  if (text === '') return {}
  const colon = text.indexOf(':')
  const epochText = text.slice(0, Math.max(colon, 0))
  // strtol(3): leading white space and a sign are fine; nothing at all before the colon is no epoch, so 0.
  if (epochText !== '' && !/^[ \t-\r]*[+-]?[0-9]+$/.test(epochText)) return 'bad epoch'
  const rest = text.slice(colon + 1)
  const dash = rest.indexOf('-')
  const version = dash === -1 ? rest : rest.slice(0, dash)
  const release = dash === -1 ? '' : rest.slice(dash + 1)
  return {
    epoch: epochText === '' ? '0' : epochText,
    ...(version === '' ? {} : { version }),
    ...(release === '' ? {} : { release }),
  }
}

/** parsehdr.c `cr_compare_dependency`: only a strictly higher one takes the place. */
function isHigherLibc(candidate: RawDependency, highest: RawDependency): boolean {
  const a = libcVersion(highest.name)
  const b = libcVersion(candidate.name)
  return a.rank === b.rank ? compareVersions(a.version, b.version) < 0 : a.rank < b.rank
}

/**
 * `libc.so.6(GLIBC_2.4)(64bit)` → "2.4": the first parentheses from their first digit on. The ranks order the names that
 * have no such version: no parentheses, none that closes, nothing inside, no digit inside.
 */
function libcVersion(name: string): { rank: number; version: string } {
  const open = name.indexOf('(')
  const close = name.indexOf(')', open)
  const inside = name.slice(open + 1, close)
  const digit = inside.search(/[0-9]/)
  if (open === -1) return { rank: 0, version: '' }
  if (close === -1) return { rank: 1, version: '' }
  if (inside === '') return { rank: 2, version: '' }
  return digit === -1 ? { rank: 3, version: '' } : { rank: 4, version: inside.slice(digit) }
}
