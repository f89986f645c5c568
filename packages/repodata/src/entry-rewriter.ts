/**
 * An entry written anew from what a parser says of it: in UTF-8, with the document's namespace as the default one and `rpm:`
 * for the other, so that it can stand below a head of ours. Texts, attributes, order and white space stay; another namespace is
 * declared where it is used.
 */
import { type DocumentKind, documentFrames, rpmNamespace } from './document-kind.ts'
import { escapeAttribute, escapeText } from './text.ts'
import type { XmlEvents, XmlTag } from './xml-push-parser.ts'

export interface RewrittenEntry {
  readonly bytes: Buffer
  /** Names mean something else below a head of ours than where they stood: the entry's own bytes will not do. */
  readonly changed: boolean
}

const pieceCharacters = 2 ** 16

/** Prefix → namespace; the default one has the prefix ''. */
type Scope = Readonly<Record<string, string>>

/** Takes the events of one entry, from its start tag to its end tag. */
export class EntryRewriter implements XmlEvents {
  readonly #namespace: string
  readonly #ownNamespace: string
  /** What is written, as bytes: an entry of a hundred megabytes in small texts would take gigabytes of them. */
  readonly #pieces: Buffer[] = []
  #text = ''
  /** What the declarations mean in the entry as it stood, had it stood below our head; and in what is written. */
  readonly #before: Scope[]
  readonly #after: Scope[]
  readonly #names: string[] = []
  #changed = false
  #length = 0

  /** @param ownNamespace what its document has in the place of ours: the same, or none at all */
  constructor(kind: DocumentKind, ownNamespace: string) {
    this.#namespace = documentFrames[kind].namespace
    this.#ownNamespace = ownNamespace
    const head = scopeOf(kind, this.#namespace)
    this.#before = [head]
    this.#after = [head]
  }

  /** Characters so far. */
  get length(): number {
    return this.#length
  }

  /** Elements that are open. */
  get depth(): number {
    return this.#names.length
  }

  open(tag: XmlTag): void {
    this.#before.push(tag.ns)
    const declarations: Record<string, string> = {}
    const used = new Map<string, string>()
    this.#after.push(declarations)
    const declare = (prefix: string, namespace: string): void => {
      used.set(prefix, namespace)
      if (lookUp(this.#after, prefix) !== namespace) declarations[prefix] = namespace
    }
    const name = this.#name(tag, tag.name, false, used, declare)
    const attributes = Object.values(tag.attributes)
      .filter(({ name, prefix }) => name !== 'xmlns' && prefix !== 'xmlns')
      .map((attribute) => {
        const { name, value, prefix } = attribute
        const written = prefix === '' ? name : this.#name(attribute, name, true, used, declare)
        return ` ${written}="${escapeAttribute(value)}"`
      })
    const namespaces = Object.entries(declarations).map(
      ([prefix, uri]) => ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(uri)}"`,
    )
    this.#write(`<${name}${namespaces.join('')}${attributes.join('')}${tag.isSelfClosing ? '/' : ''}>`)
    this.#names.push(name)
  }

  close(tag: XmlTag): void {
    const name = this.#names.pop()
    if (!tag.isSelfClosing) this.#write(`</${name}>`)
    this.#before.pop()
    this.#after.pop()
  }

  text(text: string): void {
    this.#write(escapeText(text))
  }

  comment(text: string): void {
    this.#write(`<!--${text}-->`)
  }

  instruction(target: string, body: string): void {
    this.#write(body === '' ? `<?${target}?>` : `<?${target} ${body}?>`)
  }

  finish(): RewrittenEntry {
    this.#flush()
    return { bytes: Buffer.concat(this.#pieces), changed: this.#changed }
  }

  #write(piece: string): void {
    this.#text += piece
    this.#length += piece.length
    if (this.#text.length >= pieceCharacters) this.#flush()
  }

  #flush(): void {
    this.#pieces.push(Buffer.from(this.#text))
    this.#text = ''
  }

  /** The name to write; what it needs is declared. */
  #name(
    { prefix, local, uri }: { prefix: string; local: string; uri: string },
    before: string,
    isAttribute: boolean,
    used: ReadonlyMap<string, string>,
    declare: (prefix: string, namespace: string) => void,
  ): string {
    if (prefix === 'xml') return before
    const namespace = uri === this.#ownNamespace ? this.#namespace : uri
    const wanted = this.#prefix(prefix, namespace, isAttribute, used)
    const name = wanted === '' ? local : `${wanted}:${local}`
    declare(wanted, namespace)
    if (name !== before || lookUp(this.#before, wanted) !== namespace) this.#changed = true
    return name
  }

  /** @param used the prefixes that the same tag has already, and what for: two namespaces may want one */
  #prefix(prefix: string, namespace: string, isAttribute: boolean, used: ReadonlyMap<string, string>): string {
    if (namespace === this.#namespace && !isAttribute) return ''
    const wanted = namespace === rpmNamespace ? 'rpm' : prefix
    const isFree = (candidate: string): boolean => (used.get(candidate) ?? namespace) === namespace
    if (isFree(wanted)) return wanted
    let number = 1
    while (!isFree(`ns${number}`)) number += 1
    return `ns${number}`
  }
}

function scopeOf(kind: DocumentKind, namespace: string): Scope {
  return kind === 'primary' ? { '': namespace, rpm: rpmNamespace } : { '': namespace }
}

function lookUp(scopes: readonly Scope[], prefix: string): string | undefined {
  for (let at = scopes.length - 1; at >= 0; at -= 1) {
    const scope = scopes[at]
    if (scope !== undefined && Object.hasOwn(scope, prefix)) return scope[prefix]
  }
  return undefined
}
