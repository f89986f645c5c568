/**
 * PROPFIND, PROPPATCH and MKCOL: RFC 4918, sections 9.1 to 9.3.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { entryKey, type FolderStore } from '@repokeeper/object-store'
import { passOverKey } from '@repokeeper/repository'
import { type Answer, sentence } from './answer.ts'
import { type DavEntry, formatEntry } from './dav-properties.ts'
import type { EmptyFiles } from './empty-files.ts'
import type { Locks } from './locks.ts'
import type { MadeFolders } from './made-folders.ts'
import { isFinished } from './package-places.ts'
import { parsePropertyUpdate, parsePropfind } from './propfind-request.ts'
import { isFolder } from './read-folder.ts'
import { formatError, formatMultistatus, formatName, formatPropstat, formatResponse, xmlAnswer } from './webdav-xml.ts'
import type { XmlElement } from './xml-body.ts'

export interface DavRequest {
  readonly store: FolderStore
  readonly prefix: string
  readonly madeFolders: MadeFolders
  readonly emptyFiles: EmptyFiles
  readonly locks: Locks
  /** Whether anything can be written here, and so locked. */
  readonly isWritable: boolean
  /** Below the top of the door. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly user: string | undefined
  /** The address that it comes from. */
  readonly from: string
  readonly signal: AbortSignal
}

/** In one folder, all of which is told in one answer. */
const entriesMax = 20_000
/** Who asks for many properties, of long names, has them named with each entry. */
const answerCharactersMax = 16 * 2 ** 20

/** @throws StoreError */
export async function propfind(request: DavRequest, body: XmlElement | undefined): Promise<Answer> {
  const asked = parsePropfind(body)
  if (asked === undefined) return sentence(400, 'the body is no propfind that asks for anything')
  const { depth = 'infinity' } = request.headers
  if (depth !== '0' && depth !== '1') return xmlAnswer(403, formatError('propfind-finite-depth'))
  const entries = await entriesAt(request, depth)
  if (entries === undefined) return sentence(404, 'there is nothing here')
  const { locks, isWritable, user } = request
  const looks = { locksOn: isWritable ? (path: string) => locks.covering(path) : undefined, user }
  const responses: string[] = []
  let characters = 0
  for (const entry of entries) {
    const response = formatEntry(entry, asked, looks)
    characters += response.length
    responses.push(response)
    if (characters > answerCharactersMax || responses.length > entriesMax + 1) {
      return sentence(507, `more than ${entriesMax} entries, or than fit into one answer`)
    }
  }
  return xmlAnswer(207, formatMultistatus(responses))
}

/**
 * No property can be changed: each is refused by its name, which clients that would set the time of a file go on after.
 *
 * @throws StoreError
 */
export async function proppatch(request: DavRequest, body: XmlElement | undefined): Promise<Answer> {
  const properties = parsePropertyUpdate(body)
  if (properties === undefined) return sentence(400, 'the body is no propertyupdate that names a property')
  const [entry] = (await entriesAt(request, '0')) ?? []
  if (entry === undefined) return sentence(404, 'there is nothing here')
  const refused = formatPropstat(properties.map(formatName), '403 Forbidden')
  return xmlAnswer(207, formatMultistatus([formatResponse(entry.path, refused)]))
}

/** @throws StoreError */
export async function makeFolder(request: DavRequest): Promise<Answer> {
  const { store, prefix, madeFolders, emptyFiles, headers, signal } = request
  const path = request.path.replace(/\/$/, '')
  // Section 9.3: a body would say more than is understood.
  if (Number(headers['content-length'] ?? 0) > 0) return sentence(415, 'a folder is made without a body')
  if (path === '') return sentence(405, 'the top is there already')
  const probe = `${path}/x.rpm`
  if (passOverKey(`${prefix}${probe}`) !== undefined || !isFinished(probe)) {
    return sentence(403, 'no package can lie in a folder of this name')
  }
  const isFile = emptyFiles.has(path) || (await store.head(`${prefix}${path}`, { signal })) !== undefined
  if (isFile || (await folderIsThere(request, `${path}/`))) return sentence(405, 'it is there already')
  const parent = path.slice(0, path.lastIndexOf('/') + 1)
  if (!(await folderIsThere(request, parent))) return sentence(409, 'the folder above it is not there; make it first')
  madeFolders.add(`${path}/`)
  return sentence(201, `made ${path}`)
}

/** @param folder with its slash at the end, or empty @throws StoreError */
export async function folderIsThere(
  { store, prefix, madeFolders, signal }: Pick<DavRequest, 'store' | 'prefix' | 'madeFolders' | 'signal'>,
  folder: string,
): Promise<boolean> {
  if (folder === '' || madeFolders.has(folder) || madeFolders.in(folder).length > 0) return true
  return isFolder(store, `${prefix}${folder}`, signal)
}

/** What is there; with depth 1, and of a folder, what lies in it. `undefined`: nothing is. One more than are told tells that there are more. */
async function entriesAt(request: DavRequest, depth: '0' | '1'): Promise<DavEntry[] | undefined> {
  const { store, prefix, path, emptyFiles, signal } = request
  if (path !== '' && !path.endsWith('/')) {
    const object = await store.head(`${prefix}${path}`, { signal })
    if (object !== undefined) return [{ path, object }]
    if (emptyFiles.has(path)) return [{ path, object: { size: 0 } }]
  }
  const folder = path === '' || path.endsWith('/') ? path : `${path}/`
  if (!(await folderIsThere(request, folder))) return undefined
  return [{ path: folder }, ...(depth === '1' ? await entriesIn(request, folder) : [])]
}

async function entriesIn(
  { store, prefix, madeFolders, emptyFiles, signal }: DavRequest,
  folder: string,
): Promise<DavEntry[]> {
  const found = new Map<string, DavEntry>()
  for await (const entry of store.listFolder(`${prefix}${folder}`, { signal })) {
    const path = entryKey(entry).slice(prefix.length)
    if (path.slice(folder.length).startsWith('.repokeeper-')) continue
    found.set(path, entry.kind === 'folder' ? { path } : { path, object: entry.object })
    if (found.size > entriesMax) return [...found.values()]
  }
  const remembered: DavEntry[] = [
    ...madeFolders.in(folder).map((name) => ({ path: `${folder}${name}` })),
    ...emptyFiles.in(folder).map((name) => ({ path: `${folder}${name}`, object: { size: 0 } as const })),
  ]
  for (const entry of remembered) if (!found.has(entry.path)) found.set(entry.path, entry)
  return [...found.values()]
}
