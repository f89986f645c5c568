/**
 * The real parser: saxes, with namespaces, with a document's own entities, and with bounds. Text is pushed in, events come out.
 */
import { SaxesParser, type SaxesTagNS } from 'saxes'
import { DocumentError } from './document-error.ts'
import { parseDoctype } from './xml-doctype.ts'

export type XmlTag = SaxesTagNS

export interface XmlEvents {
  open(tag: XmlTag): void
  close(tag: XmlTag): void
  /** Between two tags, comments, CDATA sections or instructions; references are resolved. CDATA comes as text. */
  text(text: string): void
  comment?(text: string): void
  instruction?(target: string, body: string): void
}

/** Elements within elements: seven are the most that any document of a repository has. */
const depthMax = 64

export class XmlPushParser {
  readonly #parser: SaxesParser<{
    xmlns: true
    additionalNamespaces: Record<string, string>
    forceXMLVersion: true
    defaultXMLVersion: '1.0'
  }>

  /**
   * @param what what the document is, for the errors
   * @param namespaces prefix → namespace, in force from the start; the default one has the prefix ''
   */
  constructor(what: string, events: XmlEvents, namespaces: Readonly<Record<string, string>> = {}) {
    // By the rules of XML 1.0 always: so do the clients read it (libxml2), and so is it written again.
    const parser = new SaxesParser({
      xmlns: true,
      additionalNamespaces: namespaces,
      forceXMLVersion: true,
      defaultXMLVersion: '1.0',
    })
    this.#parser = parser
    let depth = 0
    parser.on('error', (error) => {
      const reason = error.message.replace(/^\d+:\d+: /, '').replace(/\.$/, '')
      const where = `at line ${parser.line}, column ${parser.column}`
      throw new DocumentError('BROKEN_XML', `${what} is broken XML ${where}: ${reason}`, { cause: error })
    })
    parser.on('doctype', (text) => {
      const doctype = parseDoctype(text, what)
      for (const name of doctype.names) {
        Object.defineProperty(parser.ENTITIES, name, { get: () => doctype.expand(name) })
      }
    })
    parser.on('opentag', (tag) => {
      depth += 1
      if (depth > depthMax) {
        throw new DocumentError('TOO_LARGE', `${what} has elements more than ${depthMax} deep, line ${parser.line}`)
      }
      events.open(tag)
    })
    parser.on('closetag', (tag) => {
      depth -= 1
      events.close(tag)
    })
    parser.on('text', (text) => events.text(text))
    parser.on('cdata', (text) => events.text(text))
    parser.on('comment', (text) => events.comment?.(text))
    parser.on('processinginstruction', ({ target, body }) => events.instruction?.(target, body))
  }

  /** @throws DocumentError `BROKEN_XML`, what the DOCTYPE throws, and what the events throw */
  write(text: string): void {
    this.#parser.write(text)
  }

  /** The document ends here. @throws DocumentError `BROKEN_XML` where it must not */
  end(): void {
    this.#parser.close()
  }
}
