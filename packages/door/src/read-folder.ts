/**
 * GET and HEAD of a folder: a page of what lies in it.
 */
import { compareKeys, entryKey, type FolderEntry, type FolderStore } from '@repokeeper/object-store'
import type { Answer } from './answer.ts'
import { type FolderRow, folderPageHeaders, formatFolderPage } from './folder-page.ts'

export interface FolderRequest {
  /** As it was asked for, decoded: `''`, or with its slash at the end. */
  readonly path: string
  /** The key of the folder in the store. */
  readonly key: string
  /** Also where nothing lies in it. */
  readonly isThere: boolean
  readonly query: URLSearchParams
  readonly signal: AbortSignal
}

/** On one page; the next one is a link. */
const rowsMax = 1_000

/** @returns `undefined` where there is no such folder @throws StoreError */
export async function readFolder(
  store: Pick<FolderStore, 'listFolder'>,
  { path, key, isThere, query, signal }: FolderRequest,
): Promise<Answer | undefined> {
  const after = query.get('after') ?? ''
  const rows: FolderRow[] = []
  let next: string | undefined
  for await (const entry of store.listFolder(key, { ...(after !== '' && { startAfter: `${key}${after}` }), signal })) {
    const row = rowOf(entry, key)
    if (row.name.startsWith('.repokeeper-')) continue
    if (rows.length === rowsMax) {
      next = new URLSearchParams({ after: rows.at(-1)?.name ?? '' }).toString()
      break
    }
    rows.push(row)
  }
  if (rows.length === 0 && !isThere && after === '' && !(await isFolder(store, key, signal))) return undefined
  const html = formatFolderPage({ path: `/${path}`, rows, ...(next !== undefined && { next }) })
  return {
    status: 200,
    headers: folderPageHeaders,
    body: { kind: 'text', contentType: 'text/html; charset=utf-8', text: html },
  }
}

/** Whether anything lies in it, or it is an empty directory. @param key with its slash at the end */
export async function isFolder(
  store: Pick<FolderStore, 'listFolder'>,
  key: string,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const _ of store.listFolder(key, { signal })) return true
  // Then only the folder above knows of it.
  const name = key.slice(0, -1)
  for await (const entry of store.listFolder(name.slice(0, name.lastIndexOf('/') + 1), { startAfter: name, signal })) {
    const order = compareKeys(entryKey(entry), key)
    if (order >= 0) return order === 0
  }
  return false
}

function rowOf(entry: FolderEntry, folder: string): FolderRow {
  const name = entryKey(entry).slice(folder.length)
  return entry.kind === 'folder' ? { name } : { name, size: entry.object.size, modified: entry.object.lastModified }
}
