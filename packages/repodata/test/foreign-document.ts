/**
 * Documents as others might write them, out of trees: the same packages in any style of quotes, prefixes, encodings, comments,
 * CDATA sections and entities. And back: what a document means, whatever its style.
 */
import * as fc from 'fast-check'
import { SaxesParser, type SaxesTagNS } from 'saxes'
import type { DocumentKind } from '../src/index.ts'

/** An element; names are namespace and local name, so that prefixes do not matter. */
export interface Node {
  readonly name: Name
  readonly attributes: readonly (readonly [Name, string])[]
  /** No text is empty, and no two stand side by side. */
  readonly children: readonly (Node | string)[]
}

/** `own` is the document's namespace, `none` that of attributes without a prefix. */
export interface Name {
  readonly space: 'own' | 'rpm' | 'none' | 'urn:x' | 'urn:y'
  readonly local: string
}

export interface Style {
  /** Prefix of the document's namespace; '' for the default one. */
  readonly own: string
  readonly rpm: string
  readonly declare: 'on the root' | 'on each package'
  readonly encoding: 'UTF-8' | 'ISO-8859-1' | 'UTF-16LE' | 'UTF-16BE'
  readonly entities: boolean
  readonly quote: '"' | "'"
  /** For what is chosen anew each time: comments, CDATA sections, references, white space. */
  readonly seed: number
}

export const canonical: Style = {
  own: '',
  rpm: 'rpm',
  declare: 'on the root',
  encoding: 'UTF-8',
  entities: false,
  quote: '"',
  seed: 0,
}

export const styles: fc.Arbitrary<Style> = fc.record({
  own: fc.constantFrom('', '', 'm', 'rpm2'),
  rpm: fc.constantFrom('rpm', 'rpm', 'r'),
  declare: fc.constantFrom('on the root', 'on each package'),
  encoding: fc.constantFrom('UTF-8', 'UTF-8', 'UTF-8', 'ISO-8859-1', 'UTF-16LE', 'UTF-16BE'),
  entities: fc.boolean(),
  quote: fc.constantFrom('"', "'"),
  seed: fc.integer({ min: 1 }),
})

const roots = { primary: 'metadata', filelists: 'filelists', other: 'otherdata' } as const
const spaces = {
  primary: 'http://linux.duke.edu/metadata/common',
  filelists: 'http://linux.duke.edu/metadata/filelists',
  other: 'http://linux.duke.edu/metadata/other',
} as const
const rpmSpace = 'http://linux.duke.edu/metadata/rpm'

/** Pieces that are easily mangled. */
const texts = fc
  .array(
    fc.constantFrom(
      'a',
      'B7',
      ' ',
      '\n',
      '\t',
      '\r',
      '<',
      '&',
      '>',
      '"',
      "'",
      ']',
      ']]>',
      '&amp;',
      'é',
      '€',
      '😀',
      '--',
      '%20',
      '\u0085',
    ),
    {
      maxLength: 12,
    },
  )
  .map((pieces) => pieces.join(''))

const names = (spaces: readonly Name['space'][]): fc.Arbitrary<Name> =>
  fc.record({ space: fc.constantFrom(...spaces), local: fc.constantFrom('summary', 'file', 'entry', 'a.b-c', 'ünï') })

const elements: fc.Arbitrary<Node> = fc.letrec<{ element: Node }>((tie) => ({
  element: fc.record({
    name: names(['own', 'own', 'rpm', 'urn:x', 'urn:y']),
    attributes: fc.uniqueArray(fc.tuple(names(['none', 'none', 'rpm', 'urn:x', 'urn:y']), texts), {
      maxLength: 3,
      selector: ([{ space, local }]) => `${space} ${local}`,
    }),
    children: fc.array(fc.oneof({ maxDepth: 3 }, texts, tie('element')), { maxLength: 3 }).map(joinTexts),
  }),
})).element

/** What else stands in an entry. */
export const extras: fc.Arbitrary<readonly Node[]> = fc.array(elements, { maxLength: 4 })

function joinTexts(children: readonly (Node | string)[]): (Node | string)[] {
  const joined: (Node | string)[] = []
  for (const child of children) {
    const last = joined.at(-1)
    if (typeof child === 'string' && typeof last === 'string') joined[joined.length - 1] = last + child
    else if (child !== '') joined.push(child)
  }
  return joined
}

/** The entries' own texts come as well: what has to stay byte for byte where it can. */
export function formatForeign(
  kind: DocumentKind,
  entries: readonly Node[],
  style: Style,
): { bytes: Buffer; entries: string[] } {
  const writer = new ForeignWriter(kind, style)
  const texts = entries.map((entry) => writer.element(entry, style.declare === 'on each package'))
  const root = `${style.own === '' ? '' : `${style.own}:`}${roots[kind]}`
  const declarations = style.declare === 'on the root' ? writer.declarations() : writer.rootDeclaration()
  const doctype = style.entities
    ? `<!DOCTYPE ${root} [<!ENTITY eacute "&#233;"><!-- ]> --><!ENTITY and '&#38;#38;'>]>\n`
    : ''
  const between = writer.between()
  const text =
    `<?xml version=${style.quote}1.0${style.quote} encoding=${style.quote}${style.encoding.replace(/[LB]E$/, '')}${style.quote}?>\n` +
    `${doctype}<${root}${declarations} packages="999">${between}${texts.join(between)}${between}</${root}>\n`
  return { bytes: encode(text, style.encoding), entries: texts }
}

function encode(text: string, encoding: Style['encoding']): Buffer {
  if (encoding === 'UTF-8') return Buffer.from(text)
  if (encoding === 'ISO-8859-1') return Buffer.from(text, 'latin1')
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
  return encoding === 'UTF-16BE' ? bytes.swap16() : bytes
}

class ForeignWriter {
  readonly #style: Style
  readonly #spaces: ReadonlyMap<Name['space'], readonly [prefix: string, uri: string]>
  #state: number

  constructor(kind: DocumentKind, style: Style) {
    this.#style = style
    this.#state = style.seed
    this.#spaces = new Map([
      ['own', [style.own, spaces[kind]]],
      ['rpm', [style.rpm, rpmSpace]],
      // A prefix that stands for something else in our own documents.
      ['urn:x', [style.rpm === 'rpm' ? 'x' : 'rpm', 'urn:x']],
      ['urn:y', ['y', 'urn:y']],
    ])
  }

  declarations(): string {
    return [...this.#spaces.values()].map((space) => this.#declaration(space)).join('')
  }

  rootDeclaration(): string {
    return this.#declaration(this.#spaces.get('own') ?? ['', ''])
  }

  between(): string {
    return this.#pick(['', '\n', '\r\n  ', '\n<!-- <package> -->\n'])
  }

  element({ name, attributes, children }: Node, declares: boolean): string {
    const tag = this.#name(name)
    const space = (): string => this.#pick([' ', ' ', '\n    '])
    const written = attributes.map(([key, value]) => `${space()}${this.#name(key)}=${this.#value(value)}`)
    const start = `<${tag}${declares ? this.declarations() : ''}${written.join('')}`
    if (children.length === 0 && this.#pick([true, false])) return `${start}/>`
    const inside = children.map((child) => (typeof child === 'string' ? this.#text(child) : this.element(child, false)))
    return `${start}>${inside.join('')}</${tag}${this.#pick(['', '', ' '])}>`
  }

  #declaration([prefix, uri]: readonly [string, string]): string {
    return ` xmlns${prefix === '' ? '' : `:${prefix}`}=${this.#style.quote}${uri}${this.#style.quote}`
  }

  #name({ space, local }: Name): string {
    const prefix = this.#spaces.get(space)?.[0] ?? ''
    const fitting = this.#style.encoding === 'ISO-8859-1' ? local : local
    return prefix === '' ? fitting : `${prefix}:${fitting}`
  }

  #value(value: string): string {
    const { quote } = this.#style
    const escaped = this.#characters(value, (character) => /[<&\t\n\r]/.test(character) || character === quote)
    return `${quote}${escaped}${quote}`
  }

  #text(text: string): string {
    const noise = this.#style.seed === 0 ? '' : this.#pick(['', '', '<!-- </package> -->', '<?pi </package>?>'])
    if (this.#style.seed !== 0 && !/[\r]/.test(text) && this.#fits(text) && this.#pick([true, false, false])) {
      return `${noise}<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
    }
    return noise + this.#characters(text, (character) => /[<&>\r]/.test(character))
  }

  #characters(text: string, mustEscape: (character: string) => boolean): string {
    return [...text]
      .map((character) => {
        if (this.#style.entities && character === 'é' && this.#pick([true, false])) return '&eacute;'
        if (this.#style.entities && character === '&' && this.#pick([true, false])) return '&and;'
        if (!mustEscape(character) && this.#fits(character)) return character
        const code = character.codePointAt(0) ?? 0
        const named = { '<': '&lt;', '&': '&amp;', '>': '&gt;' }[character] ?? `&#${code};`
        return this.#pick([named, `&#${code};`, `&#x${code.toString(16)};`])
      })
      .join('')
  }

  #fits(text: string): boolean {
    return this.#style.encoding !== 'ISO-8859-1' || /^[\u0000-\u00ff]*$/.test(text)
  }

  /** Always the first where the seed is 0. */
  #pick<T>(choices: readonly [T, ...T[]]): T {
    if (this.#style.seed === 0) return choices[0]
    this.#state = (Math.imul(this.#state, 1103515245) + 12345) >>> 0
    return choices[(this.#state >>> 16) % choices.length] ?? choices[0]
  }
}

/** The entries of a document as trees. Throws where it is not well-formed. */
export function parseForeign(kind: DocumentKind, document: string): Node[] {
  const parser = new SaxesParser({ xmlns: true })
  const top: Node[] = []
  const open: (Node | string)[][] = []
  const spaceOf = (uri: string): Name['space'] => {
    if (uri === spaces[kind]) return 'own'
    if (uri === rpmSpace) return 'rpm'
    if (uri === '') return 'none'
    if (uri === 'urn:x' || uri === 'urn:y') return uri
    throw new Error(`nobody declared ${uri}`)
  }
  const toNode = (tag: SaxesTagNS, children: (Node | string)[]): Node => ({
    name: { space: spaceOf(tag.uri), local: tag.local },
    attributes: Object.values(tag.attributes)
      .filter(({ name, prefix }) => name !== 'xmlns' && prefix !== 'xmlns')
      .map(({ uri, local, value }) => [{ space: spaceOf(uri), local }, value]),
    children,
  })
  const add = (text: string): void => {
    const siblings = open.at(-1)
    const last = siblings?.at(-1)
    if (siblings === undefined || text === '') return
    if (typeof last === 'string') siblings[siblings.length - 1] = last + text
    else siblings.push(text)
  }
  let depth = 0
  parser.on('error', (error) => {
    throw error
  })
  parser.on('text', add)
  parser.on('cdata', add)
  parser.on('opentag', (tag) => {
    depth += 1
    if (depth === 1) return
    const children: (Node | string)[] = []
    const node = toNode(tag, children)
    if (depth === 2) top.push(node)
    else open.at(-1)?.push(node)
    open.push(children)
  })
  parser.on('closetag', () => {
    depth -= 1
    if (depth > 0) open.pop()
  })
  parser.write(document).close()
  return top
}
