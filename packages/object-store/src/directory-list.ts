import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { directoryFault, isAbsence } from './directory-fault.ts'
import { linkedFile, openedHead } from './directory-file.ts'
import { findParent, findRoot, hiddenPrefix } from './directory-path.ts'
import type { FolderEntry } from './folder.ts'
import { compareKeys, keyProblem } from './key.ts'
import type { ListedObject, ListOptions } from './port.ts'

/**
 * The files below a directory as objects, in byte order of their whole keys: a directory sorts as its name with a slash, so
 * `a.b` comes before `a/b`. Holds the names of one directory for each level at a time. What comes or goes while the
 * listing runs may be in it or not.
 */
export async function* listDirectory(
  store: string,
  prefix: string,
  { startAfter, signal }: ListOptions,
): AsyncGenerator<ListedObject> {
  const base = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  try {
    const directory = await findBase(store, base)
    if (directory === undefined) return
    yield* walk({ store, prefix, startAfter, signal }, directory, base)
  } catch (error) {
    throw cannotList(error, prefix, store)
  }
}

/** What lies directly below a directory, as `listDirectory` orders it. */
export async function* listDirectoryFolder(
  store: string,
  prefix: string,
  { startAfter, signal }: ListOptions,
): AsyncGenerator<FolderEntry> {
  try {
    const directory = await findBase(store, prefix)
    if (directory === undefined) return
    const entries = await readEntries({ store, prefix, startAfter: undefined, signal }, directory, prefix)
    const wanted = entries.filter(({ key }) => startAfter === undefined || compareKeys(key, startAfter) > 0)
    for (let index = 0; index < wanted.length; index += statsAtOnce) {
      signal?.throwIfAborted()
      const batch = wanted.slice(index, index + statsAtOnce)
      const found = await Promise.all(batch.map((entry) => (entry.kind === 'file' ? look(store, entry) : entry)))
      for (const one of found) {
        if (one === undefined) continue
        yield 'kind' in one ? { kind: 'folder', key: one.key } : { kind: 'object', object: one }
      }
    }
  } catch (error) {
    throw cannotList(error, prefix, store)
  }
}

/** @param base empty, or ends in a slash */
async function findBase(store: string, base: string): Promise<string | undefined> {
  if (base === '') return findRoot(store)
  if (keyProblem(base.slice(0, -1)) !== undefined || base.includes('//')) return undefined
  return findParent(store, `${base}x`)
}

function cannotList(error: unknown, prefix: string, store: string): unknown {
  return directoryFault(error, prefix === '' ? 'cannot list it' : `cannot list ${prefix}`, { store })
}

interface Walk {
  readonly store: string
  readonly prefix: string
  readonly startAfter: string | undefined
  readonly signal: AbortSignal | undefined
}

/** Enough to keep the disk or the file server busy. */
const statsAtOnce = 32

async function* walk(walk_: Walk, directory: string, base: string): AsyncGenerator<ListedObject> {
  const entries = await readEntries(walk_, directory, base)
  for (let index = 0; index < entries.length; index += statsAtOnce) {
    const batch = entries.slice(index, index + statsAtOnce)
    const heads = await Promise.all(
      batch.map((entry) => (entry.kind === 'file' ? look(walk_.store, entry) : undefined)),
    )
    for (const [position, entry] of batch.entries()) {
      walk_.signal?.throwIfAborted()
      const head = heads[position]
      if (entry.kind === 'directory') yield* walk(walk_, entry.path, entry.key)
      else if (head !== undefined) yield head
    }
  }
}

interface Entry {
  readonly kind: 'file' | 'directory'
  /** Of a directory with its slash. */
  readonly key: string
  readonly path: string
  readonly isLink: boolean
}

async function readEntries(walk_: Walk, directory: string, base: string): Promise<Entry[]> {
  walk_.signal?.throwIfAborted()
  const found = await readdir(directory, { withFileTypes: true, encoding: 'buffer' }).catch((error: unknown) => {
    if (isAbsence(error)) return []
    throw error
  })
  const entries: Entry[] = []
  for (const dirent of found) {
    const entry = toEntry(dirent, directory, base)
    if (entry !== undefined && isWanted(entry, walk_)) entries.push(entry)
  }
  return entries.sort((a, b) => compareKeys(a.key, b.key))
}

function toEntry(dirent: Dirent<Buffer>, directory: string, base: string): Entry | undefined {
  const name = dirent.name.toString()
  // A name that is no UTF-8 cannot be the end of any key.
  if (!Buffer.from(name).equals(dirent.name) || name.startsWith(hiddenPrefix)) return undefined
  const path = join(directory, name)
  if (dirent.isDirectory()) return { kind: 'directory', key: `${base}${name}/`, path, isLink: false }
  if (dirent.isFile() || dirent.isSymbolicLink()) {
    const key = base + name
    return keyProblem(key) === undefined ? { kind: 'file', key, path, isLink: dirent.isSymbolicLink() } : undefined
  }
  return undefined
}

function isWanted({ kind, key }: Entry, { prefix, startAfter }: Walk): boolean {
  if (kind === 'file') return key.startsWith(prefix) && (startAfter === undefined || compareKeys(key, startAfter) > 0)
  if (!key.startsWith(prefix) && !prefix.startsWith(key)) return false
  // All keys of a directory before `startAfter` are before it too, unless `startAfter` is one of them.
  return startAfter === undefined || startAfter.startsWith(key) || compareKeys(key, startAfter) > 0
}

/** `undefined`: gone since, or a link that is no object. */
async function look(store: string, { key, path, isLink }: Entry): Promise<ListedObject | undefined> {
  const target = isLink ? await linkedFile(store, path) : path
  if (target === undefined) return undefined
  try {
    const found = await stat(target, { bigint: true })
    return found.isFile() ? openedHead(key, found) : undefined
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}
