/**
 * Documents that are not of the three, comps and updateinfo: what stands directly below the root, one element after the other. No
 * document is held whole.
 */
import { DocumentError } from './document-error.ts'
import { decodeXml } from './xml-encoding.ts'
import { type XmlEvents, XmlPushParser, type XmlTag } from './xml-push-parser.ts'
import { localName, type XmlElement } from './xml-tree.ts'

/** The largest advisories of distributions have some 2 million characters. */
export const rootElementCharactersMax = 2 ** 23

/**
 * @param chunks the uncompressed bytes, cut anywhere
 * @param what what the document is, for the errors
 * @param root the name that its root must have
 * @throws DocumentError `UNEXPECTED_CONTENT` where it has another root; `TOO_LARGE`, and what a parser throws
 */
export async function* readRootElements(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
  root: string,
): AsyncGenerator<XmlElement> {
  const elements = new RootElements(what, root)
  const parser = new XmlPushParser(what, elements)
  let held = 0
  for await (const text of decodeXml(chunks, what)) {
    parser.write(text)
    const ready = elements.take()
    // What the parser and the tree hold is no more than this.
    held = ready.length > 0 ? 0 : held + text.length
    if (held > rootElementCharactersMax) {
      throw new DocumentError('TOO_LARGE', `${what}: an element is longer than ${rootElementCharactersMax} characters`)
    }
    yield* ready
  }
  parser.end()
  yield* elements.take()
}

type Children = (XmlElement | string)[]

class RootElements implements XmlEvents {
  readonly #what: string
  readonly #root: string
  /** Namespaces that the root declares: each element takes them along. */
  #declared: readonly (readonly [string, string])[] = []
  readonly #open: Children[] = []
  #ready: XmlElement[] = []

  constructor(what: string, root: string) {
    this.#what = what
    this.#root = root
  }

  open({ name, attributes }: XmlTag): void {
    const values = Object.values(attributes).map((attribute) => [attribute.name, attribute.value] as const)
    const children: Children = []
    if (this.#open.length === 0) {
      if (localName(name) !== this.#root) throw this.#unexpected(name)
      this.#declared = values.filter(([attribute]) => attribute.startsWith('xmlns:'))
    } else {
      const own = this.#open.length === 1 ? [...this.#declared, ...values] : values
      this.#open.at(-1)?.push({ name, attributes: new Map(own), children })
    }
    this.#open.push(children)
  }

  close(): void {
    this.#open.pop()
    const [top, ...deeper] = this.#open
    if (top === undefined || deeper.length > 0) return
    for (const node of top.splice(0)) if (typeof node !== 'string') this.#ready.push(node)
  }

  text(text: string): void {
    // Between the elements there is nothing but white space.
    if (this.#open.length > 1) this.#open.at(-1)?.push(text)
  }

  take(): XmlElement[] {
    const ready = this.#ready
    this.#ready = []
    return ready
  }

  #unexpected(name: string): DocumentError {
    return new DocumentError('UNEXPECTED_CONTENT', `${this.#what} has the root <${name}>, expected <${this.#root}>`)
  }
}
