/**
 * Whether an entry of primary is one that a query looks for, and how near it comes.
 */
import { formatDependency, readDependency } from './dependency-detail.ts'
import { type PrimaryFacts, readPrimaryFacts } from './entry-facts.ts'
import { walkElements } from './entry-walk.ts'
import type { PackageQuery, QueryTerm } from './package-query.ts'
import type { ScannedEntry } from './scan.ts'
import { matchesWildcard } from './wildcard.ts'

export interface EntryMatch {
  readonly facts: PrimaryFacts
  /** That of the word that was found farthest off: the less, the nearer. */
  readonly rank: number
}

/** Where a word was found. */
const ranks = { isName: 0, beginsName: 1, inNevra: 2, inSummary: 3, inDependencies: 4 } as const

/** Of a summary, and of each part of a dependency: no word is sought beyond. */
const textCharactersMax = 20_000

/** A file's name has 255 bytes at most: what is longer is nobody's NEVRA, and patterns are not tried on it. */
const patternedCharactersMax = 1_000

/** @throws DocumentError like `readPrimaryFacts` */
export function matchEntry(entry: ScannedEntry, { terms, marks }: PackageQuery): EntryMatch | undefined {
  if (!mayMatch(entry, marks)) return undefined
  const facts = readPrimaryFacts(entry)
  const forms = formsOf(facts)
  let rank = 0
  const missing: string[] = []
  for (const term of terms) {
    const found = rankIn(forms, term)
    if (found !== undefined) rank = Math.max(rank, found)
    else if (term.kind === 'part') missing.push(term.text)
    else return undefined
  }
  if (missing.length === 0) return { facts, rank }
  const further = rankInTexts(entry, missing)
  return further === undefined ? undefined : { facts, rank: further }
}

/**
 * Most entries are told by a look at their bytes, which takes a tenth of the time that it takes to read one. Letters that are written by
 * their numbers, and those that become others in lower case, are left to the reader.
 */
function mayMatch({ bytes, plain }: ScannedEntry, marks: readonly string[]): boolean {
  if (!plain) return true
  const text = bytes.toString('latin1')
  if (/[\x80-\xff]|&#/.test(text)) return true
  const lower = text.toLowerCase()
  return marks.every((mark) => lower.includes(mark))
}

interface NevraForms {
  readonly name: string
  /** `name-[epoch:]version-release.arch`, with each way to write the epoch. */
  readonly whole: readonly string[]
  /** What a pattern may stand for. */
  readonly all: readonly string[]
}

function formsOf({ name, epoch, version, release, arch }: PrimaryFacts): NevraForms {
  const starts = ['', `${epoch}:`].map((before) => `${name}-${before}${version}`.toLowerCase())
  const whole = starts.map((start) => `${start}-${release}.${arch}`.toLowerCase())
  const named = name.toLowerCase()
  const others = [named, `${named}.${arch.toLowerCase()}`, ...starts]
  return {
    name: named,
    whole,
    all: [...others, ...starts.map((start) => `${start}-${release.toLowerCase()}`), ...whole],
  }
}

function rankIn({ name, whole, all }: NevraForms, { kind, text }: QueryTerm): number | undefined {
  if (kind === 'pattern')
    return all.some((form) => form.length <= patternedCharactersMax && matchesWildcard(text, form))
      ? ranks.inNevra
      : undefined
  if (name === text) return ranks.isName
  if (name.startsWith(text)) return ranks.beginsName
  return whole.some((form) => form.includes(text)) ? ranks.inNevra : undefined
}

/** Where those words are that the NEVRA has not; `undefined` where one is nowhere. */
function rankInTexts(entry: ScannedEntry, words: readonly string[]): number | undefined {
  let summary = ''
  let isSought = false
  const inDependencies = new Set<string>()
  walkElements(entry, 'an entry of primary', {
    open(name, attributes, depth) {
      if (depth === 3) isSought = name === 'provides' || name === 'requires'
      if (depth !== 4 || !isSought || inDependencies.size === words.length) return
      const dependency = formatDependency(readDependency(attributes, textCharactersMax)).toLowerCase()
      for (const word of words) if (dependency.includes(word)) inDependencies.add(word)
    },
    text(name, text, depth) {
      if (depth === 2 && name === 'summary' && summary.length < textCharactersMax) summary += text.toLowerCase()
    },
  })
  if (words.every((word) => summary.includes(word))) return ranks.inSummary
  return words.every((word) => summary.includes(word) || inDependencies.has(word)) ? ranks.inDependencies : undefined
}
