/**
 * What somebody looks for among packages, as they type it.
 */

/** A word; all of a query's words have to be found. Lower case: nobody types names as they are capitalised. */
export type QueryTerm =
  /** Found as a part of the NEVRA, of the summary, or of something that the package provides or requires. */
  | { readonly kind: 'part'; readonly text: string }
  /** With `*` or `?`: stands for the NEVRA, or as much of it as dnf takes for a package (dnf(8), "Specifying Packages"). */
  | { readonly kind: 'pattern'; readonly text: string }

export interface PackageQuery {
  /** At least one. */
  readonly terms: readonly QueryTerm[]
  /** What has to stand somewhere in the XML of an entry that is found, in whatever case: runs of ASCII letters and digits. */
  readonly marks: readonly string[]
}

/**
 * @param text a few words: each is looked for in every package
 * @returns `undefined` where there is no word in it
 */
export function parsePackageQuery(text: string): PackageQuery | undefined {
  const words = new Set(text.toLowerCase().match(/\S+/g) ?? [])
  if (words.size === 0) return undefined
  const terms = [...words].map((word): QueryTerm => ({ kind: /[*?]/.test(word) ? 'pattern' : 'part', text: word }))
  return { terms, marks: marksOf(terms) }
}

/**
 * No run crosses from one field to the next: what stands between them in a NEVRA or a dependency is neither letter nor digit. An epoch of 0
 * may be left out of the XML.
 */
function marksOf(terms: readonly QueryTerm[]): string[] {
  const runs = terms.flatMap(({ text }) => text.match(/[a-z0-9]+/g) ?? [])
  return [...new Set(runs)].filter((run) => run !== '0')
}
