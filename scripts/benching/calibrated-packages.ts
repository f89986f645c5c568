/**
 * Packages that do not exist, as many as one likes, like those of a large distribution as far as metadata goes.
 *
 * Calibrated on Fedora 38 Everything: 2,422 bytes a package in primary, 10,800 in filelists and 1,600 in other, open; gzip packs them 9, 13.8
 * and 15 to 1. The same seed gives the same packages, and the first thousand of a large repository are those of a small one.
 */
import { createHash } from 'node:crypto'
import {
  type DocumentKind,
  formatEntries,
  type Location,
  type PackageEntries,
  type PackageRecord,
  parseLocation,
  sha256PkgId,
} from '@repokeeper/repodata'

export interface CalibratedPackage {
  readonly location: Location
  readonly entries: PackageEntries
}

/** @param number 0 for the first package */
export function calibratedPackage(seed: number, number: number): CalibratedPackage {
  const record = recordOf(seed, number)
  return { location: record.location, entries: formatEntries(record) }
}

/** What it is called and where it lies, without the rest. */
export interface CalibratedName {
  readonly name: string
  readonly version: string
  readonly release: string
  readonly arch: string
  readonly location: Location
}

export function calibratedName(seed: number, number: number): CalibratedName {
  const { name, version, release, arch, location } = nameOf(seed, number)
  return { name, version, release, arch, location }
}

/** The files that its filelists name. */
export function calibratedFiles(seed: number, number: number): string[] {
  return recordOf(seed, number).files.map(({ path }) => path)
}

/** All packages lie in one directory, as `repokeeper add --to` puts them: what is added falls anywhere among the others. */
export const packagesDirectory = 'Packages/'

/** What a package of Fedora takes on average, for who wants to know how near this comes: bytes open, and gzip's ratio. */
export const calibration: Readonly<Record<DocumentKind, { readonly openBytes: number; readonly ratio: number }>> = {
  primary: { openBytes: 2_422, ratio: 9 },
  filelists: { openBytes: 10_800, ratio: 13.8 },
  other: { openBytes: 1_600, ratio: 15 },
}

interface Named extends CalibratedName {
  readonly source: number
  readonly base: string
}

/** Packages of one source: they share version, texts and changelog. */
const packagesPerSource = 3
const suffixes = ['', '-libs', '-devel'] as const

function nameOf(seed: number, number: number): Named {
  const source = Math.floor(number / packagesPerSource)
  const random = randomOf(seed, source)
  const base = `${random.word()}-${random.word()}${source.toString(36)}`
  const version = `${random.below(9)}.${random.below(30)}.${random.below(12)}`
  const release = `${1 + random.below(9)}.fc38`
  const arch = random.below(3) === 0 ? 'noarch' : 'x86_64'
  const name = `${base}${suffixes[number % packagesPerSource]}`
  const location = parseLocation(`${packagesDirectory}${name}-${version}-${release}.${arch}.rpm`)
  if (location === undefined) throw new Error(`${name} cannot be published`)
  return { source, base, name, version, release, arch, location }
}

function recordOf(seed: number, number: number): PackageRecord {
  const { source, base, name, version, release, arch, location } = nameOf(seed, number)
  const ofSource = randomOf(seed ^ 0x5eed, source)
  const own = randomOf(seed ^ 0xf11e, number)
  const pkgid = sha256PkgId(createHash('sha256').update(`${seed}/${number}`).digest('hex'))
  const evr = { flags: 'EQ', epoch: '0', version, release } as const
  const isa = arch === 'noarch' ? '' : '(x86-64)'
  const library = `lib${base}.so.${1 + (source % 5)}`
  const words = (random: Random, count: number): string => Array.from({ length: count }, () => random.word()).join(' ')
  const requires = Array.from({ length: 8 + own.below(10) }, () => own.skewed(sharedRequires))
  const paths = filesOf(own, base, name, version)
  return {
    pkgid,
    location,
    name,
    arch,
    epoch: '0',
    version,
    release,
    summary: `The ${base} ${words(ofSource, 4)}`,
    description: `${base} is a ${words(own, 30)}.\nThis package holds what ${name} needs.`,
    packager: 'Fedora Project',
    url: `https://${base}.example.org/`,
    time: { file: 1_680_000_000 + ofSource.below(9_000_000), build: 1_680_000_000 + ofSource.below(9_000_000) },
    size: {
      package: 9_000 + own.below(3_000_000),
      installed: BigInt(own.below(9_000_000)),
      archive: BigInt(own.below(9_000_000)),
    },
    license: ofSource.pick(licenses),
    vendor: 'Fedora Project',
    group: 'Unspecified',
    buildhost: `buildvm-x86-${String(ofSource.below(32)).padStart(2, '0')}.iad2.fedoraproject.org`,
    sourcerpm: `${base}-${version}-${release}.src.rpm`,
    headerRange: { start: 4_504, end: 6_000 + own.below(90_000) },
    dependencies: {
      provides: [{ name, ...evr }, { name: `${name}${isa}`, ...evr }, { name: `${library}()(64bit)` }],
      requires: [{ name: `${base}-libs${isa}`, ...evr }, ...requires.map((one) => ({ name: one }))],
      conflicts: [],
      obsoletes: [],
      suggests: [],
      enhances: [],
      recommends: [],
      supplements: [],
    },
    files: paths.map((path, at) => ({ path, type: path.endsWith('/') ? 'dir' : 'file', primary: at < 2 })),
    changelogs: Array.from({ length: 9 }, (_, at) => ({
      author: `${ofSource.skewed(maintainers)} - ${version}-${9 - at}`,
      date: 1_680_000_000 - at * 8_640_000 - (source % 40) * 86_400,
      text: ofSource.skewed(changes),
    })),
  }
}

/** A few files for most packages, thousands for some. */
function filesOf(random: Random, base: string, name: string, version: string): string[] {
  const count = Math.min(4_000, Math.round(22.5 / (random.unit() + 0.012) ** 1.16))
  const paths = [`/usr/bin/${name}`, `/etc/${name}.conf`]
  let directory = `/usr/share/${base}`
  for (let at = 0; at < count; at += 1) {
    if (at % 24 === 0) directory = `/usr/share/${base}/${random.word()}/${version}`
    paths.push(
      `${directory}/${at % 3 === 0 ? random.word() : random.skewed(parts)}-${1 + (at % 9)}.${at % 7 === 0 ? random.pick(extensions) : 'html'}`,
    )
  }
  return paths
}

const licenses = [
  'MIT',
  'GPL-2.0-or-later',
  'LGPL-2.1-or-later',
  'Apache-2.0',
  'BSD-3-Clause',
  'GPL-3.0-or-later AND MIT',
]
const extensions = ['html', 'py', 'png', 'h', 'mo', 'svg', 'js', 'json']

const words = vocabulary(900)
const parts = words.slice(0, 90)
const maintainers = words.slice(0, 240).map((word, at) => `${word} <${word}@${words[at + 300] ?? 'fedora'}.example>`)
const changes = [
  '- Rebuilt for https://fedoraproject.org/wiki/Fedora_38_Mass_Rebuild',
  '- Rebuilt for https://fedoraproject.org/wiki/Fedora_37_Mass_Rebuild',
  '- Rebuilt for https://fedoraproject.org/wiki/Fedora_36_Mass_Rebuild',
  ...words.slice(0, 120).map((word, at) => `- Update to the version that mends ${word} and ${words[at + 200]}`),
]
const sharedRequires = [
  'libc.so.6()(64bit)',
  'rtld(GNU_HASH)',
  'libc.so.6(GLIBC_2.34)(64bit)',
  'libm.so.6()(64bit)',
  'libstdc++.so.6()(64bit)',
  '/usr/bin/python3',
  'python(abi) = 3.11',
  ...words.slice(0, 400).map((word) => `lib${word}.so.1()(64bit)`),
]

function vocabulary(count: number): string[] {
  const random = randomOf(38, 0)
  const syllables = [
    'ka',
    'ro',
    'mi',
    'te',
    'lun',
    'sar',
    'vo',
    'pel',
    'dri',
    'nex',
    'gu',
    'han',
    'ost',
    'ley',
    'qui',
    'bra',
  ]
  return Array.from({ length: count }, () =>
    Array.from({ length: 2 + random.below(2) }, () => random.pick(syllables)).join(''),
  )
}

interface Random {
  /** 0 to 1, 1 excluded. */
  unit(): number
  below(limit: number): number
  pick<T>(list: readonly T[]): T
  /** The first ones far more often than the last. */
  skewed<T>(list: readonly T[]): T
  word(): string
}

/** Mulberry32. */
function randomOf(seed: number, stream: number): Random {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const at = <T>(list: readonly T[], part: number): T => {
    const found = list[Math.floor(part * list.length)]
    if (found === undefined) throw new Error('an empty list')
    return found
  }
  return {
    unit,
    below: (limit) => Math.floor(unit() * limit),
    pick: (list) => at(list, unit()),
    skewed: (list) => at(list, unit() ** 4),
    word: () => at(words, unit() ** 2),
  }
}
