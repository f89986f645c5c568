/**
 * `Range`: RFC 9110, section 14.
 */
export type AskedRange =
  /** All of it: nothing else was asked for, or nothing that is served in parts. */
  | { readonly kind: 'whole' }
  /** `end` is exclusive. */
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' }

/**
 * One range of bytes is served. Of several the whole is sent, as section 14.2 allows, unless none of them lies inside; a header that is
 * misspelt, or of another unit, is ignored.
 */
export function parseRange(header: string | undefined, size: number): AskedRange {
  const [, list] = /^bytes=(.*)$/i.exec(header?.trim() ?? '') ?? []
  if (list === undefined) return { kind: 'whole' }
  const parts: { readonly start: number; readonly end: number }[] = []
  for (const spec of list.split(',')) {
    const [, first, last] = /^\s*(\d{0,15})-(\d{0,15})\s*$/.exec(spec) ?? []
    if (first === undefined || last === undefined || (first === '' && last === '')) return { kind: 'whole' }
    if (first === '') parts.push({ start: Math.max(0, size - Number(last)), end: size })
    else if (last === '') parts.push({ start: Number(first), end: size })
    else if (Number(last) < Number(first)) return { kind: 'whole' }
    else parts.push({ start: Number(first), end: Math.min(size, Number(last) + 1) })
  }
  const [part, ...more] = parts.filter(({ start, end }) => start < end)
  if (part === undefined) return { kind: 'unsatisfiable' }
  return more.length > 0 || parts.length > 1 ? { kind: 'whole' } : { kind: 'part', ...part }
}
