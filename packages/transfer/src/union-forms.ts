/**
 * What the parts of comps, updateinfo and modules are, and when two of them speak of the same thing.
 */
import { createHash } from 'node:crypto'
import { StringDecoder } from 'node:string_decoder'
import {
  childrenNamed,
  DocumentError,
  formatXmlTree,
  localName,
  readRootElements,
  textOfElement,
  type XmlElement,
} from '@repokeeper/repodata'
import { parse as parseYaml } from 'yaml'
import * as z from 'zod'
import type { UnionForm, UnionPart } from './union-document.ts'

const xmlDeclaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** Groups, categories and environments by their id. What has none (langpacks, a whiteout) is one thing, and the first document's. */
export const compsForm: UnionForm = {
  what: 'comps',
  head: `${xmlDeclaration}<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">\n<comps>\n`,
  foot: '</comps>\n',
  async *parts(chunks) {
    for await (const element of readRootElements(chunks, 'comps', 'comps')) {
      // As comps.dtd has them: what an environment or a category names stands before it.
      const rank = identified.indexOf(localName(element.name))
      yield rank === -1 ? partOf(element, identified.length, '') : partOf(element, rank, idOf(element))
    }
  },
}

const identified = ['group', 'category', 'environment']

/** Advisories by their id. */
export const updateinfoForm: UnionForm = {
  what: 'updateinfo',
  head: `${xmlDeclaration}<updates>\n`,
  foot: '</updates>\n',
  async *parts(chunks) {
    for await (const element of readRootElements(chunks, 'updateinfo', 'updates')) {
      yield partOf(element, 0, idOf(element))
    }
  },
}

/**
 * Documents of libmodulemd, as they are written: streams by name, stream, version, context and arch; of a module's defaults there may be
 * only one (libmodulemd, modulemd_defaults_merge: others contradict each other).
 */
export const modulesForm: UnionForm = {
  what: 'modules',
  head: '',
  foot: '',
  async *parts(chunks) {
    for await (const text of yamlDocuments(chunks)) yield modulePart(text)
  },
}

/** @param id `undefined`: what says nothing of itself is nothing but its bytes */
function partOf(element: XmlElement, rank: number, id: string | undefined): UnionPart {
  const bytes = Buffer.from(`${formatXmlTree(element, '  ')}\n`)
  const identity = id ?? createHash('sha256').update(bytes).digest('hex')
  return { key: JSON.stringify([rank, localName(element.name), identity]), bytes }
}

function idOf(element: XmlElement): string | undefined {
  const [id] = childrenNamed(element, 'id')
  return id === undefined ? undefined : textOfElement(id).trim()
}

/** One document of a stream has some 100 KB at most; that of a large module's translations more. */
const yamlDocumentCharactersMax = 2 ** 22

/**
 * `---` and `...` at the start of a line separate documents, whatever surrounds them (YAML 1.2, 9.1.2). What stands before the first line of one,
 * directives and comments, is left out.
 */
async function* yamlDocuments(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let lines: string[] = []
  let length = 0
  const take = (): string[] => {
    const text = lines.join('')
    lines = []
    length = 0
    return text === '' ? [] : [text]
  }
  for await (const line of linesOf(chunks)) {
    const marker = /^(?:---|\.\.\.)(?=\s|$)/.exec(line)?.[0]
    if (marker !== undefined) yield* take()
    const rest = marker === undefined ? line : line.slice(marker.length).trimStart()
    if (lines.length === 0 && /^%|^\s*(?:#|$)/.test(rest)) continue
    lines.push(rest)
    length += rest.length
    if (length > yamlDocumentCharactersMax) {
      throw new DocumentError('TOO_LARGE', `modules: a document is longer than ${yamlDocumentCharactersMax} characters`)
    }
  }
  yield* take()
}

/** Each with its end, `\n`. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(Buffer.from(chunk))).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield `${line}\n`
    if (rest.length > yamlDocumentCharactersMax) throw new DocumentError('TOO_LARGE', 'modules: a line is too long')
  }
  rest += decoder.end()
  if (rest !== '') yield `${rest}\n`
}

const scalar = z.string().default('')
const Modulemd = z.object({
  document: z.string(),
  data: z
    .object({
      name: scalar,
      module: scalar,
      stream: scalar,
      version: scalar,
      context: scalar,
      arch: scalar,
      modified: scalar,
    })
    .prefault({}),
})

function modulePart(text: string): UnionPart {
  const { document, data } = readModulemd(text)
  const { name, module, stream, version, context, arch, modified } = data
  const of = name || module
  // Obsoletes say when they were said: a later one takes the earlier one back.
  const which = document === 'modulemd-defaults' ? [] : [stream, version, context, arch, modified]
  return { key: JSON.stringify([of, document, ...which]), bytes: Buffer.from(`---\n${text}`) }
}

function readModulemd(text: string): z.infer<typeof Modulemd> {
  try {
    // Every scalar as it is written: a stream 1.10 is not 1.1. Aliases are bounded by the parser.
    return Modulemd.parse(parseYaml(text, { schema: 'failsafe', logLevel: 'error' }))
  } catch (cause) {
    const start = JSON.stringify(text.slice(0, 60))
    throw new DocumentError('UNEXPECTED_CONTENT', `modules holds what is no document of libmodulemd: ${start}`, {
      cause,
    })
  }
}
