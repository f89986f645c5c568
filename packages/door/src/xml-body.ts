/**
 * The XML that a WebDAV request brings: small, and read whole.
 */
import { SaxesParser } from 'saxes'
import { type Answer, sentence } from './answer.ts'

export interface XmlElement {
  /** Of its name: `DAV:`, or of somebody else. */
  readonly namespace: string
  readonly name: string
  readonly children: readonly XmlElement[]
  /** What stands directly in it. */
  readonly text: string
}

export type XmlBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'element'; readonly element: XmlElement }
  | { readonly kind: 'refused'; readonly answer: Answer }

/** What clients send has a few hundred bytes. */
const bytesMax = 65_536
const elementsMax = 500
const depthMax = 16
/** It comes in one piece, mostly; who trickles holds a connection. */
const readMs = 10_000

export const dav = 'DAV:'

/** @throws what the body throws where it is torn */
export async function readXmlBody(body: AsyncIterable<Uint8Array>, now: () => Date): Promise<XmlBody> {
  const until = now().getTime() + readMs
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > bytesMax) return refused(413, `more than ${bytesMax} bytes of XML are not read`)
    if (now().getTime() > until) return refused(408, 'the body comes too slowly', { Connection: 'close' })
    chunks.push(chunk)
  }
  if (size === 0) return { kind: 'none' }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
    return { kind: 'element', element: parse(text) }
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    return refused(400, `the body is no XML that is read here: ${why}`)
  }
}

export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.namespace === dav && child.name === name)
}

interface Open {
  namespace: string
  name: string
  children: XmlElement[]
  text: string
}

/** @throws Error, with a sentence */
function parse(text: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true })
  const open: Open[] = []
  let root: XmlElement | undefined
  let elements = 0
  parser.on('error', (error) => {
    throw error
  })
  // Entities of its own are what XML is made slow with; nobody needs them here.
  parser.on('doctype', () => {
    throw new Error('a DOCTYPE is not taken')
  })
  parser.on('opentag', ({ local, uri }) => {
    elements += 1
    if (elements > elementsMax || open.length >= depthMax) throw new Error('it has too many elements')
    const element: Open = { namespace: uri, name: local, children: [], text: '' }
    open.at(-1)?.children.push(element)
    open.push(element)
  })
  const addText = (more: string): void => {
    const element = open.at(-1)
    if (element !== undefined) element.text += more
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    root = open.pop()
  })
  parser.write(text).close()
  if (root === undefined) throw new Error('there is no element in it')
  return root
}

function refused(status: number, words: string, headers: Readonly<Record<string, string>> = {}): XmlBody {
  return { kind: 'refused', answer: sentence(status, words, headers) }
}
