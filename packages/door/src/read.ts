/**
 * GET and HEAD: an object, a folder, or the way to where the store itself hands the object out.
 */
import type { FolderStore } from '@repokeeper/object-store'
import { type Answer, sentence } from './answer.ts'
import { contentType } from './content-type.ts'
import type { EmptyFiles } from './empty-files.ts'
import type { MadeFolders } from './made-folders.ts'
import { isFolder, readFolder } from './read-folder.ts'
import { type ReadRequest, readObject } from './read-object.ts'
import { encodeKey, type RequestPath } from './request-path.ts'

export interface ReadDesk {
  readonly store: FolderStore
  /** The part of the store that is shown: empty, or with its slash at the end. */
  readonly prefix: string
  readonly madeFolders: MadeFolders
  readonly emptyFiles: EmptyFiles
  /** Where the bytes of a key are to be had instead. Absent: they come through here. */
  readonly redirect?: ((key: string, signal: AbortSignal) => Promise<string>) | undefined
}

type NamedKey = Extract<RequestPath, { kind: 'key' }>

/** @throws StoreError */
export async function read(desk: ReadDesk, path: NamedKey, request: ReadRequest): Promise<Answer> {
  const { store, prefix, madeFolders, emptyFiles, redirect } = desk
  const { signal } = request
  const key = `${prefix}${path.key}`
  if (path.key === '' || path.key.endsWith('/')) {
    // The pages that "repokeeper site" writes are shown as they are meant.
    const page = await readObject(store, `${key}index.html`, request)
    const { key: folder, query } = path
    const isThere = folder === '' || madeFolders.has(folder)
    return page ?? (await readFolder(store, { path: folder, key, isThere, query, signal })) ?? nothingHere()
  }
  const isEmpty = emptyFiles.has(path.key)
  if (redirect !== undefined && request.method === 'GET' && isBulk(path.key) && !isEmpty) {
    // The link expires, so nobody is to keep it.
    const headers = { Location: await redirect(key, signal), 'Cache-Control': 'no-store' }
    return { status: 302, headers, body: { kind: 'none' } }
  }
  const object = await readObject(store, key, request)
  if (object !== undefined) return object
  if (isEmpty) return nothingYet(path.key)
  if (!(await isFolder(store, `${key}/`, signal))) return nothingHere()
  return { status: 301, headers: { Location: `/${encodeKey(path.key)}/` }, body: { kind: 'none' } }
}

function nothingHere(): Answer {
  return sentence(404, 'there is nothing here')
}

/** Nobody is to keep it: what is to come may come at any time. */
function nothingYet(key: string): Answer {
  const body = { kind: 'bytes', contentType: contentType(key), size: 0, bytes: undefined } as const
  return { status: 200, headers: { 'Cache-Control': 'no-store' }, body }
}

/** Packages, and the documents that repomd.xml names: all that is large. What changes under its name is never sent elsewhere. */
function isBulk(key: string): boolean {
  const isMetadata = /(?:^|\/)repodata\/[^/]+$/.test(key)
  return isMetadata ? !/\/?repomd\.xml[^/]*$/.test(key) : /\.d?rpm$/.test(key)
}
