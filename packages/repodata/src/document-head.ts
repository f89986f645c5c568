/**
 * What stands before the first entry: declaration, comments, and the root's start tag.
 */
import { DocumentError } from './document-error.ts'
import { type DocumentKind, documentFrames, isMetadataNamespace } from './document-kind.ts'
import { parseStartTag } from './start-tag.ts'
import { endOf, tagEnd } from './tag-bytes.ts'
import { findEncoding, isUtf8Name } from './xml-encoding.ts'

export interface ScannedHead {
  readonly kind: 'head'
  readonly bytes: Buffer
  readonly packages: number | undefined
  /** What the root declares: prefix → namespace; the default one has the prefix ''. */
  readonly namespaces: ReadonlyMap<string, string>
}

/** Each is looked at again with every entry that a parser reads. Tools declare two. */
const namespacesMax = 64

/** The first byte behind the root's start tag, or `undefined` while it is not all there. */
export function findRootEnd(buffer: Buffer): number | undefined {
  if (buffer.length < 4) return undefined
  const encoding = findEncoding(buffer)
  if (!isUtf8Name(encoding)) {
    throw new DocumentError('NOT_PATCHABLE', `it is written in ${encoding}: only UTF-8 is patched as bytes`)
  }
  let at = 0
  while (true) {
    at = buffer.indexOf('<', at)
    if (at === -1 || at + 4 > buffer.length) return undefined
    const end = buffer.toString('latin1', at, at + 4)
    if (end === '<!--') at = endOf(buffer, '-->', at + 4)
    else if (end.startsWith('<?')) at = endOf(buffer, '?>', at + 2)
    else if (end.startsWith('<!')) {
      throw new DocumentError('NOT_PATCHABLE', 'a DOCTYPE may define entities of its own: not patched as bytes')
    } else {
      const close = tagEnd(buffer, at)
      return close === -1 ? undefined : close
    }
    if (at === -1) return undefined
  }
}

/** Checks that the entries can be found as bytes: UTF-8, and a root without a prefix. */
export function readHead(kind: DocumentKind, bytes: Buffer): ScannedHead {
  const tag = parseStartTag(bytes.subarray(bytes.lastIndexOf('<')))
  const { root, namespace } = documentFrames[kind]
  if (tag.name !== root) {
    const local = tag.name.replace(/^.*:/, '')
    const code = local === root ? 'NOT_PATCHABLE' : 'UNEXPECTED_CONTENT'
    throw new DocumentError(code, `the root of ${kind} is <${tag.name}>, expected <${root}>`)
  }
  const namespaces = new Map<string, string>()
  for (const [name, value] of tag.attributes) {
    if (name === 'xmlns') namespaces.set('', value)
    else if (name.startsWith('xmlns:')) namespaces.set(name.slice('xmlns:'.length), value)
  }
  if (namespaces.size > namespacesMax) {
    throw new DocumentError('TOO_LARGE', `the root of ${kind} declares more than ${namespacesMax} namespaces`)
  }
  const found = namespaces.get('') ?? namespace
  if (!isMetadataNamespace(found)) {
    throw new DocumentError('UNEXPECTED_CONTENT', `${kind} has the namespace ${found}, expected ${namespace}`)
  }
  const packages = tag.attributes.get('packages')
  return {
    kind: 'head',
    bytes,
    packages: packages !== undefined && /^[0-9]{1,9}$/.test(packages) ? Number(packages) : undefined,
    namespaces,
  }
}

export function isEmptyElement(tag: Buffer): boolean {
  return tag[tag.length - 2] === 0x2f
}
