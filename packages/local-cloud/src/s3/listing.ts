import type { SortedKeys } from './sorted-keys.ts'

export interface ListingQuery {
  readonly prefix: string
  /** Empty: none. */
  readonly delimiter: string
  /** Only what comes after this key. */
  readonly after: string
  /** `after` is a common prefix that was listed already: nothing that starts with it comes again. */
  readonly afterPrefix: boolean
  readonly max: number
}

export interface Listing {
  readonly keys: readonly string[]
  readonly commonPrefixes: readonly string[]
  /** The last item of a page that is not the last. */
  readonly next?: { readonly after: string; readonly isPrefix: boolean }
}

/**
 * A page of a bucket's keys. Keys that share the part between the prefix and the first delimiter after it are rolled up
 * into one common prefix, which counts as one item.
 * Source: AWS, ListObjectsV2.
 */
export function listKeys(all: SortedKeys, query: ListingQuery): Listing {
  const { prefix, delimiter, max } = query
  const keys: string[] = []
  const commonPrefixes: string[] = []
  let position = startOf(all, query)
  let last: { after: string; isPrefix: boolean } | undefined
  for (;;) {
    const key = all.at(position)
    if (key?.startsWith(prefix) !== true) return { keys, commonPrefixes }
    if (keys.length + commonPrefixes.length >= max) {
      return max === 0 || last === undefined ? { keys, commonPrefixes } : { keys, commonPrefixes, next: last }
    }
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    if (cut < 0) {
      keys.push(key)
      last = { after: key, isPrefix: false }
      position += 1
      continue
    }
    const commonPrefix = key.slice(0, cut + delimiter.length)
    position = all.firstBeyondPrefix(commonPrefix)
    commonPrefixes.push(commonPrefix)
    last = { after: commonPrefix, isPrefix: true }
  }
}

function startOf(all: SortedKeys, { prefix, after, afterPrefix }: ListingQuery): number {
  const atPrefix = all.firstAtOrAfter(prefix)
  if (after === '') return atPrefix
  if (afterPrefix) return Math.max(atPrefix, all.firstBeyondPrefix(after))
  const position = all.firstAtOrAfter(after)
  return Math.max(atPrefix, all.at(position) === after ? position + 1 : position)
}
