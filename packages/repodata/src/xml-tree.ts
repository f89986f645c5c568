/**
 * A small XML document as a tree: repomd.xml, or a single entry. Whole documents never come here.
 */
import { DocumentError } from './document-error.ts'
import { escapeAttribute, escapeText } from './text.ts'
import { openXmlDecoder } from './xml-encoding.ts'
import { type XmlEvents, XmlPushParser } from './xml-push-parser.ts'

export interface XmlElement {
  /** With its prefix, as written. */
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  /** Elements and text (CDATA as text) in order; comments and processing instructions are left out. */
  readonly children: readonly (XmlElement | string)[]
}

/** repomd.xml of the largest distributions is some 20 KB, an entry some 60 MB at the very most. */
const treeBytesMax = 64 * 2 ** 20

/**
 * @param bytes in any encoding that is known here; entities of its own are resolved
 * @param what what it is, for the error: "repomd.xml"
 * @param namespaces of what surrounds it: prefix → namespace
 * @throws DocumentError `BROKEN_XML`, `TOO_LARGE`, and `NOT_PATCHABLE` for what even a parser does not read (xml-doctype.ts,
 * xml-encoding.ts)
 */
export function parseXmlTree(
  bytes: Uint8Array,
  what: string,
  namespaces: Readonly<Record<string, string>> = {},
): XmlElement {
  if (bytes.length > treeBytesMax) throw new DocumentError('TOO_LARGE', `${what} is longer than ${treeBytesMax} bytes`)
  const decoder = openXmlDecoder(bytes, what)
  const top: (XmlElement | string)[] = []
  const open = [top]
  const add = (node: XmlElement | string): void => void open.at(-1)?.push(node)
  const events: XmlEvents = {
    open({ name, attributes }) {
      const values = Object.values(attributes).map((attribute) => [attribute.name, attribute.value] as const)
      const children: (XmlElement | string)[] = []
      add({ name, attributes: new Map(values), children })
      open.push(children)
    },
    close: () => void open.pop(),
    text: add,
  }
  const parser = new XmlPushParser(what, events, namespaces)
  parser.write(decoder.decode(bytes) + decoder.end())
  parser.end()
  const [root] = top.filter((node) => typeof node !== 'string')
  if (root === undefined) throw new DocumentError('BROKEN_XML', `${what} is broken XML: it has no root element`)
  return root
}

/** The element children with this name, whatever their prefix. */
export function childrenNamed(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string' && localName(child.name) === name) as XmlElement[]
}

/** The text below an element, its elements' included. */
export function textOfElement(element: XmlElement): string {
  return element.children.map((child) => (typeof child === 'string' ? child : textOfElement(child))).join('')
}

export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

/**
 * Pretty-printed with two spaces, without a line end behind it. White space between elements is made anew; an element
 * that has text of its own is written on one line as it is.
 */
export function formatXmlTree(element: XmlElement, indent = ''): string {
  const attributes = [...element.attributes].map(([name, value]) => ` ${name}="${escapeAttribute(value)}"`).join('')
  const start = `${indent}<${element.name}${attributes}`
  const hasText = element.children.some((child) => typeof child === 'string' && child.trim() !== '')
  if (hasText) {
    const inside = element.children.map((child) =>
      typeof child === 'string' ? escapeText(child) : formatXmlTree(child),
    )
    return `${start}>${inside.join('')}</${element.name}>`
  }
  const elements = element.children.filter((child) => typeof child !== 'string')
  if (elements.length === 0) return `${start}/>`
  const inside = elements.map((child) => formatXmlTree(child, `${indent}  `))
  return `${start}>\n${inside.join('\n')}\n${indent}</${element.name}>`
}
