import { SaxesParser } from 'saxes'

/** An element of a request's document. Namespaces and attributes mean nothing to S3's requests and are dropped. */
export interface XmlElement {
  readonly name: string
  readonly children: readonly XmlElement[]
  readonly text: string
}

/** What to write: `[name, content]`; content is text, or elements in order; `undefined` leaves the element out. */
export type XmlNode = readonly [name: string, content: string | number | boolean | undefined | readonly XmlNode[]]

export class MalformedXml extends Error {
  override readonly name = 'MalformedXml'
}

/** S3's own documents are five levels deep. */
const depthMax = 16

/** @throws MalformedXml */
export function parseXml(text: string): XmlElement {
  interface Open {
    readonly name: string
    readonly children: XmlElement[]
    text: string
  }
  const document: Open = { name: '', children: [], text: '' }
  const open: Open[] = [document]
  const top = () => open.at(-1) ?? document
  const parser = new SaxesParser({ xmlns: false, position: false })
  const fail = (message: string) => {
    throw new MalformedXml(message)
  }
  parser.on('error', (error) => fail(error.message))
  // No client of S3 sends a document type; the only use of one is an attack.
  parser.on('doctype', () => fail('a document type is not allowed'))
  parser.on('opentag', (tag) => {
    if (open.length > depthMax) fail(`elements nest deeper than ${depthMax}`)
    const element: Open = { name: tag.name.replace(/^.*:/, ''), children: [], text: '' }
    top().children.push(element)
    open.push(element)
  })
  parser.on('closetag', () => open.pop())
  const append = (part: string) => {
    top().text += part
  }
  parser.on('text', append)
  parser.on('cdata', append)
  parser.write(text).close()
  const [root] = document.children
  return root ?? fail('there is no element')
}

export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name)
}

/** The text of the first child of that name. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text
}

export function formatXml([name, content]: XmlNode, namespace?: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${formatNode(name, content, namespace ? ` xmlns="${namespace}"` : '')}`
}

function formatNode(name: string, content: XmlNode[1], attributes: string): string {
  if (content === undefined) return ''
  if (typeof content !== 'object') return `<${name}${attributes}>${escapeText(String(content))}</${name}>`
  const inner = content.map(([child, grandchildren]) => formatNode(child, grandchildren, '')).join('')
  return `<${name}${attributes}>${inner}</${name}>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Control characters become references, as in S3's own listings: XML 1.0 can't hold them, which is why encoding-type exists. */
function escapeText(text: string): string {
  return text.replace(
    /[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g,
    (character) => entities[character] ?? `&#x${character.charCodeAt(0).toString(16)};`,
  )
}
