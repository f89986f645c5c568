/**
 * `If`: RFC 4918, section 10.4.
 */
export interface IfList {
  /** The resource that it speaks of, as a URL or a path; absent: the one of the request. */
  readonly resource?: string
  /** All of them have to hold. */
  readonly conditions: readonly IfCondition[]
}

export interface IfCondition {
  readonly not: boolean
  readonly kind: 'token' | 'etag'
  readonly value: string
}

/** @returns the lists, of which one has to hold; `undefined`: it is misspelt */
export function parseIf(header: string): IfList[] | undefined {
  const lists: IfList[] = []
  let resource: string | undefined
  let at = 0
  while (at < header.length) {
    const [whole, tag, list] = matchAt(/\s*(?:<([^<>\s]+)>\s*)?\(([^()]*)\)\s*/y, header, at) ?? []
    if (whole === undefined || list === undefined) return undefined
    // Section 10.4.2: where one names its resource, all do. A list that does not follows another of the same.
    if (tag !== undefined && lists.length > 0 && resource === undefined) return undefined
    resource = tag ?? resource
    const conditions = parseList(list)
    if (conditions === undefined) return undefined
    lists.push({ ...(resource !== undefined && { resource }), conditions })
    at += whole.length
  }
  return lists.length === 0 ? undefined : lists
}

/** All that stand in it. Section 10.4.1: to stand there is to be submitted, whatever the lists say. */
export function tokensIn(lists: readonly IfList[]): ReadonlySet<string> {
  const conditions = lists.flatMap((list) => list.conditions)
  return new Set(conditions.filter(({ kind }) => kind === 'token').map(({ value }) => value))
}

function parseList(text: string): IfCondition[] | undefined {
  const conditions: IfCondition[] = []
  let at = 0
  while (at < text.length) {
    const [whole, not, token, etag] =
      matchAt(/\s*(not\s*)?(?:<([^<>\s]+)>|\[((?:W\/)?"[^"\]]*")\])\s*/iy, text, at) ?? []
    const value = token ?? etag
    if (whole === undefined || value === undefined) return undefined
    conditions.push({ not: not !== undefined, kind: token === undefined ? 'etag' : 'token', value })
    at += whole.length
  }
  return conditions.length === 0 ? undefined : conditions
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}
