/**
 * PROPFIND and MKCOL: RFC 4918, sections 9.1 and 9.3. Of properties all that there are are told, whichever were asked for.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { entryKey, type FolderStore } from '@repokeeper/object-store'
import { passOverKey } from '@repokeeper/repository'
import { type Answer, sentence } from './answer.ts'
import type { MadeFolders } from './made-folders.ts'
import { isFinished } from './package-places.ts'
import { isFolder } from './read-folder.ts'
import { type DavEntry, formatFiniteDepth, formatMultistatus, xmlType } from './webdav-xml.ts'

export interface DavRequest {
  readonly store: FolderStore
  readonly prefix: string
  readonly madeFolders: MadeFolders
  /** Below the top of the door. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly signal: AbortSignal
}

/** In one folder, all of which is told in one answer. */
const entriesMax = 20_000

/** @throws StoreError */
export async function propfind(request: DavRequest): Promise<Answer> {
  const { store, prefix, path, headers, signal } = request
  const { depth = 'infinity' } = headers
  if (depth !== '0' && depth !== '1') return xml(403, formatFiniteDepth())
  if (path !== '' && !path.endsWith('/')) {
    const object = await store.head(`${prefix}${path}`, { signal })
    if (object !== undefined) return xml(207, formatMultistatus([{ path, object }]))
  }
  const folder = path === '' || path.endsWith('/') ? path : `${path}/`
  if (!(await folderIsThere(request, folder))) return sentence(404, 'there is nothing here')
  const entries: DavEntry[] = [{ path: folder }]
  if (depth === '1') {
    const below = await entriesIn(request, folder)
    if (below === undefined) return sentence(507, `more than ${entriesMax} entries are not told in one answer`)
    entries.push(...below)
  }
  return xml(207, formatMultistatus(entries))
}

/** @throws StoreError */
export async function makeFolder(request: DavRequest): Promise<Answer> {
  const { store, prefix, madeFolders, headers, signal } = request
  const path = request.path.replace(/\/$/, '')
  // Section 9.3: a body would say more than is understood.
  if (Number(headers['content-length'] ?? 0) > 0) return sentence(415, 'a folder is made without a body')
  if (path === '') return sentence(405, 'the top is there already')
  const probe = `${path}/x.rpm`
  if (passOverKey(`${prefix}${probe}`) !== undefined || !isFinished(probe)) {
    return sentence(403, 'no package can lie in a folder of this name')
  }
  if ((await store.head(`${prefix}${path}`, { signal })) !== undefined || (await folderIsThere(request, `${path}/`))) {
    return sentence(405, 'it is there already')
  }
  const parent = path.slice(0, path.lastIndexOf('/') + 1)
  if (!(await folderIsThere(request, parent))) return sentence(409, 'the folder above it is not there; make it first')
  madeFolders.add(`${path}/`)
  return sentence(201, `made ${path}`)
}

async function folderIsThere({ store, prefix, madeFolders, signal }: DavRequest, folder: string): Promise<boolean> {
  if (folder === '' || madeFolders.has(folder) || madeFolders.in(folder).length > 0) return true
  return isFolder(store, `${prefix}${folder}`, signal)
}

/** `undefined`: there are too many. */
async function entriesIn(
  { store, prefix, madeFolders, signal }: DavRequest,
  folder: string,
): Promise<DavEntry[] | undefined> {
  const found = new Map<string, DavEntry>()
  for await (const entry of store.listFolder(`${prefix}${folder}`, { signal })) {
    const path = entryKey(entry).slice(prefix.length)
    if (path.slice(folder.length).startsWith('.repokeeper-')) continue
    if (found.size >= entriesMax) return undefined
    found.set(path, entry.kind === 'folder' ? { path } : { path, object: entry.object })
  }
  for (const name of madeFolders.in(folder)) {
    const path = `${folder}${name}`
    if (!found.has(path)) found.set(path, { path })
  }
  return [...found.values()]
}

function xml(status: number, text: string): Answer {
  return { status, headers: { 'Cache-Control': 'no-cache' }, body: { kind: 'text', contentType: xmlType, text } }
}
