/**
 * The entities that a document defines for itself in its DOCTYPE.
 *
 * Only text may stand in them, and not without bound ("billion laughs"). What lies outside the document is never fetched: an
 * external entity is refused; an external subset is left alone, as every client of a repository leaves it.
 */
import { DocumentError } from './document-error.ts'

export const entityLimits = {
  /** Characters that one entity may stand for. */
  charactersMax: 2 ** 16,
  /** Characters that all references of a document may come to. */
  expandedMax: 2 ** 22,
  /** Entities within entities. */
  depthMax: 16,
} as const

/** Gives an entity's text; `undefined` where the DOCTYPE does not define it. */
export type EntityLookup = (name: string) => string | undefined

export interface Doctype {
  readonly names: readonly string[]
  readonly expand: EntityLookup
}

/**
 * @param text what stands between `<!DOCTYPE` and its `>`
 * @param what what the document is, for the error
 * @throws DocumentError `NOT_PATCHABLE` for external entities, parameter entities, entities with markup and attribute defaults;
 * `TOO_LARGE`; `BROKEN_XML`
 */
export function parseDoctype(text: string, what: string): Doctype {
  const subset = doctype.exec(text)
  if (subset === null) throw new DocumentError('BROKEN_XML', `${what} has a DOCTYPE that is broken`)
  const declared = readSubset(subset[1] ?? '', what)
  const expanded = new Map<string, string>()
  let total = 0
  const expand = (name: string): string | undefined => {
    if (!declared.has(name)) return undefined
    const text = expandEntity(name, { declared, expanded, what }, 0)
    total += text.length
    if (total > entityLimits.expandedMax) throw tooLarge('its entities', entityLimits.expandedMax, what)
    return text
  }
  return { names: [...declared.keys()], expand }
}

const quoted = `(?:"[^"]*"|'[^']*')`
const doctype = new RegExp(
  `^\\s+[^\\s\\[]+(?:\\s+SYSTEM\\s+${quoted}|\\s+PUBLIC\\s+${quoted}\\s+${quoted})?\\s*(?:\\[([^]*)\\]\\s*)?$`,
)

/** What may stand in the subset: white space, comments, processing instructions, and declarations. */
const skipped = new RegExp(`\\s+|<!--[^]*?-->|<\\?[^]*?\\?>|<!(?:ELEMENT|NOTATION)(?:[^"'>]|${quoted})*>`, 'y')
const entity = new RegExp(`<!ENTITY\\s+([^\\s%"'&;<>]+)\\s+(${quoted})\\s*>`, 'y')

/** Names and what stands between the quotes. The first declaration of a name counts (XML 1.0, 4.2). */
function readSubset(subset: string, what: string): Map<string, string> {
  const declared = new Map<string, string>()
  let at = 0
  while (at < subset.length) {
    skipped.lastIndex = at
    entity.lastIndex = at
    const found = entity.exec(subset)
    if (found !== null) {
      const [, name = '', literal = ''] = found
      if (!predefined.has(name) && !declared.has(name)) declared.set(name, literal.slice(1, -1))
      at = entity.lastIndex
    } else if (skipped.test(subset)) at = skipped.lastIndex
    else throw refused(subset.slice(at, at + 60), what)
  }
  return declared
}

function refused(rest: string, what: string): DocumentError {
  const of = (why: string): DocumentError => new DocumentError('NOT_PATCHABLE', `${what}: its DOCTYPE ${why}`)
  if (/^<!ENTITY\s+%|^%/.test(rest)) return of('has parameter entities, which are not read here')
  if (/^<!ENTITY\s+\S+\s+(?:SYSTEM|PUBLIC)\s/.test(rest)) return of('has an external entity, which is never fetched')
  if (rest.startsWith('<!ATTLIST')) return of('declares attributes, which are not read here')
  return new DocumentError('BROKEN_XML', `${what} has a DOCTYPE that is broken at ${JSON.stringify(rest)}`)
}

interface Entities {
  readonly declared: ReadonlyMap<string, string>
  /** Each is expanded once, or empty ones within empty ones would take for ever. */
  readonly expanded: Map<string, string>
  readonly what: string
}

function expandEntity(name: string, entities: Entities, depth: number): string {
  const { declared, expanded, what } = entities
  const known = expanded.get(name)
  if (known !== undefined) return known
  if (depth > entityLimits.depthMax) throw tooLarge(`the entity ${name}`, entityLimits.depthMax, what, 'levels')
  // Character references count at the declaration, those to entities where it is used (XML 1.0, 4.4).
  const replacement = (declared.get(name) ?? '').replaceAll(characterReference, (_, code: string) =>
    character(code, what),
  )
  if (replacement.includes('<')) {
    throw new DocumentError('NOT_PATCHABLE', `${what}: its entity ${name} holds markup, which is not read here`)
  }
  const [first = '', ...rest] = replacement.split('&')
  let text = first
  for (const part of rest) {
    const end = part.indexOf(';')
    text += resolve(end === -1 ? '' : part.slice(0, end), name, entities, depth) + part.slice(end + 1)
    if (text.length > entityLimits.charactersMax) throw tooLarge(`the entity ${name}`, entityLimits.charactersMax, what)
  }
  expanded.set(name, text)
  return text
}

function resolve(reference: string, within: string, entities: Entities, depth: number): string {
  const { declared, what } = entities
  if (reference.startsWith('#')) return character(reference.slice(1), what)
  const known = predefined.get(reference)
  if (known !== undefined) return known
  if (declared.has(reference)) return expandEntity(reference, entities, depth + 1)
  throw new DocumentError('BROKEN_XML', `${what}: its entity ${within} refers to &${reference};, which is not defined`)
}

const characterReference = /&#([0-9]{1,8}|x[0-9A-Fa-f]{1,7});/g
const predefined: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

/** XML 1.0, production 2 (Char). */
const xmlCharacter = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]$/u

/** @param reference `38` or `x26` */
function character(reference: string, what: string): string {
  const code = reference.startsWith('x') ? Number.parseInt(reference.slice(1), 16) : Number.parseInt(reference, 10)
  const found = code <= 0x10ffff ? String.fromCodePoint(code) : ''
  if (xmlCharacter.test(found)) return found
  throw new DocumentError('BROKEN_XML', `${what}: its DOCTYPE refers to &#${reference};, which is no character of XML`)
}

function tooLarge(subject: string, limit: number, what: string, unit = 'characters'): DocumentError {
  return new DocumentError('TOO_LARGE', `${what}: ${subject} would come to more than ${limit} ${unit}`)
}
