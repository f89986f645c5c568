/**
 * What a person wants to know of a package, from its three entries. Bounded, whatever the entries hold: a kernel has ten
 * thousands of files, and nobody reads them on one page.
 */
import { cutText } from './cut-text.ts'
import type { DependencyKind } from './dependencies.ts'
import { type DependencyDetail, readDependency } from './dependency-detail.ts'
import { type PrimaryFacts, readPrimaryFacts } from './entry-facts.ts'
import { walkElements } from './entry-walk.ts'
import type { ScannedEntry } from './scan.ts'

/** The first of a list, and how many there are. */
export interface Bounded<Item> {
  readonly first: readonly Item[]
  readonly count: number
}

/** Texts are empty where the entry does not say. */
export interface PrimaryDetails {
  readonly facts: PrimaryFacts
  readonly summary: string
  readonly description: string
  readonly packager: string
  readonly url: string
  readonly license: string
  readonly vendor: string
  readonly group: string
  readonly sourcerpm: string
  /** Seconds since 1970. */
  readonly built: number | undefined
  /** Bytes. */
  readonly installed: number | undefined
  readonly dependencies: Readonly<Partial<Record<DependencyKind, Bounded<DependencyDetail>>>>
}

export interface FileDetail {
  readonly path: string
  /** `dir`, `ghost`, or nothing of the kind. */
  readonly type: string
}

export interface ChangelogDetail {
  readonly author: string
  /** Seconds since 1970. */
  readonly date: number | undefined
  readonly text: string
}

/** How much of an entry is told. Pages of the largest packages are some 300 kB with it. */
export const detailLimits = { textCharacters: 20_000, dependencies: 300, files: 1_000, changelogs: 10 } as const

const texts = ['summary', 'description', 'packager', 'url', 'license', 'vendor', 'group', 'sourcerpm'] as const
const kinds: readonly DependencyKind[] = [
  'provides',
  'requires',
  'conflicts',
  'obsoletes',
  'recommends',
  'suggests',
  'supplements',
  'enhances',
]

/** @throws DocumentError like `readPrimaryFacts` */
export function readPrimaryDetails(entry: ScannedEntry): PrimaryDetails {
  const facts = readPrimaryFacts(entry)
  const found = {
    summary: '',
    description: '',
    packager: '',
    url: '',
    license: '',
    vendor: '',
    group: '',
    sourcerpm: '',
  }
  const lists = new Map<DependencyKind, BoundedList<DependencyDetail>>()
  let built: number | undefined
  let installed: number | undefined
  let list: BoundedList<DependencyDetail> | undefined

  walkElements(entry, 'an entry of primary', {
    open(name, attributes, depth) {
      const kind = depth === 3 ? kinds.find((one) => one === name) : undefined
      if (kind !== undefined) {
        list = lists.get(kind) ?? new BoundedList(detailLimits.dependencies)
        lists.set(kind, list)
      } else if (depth === 4 && name === 'entry')
        list?.add(() => readDependency(attributes, detailLimits.textCharacters))
      else if (name === 'time') built ??= wholeNumber(attributes.get('build'))
      else if (name === 'size') installed ??= wholeNumber(attributes.get('installed'))
    },
    text(name, text, depth) {
      const field = depth <= 3 ? texts.find((one) => one === name) : undefined
      if (field !== undefined) found[field] = cut(found[field] + text)
    },
  })
  return { facts, ...found, built, installed, dependencies: Object.fromEntries(lists) }
}

/** Of an entry of filelists, in its order. */
export function readFileDetails(entry: ScannedEntry): Bounded<FileDetail> {
  const files = new BoundedList<FileDetail>(detailLimits.files)
  let type = ''
  let path = ''
  walkElements(entry, 'an entry of filelists', {
    open(_, attributes) {
      type = attributes.get('type') ?? ''
      path = ''
    },
    text(_, text) {
      path += text
    },
    close(name) {
      if (name === 'file') files.add(() => ({ path: cut(path), type }))
    },
  })
  return files
}

/** Of an entry of other, the newest first. createrepo_c writes the oldest of them first. */
export function readChangelogDetails(entry: ScannedEntry): Bounded<ChangelogDetail> {
  const all: ChangelogDetail[] = []
  let count = 0
  let latest: { author: string; date: number | undefined; text: string } | undefined
  walkElements(entry, 'an entry of other', {
    open(name, attributes) {
      if (name !== 'changelog') return
      latest = { author: cut(attributes.get('author') ?? ''), date: wholeNumber(attributes.get('date')), text: '' }
    },
    text(name, text) {
      if (name === 'changelog' && latest !== undefined) latest.text = cut(latest.text + text)
    },
    close(name) {
      if (name !== 'changelog' || latest === undefined) return
      count += 1
      all.push(latest)
      all.sort((a, b) => (b.date ?? 0) - (a.date ?? 0))
      all.splice(detailLimits.changelogs)
    },
  })
  return { first: all, count }
}

class BoundedList<Item> implements Bounded<Item> {
  readonly first: Item[] = []
  readonly #most: number
  count = 0

  constructor(most: number) {
    this.#most = most
  }

  add(make: () => Item): void {
    this.count += 1
    if (this.first.length < this.#most) this.first.push(make())
  }
}

function cut(text: string): string {
  return cutText(text, detailLimits.textCharacters)
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,12}$/.test(text) ? Number(text) : undefined
}
