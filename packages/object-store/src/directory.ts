import { randomUUID } from 'node:crypto'
import { copyFile, type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { releasingBody } from './body.ts'
import { copyByStreaming } from './copy-by-streaming.ts'
import { readDirectoryClock } from './directory-clock.ts'
import { directoryFault, errorCode } from './directory-fault.ts'
import { openObject, readFile } from './directory-file.ts'
import { listDirectory, listDirectoryFolder } from './directory-list.ts'
import { withDirectoryLock } from './directory-lock.ts'
import {
  findParent,
  findRoot,
  hiddenPrefix,
  makeParent,
  reservedProblem,
  sweepLeftovers,
  syncDirectory,
} from './directory-path.ts'
import { stampAfter, stampDraft } from './directory-stamp.ts'
import type { FolderEntry, FolderStore } from './folder.ts'
import { checkKey } from './key.ts'
import type {
  ClockOptions,
  CopyOptions,
  CopyOutcome,
  CopySource,
  DeleteOptions,
  ETag,
  GetOptions,
  GetOutcome,
  ListedObject,
  ListOptions,
  ObjectHead,
  PutBody,
  PutCondition,
  PutOptions,
  PutOutcome,
} from './port.ts'
import { holds } from './put-condition.ts'
import { checkRange, clampRange } from './range.ts'
import { bodySize, checkDigest, verifiedSource, wrongLength } from './verified-source.ts'

export interface DirectoryStoreOptions {
  /** Stamped on what is put, as its modification time. Default: the file system's (see directory-clock.ts). */
  readonly clock?: () => Date
  /** How long a write waits for the writers before it. Default 30. */
  readonly lockWaitSeconds?: number
}

/** Read at a time to hash a copy. */
const copyCheckBytes = 2 ** 20

/**
 * Objects as files below one directory, which has to exist. Keys are paths, and the files are what any web server, `cp` or
 * createrepo_c sees; there is no sidecar. Any number of processes may use one directory at once, over NFS too:
 *
 * - Bytes go to a hidden file next to their place, are flushed to disk, and appear under their key in one step. Who reads
 *   keeps the file open and so reads one version to its end.
 * - `absent` is link(2): the kernel, or the NFS server, lets one of many win.
 * - `always`, `unchanged` and `delete` look and act under a lock of the kernel's (see directory-lock.ts), which a killed
 *   process cannot leave behind.
 * - Names that start with `.repokeeper-` are the store's own: never listed, never read as objects.
 * - Symbolic links to files inside the directory read as those files. Other links (to directories, to the outside, to
 *   nothing) are no objects, so that `list`, `get` and `head` agree and nothing is seen twice. Writing on a link replaces
 *   the link. The directory itself may be a link.
 * - Deleting leaves the directory of a file standing, even an empty one: it may belong to somebody.
 * - `contentType` and `cacheControl` are the business of the web server and not kept.
 */
export class DirectoryStore implements FolderStore {
  readonly name: string
  readonly #clock: (() => Date) | undefined
  readonly #lockWaitSeconds: number
  readonly #swept = new Set<string>()

  constructor(path: string, options: DirectoryStoreOptions = {}) {
    this.name = path
    this.#clock = options.clock
    this.#lockWaitSeconds = options.lockWaitSeconds ?? 30
  }

  async get(key: string, options: GetOptions = {}): Promise<GetOutcome> {
    this.#check(key)
    options.signal?.throwIfAborted()
    if (options.range !== undefined) checkRange(options.range)
    return this.#translated(`cannot read ${key}`, key, async () => {
      const object = await openObject(this.name, key)
      if (object === undefined) return { kind: 'absent' }
      const { handle, head } = object
      const refused =
        options.ifMatch !== undefined && head.etag !== options.ifMatch
          ? 'changed'
          : head.etag === options.ifNoneMatch
            ? 'unchanged'
            : undefined
      if (refused !== undefined) {
        await handle.close()
        return { kind: refused }
      }
      const bytes = readFile(object, clampRange(options.range, head.size), this.name, options.signal)
      return { kind: 'found', head, body: releasingBody(bytes, () => handle.close()) }
    })
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<ObjectHead | undefined> {
    this.#check(key)
    options.signal?.throwIfAborted()
    return this.#translated(`cannot read ${key}`, key, async () => {
      const object = await openObject(this.name, key)
      await object?.handle.close()
      return object?.head
    })
  }

  async put(key: string, body: PutBody, condition: PutCondition, options: PutOptions = {}): Promise<PutOutcome> {
    this.#check(key)
    options.signal?.throwIfAborted()
    // Saves writing what would be thrown away; the answer that counts is the one at the commit.
    if (condition.if !== 'always') {
      const current = await this.head(key)
      if (!holds(condition, current?.etag)) return { kind: 'conflict' }
    }
    const parent = await this.#translated(`cannot make the directory of ${key}`, key, async () => {
      const directory = await makeParent(this.name, key)
      await this.#sweepOnce(directory)
      return directory
    })
    const place = join(parent, basename(key))
    const draft = join(parent, `${hiddenPrefix}put-${randomUUID()}`)
    try {
      const etag = await this.#write(draft, key, body, options)
      return await this.#translated(`cannot store ${key}`, key, () =>
        condition.if === 'absent'
          ? this.#commitAbsent({ draft, place, key, etag }, options.signal)
          : this.#commitLocked({ draft, place, key, etag }, condition, options.signal),
      )
    } finally {
      await rm(draft, { force: true })
    }
  }

  copy(source: CopySource, key: string, condition: PutCondition, options: CopyOptions = {}): Promise<CopyOutcome> {
    return copyByStreaming(source, this, key, condition, options)
  }

  async delete(
    key: string,
    options: DeleteOptions = {},
  ): Promise<{ readonly kind: 'deleted' } | { readonly kind: 'conflict' }> {
    this.#check(key)
    options.signal?.throwIfAborted()
    return this.#translated(`cannot delete ${key}`, key, async () => {
      const parent = await findParent(this.name, key)
      if (parent === undefined || (await this.head(key)) === undefined) return { kind: 'deleted' }
      return this.#locked(parent, key, options.signal, async () => {
        const current = await this.head(key)
        if (current === undefined) return { kind: 'deleted' }
        if (options.ifMatch !== undefined && current.etag !== options.ifMatch) return { kind: 'conflict' }
        await rm(join(parent, basename(key)))
        await syncDirectory(parent)
        return { kind: 'deleted' }
      })
    })
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    return listDirectory(this.name, prefix, options)
  }

  listFolder(prefix: string, options: ListOptions = {}): AsyncIterable<FolderEntry> {
    return listDirectoryFolder(this.name, prefix, options)
  }

  async clock(options: ClockOptions = {}): Promise<Date> {
    const { near, signal } = options
    if (near !== undefined) this.#check(near)
    signal?.throwIfAborted()
    if (this.#clock !== undefined) return this.#clock()
    return this.#translated('cannot find out what time it is', near, async () => {
      const parent = near === undefined ? undefined : await findParent(this.name, near)
      return readDirectoryClock(parent ?? (await findRoot(this.name)))
    })
  }

  async close(): Promise<void> {}

  #check(key: string): void {
    checkKey(key, this.name)
    checkKey(key, this.name, reservedProblem(key))
  }

  /** Writes and flushes the whole body to a file that nobody sees yet. */
  async #write(draft: string, key: string, body: PutBody, options: PutOptions): Promise<ETag> {
    const subject = { store: this.name, key }
    const handle = await this.#translated(`cannot store ${key}`, key, () => open(draft, 'wx+'))
    try {
      const copied =
        !(body instanceof Uint8Array) &&
        body.path !== undefined &&
        (await this.#translated(`cannot store ${key}`, key, () => copyInto(handle, draft, body.path ?? '')))
      if (copied) {
        const size = bodySize(body)
        if ((await handle.stat()).size !== size)
          throw wrongLength(`a file of another length than ${size} bytes`, { subject })
        // What the kernel has copied, not what it was to copy: between the hashing and here a disk may have forgotten.
        await checkDigest(readThrough(handle), { ...options, subject })
        options.onProgress?.(size)
      } else {
        for await (const chunk of verifiedSource(body, { ...options, subject })) {
          await this.#translated(`cannot store ${key}`, key, () => handle.writeFile(chunk))
        }
      }
      return await this.#translated(`cannot store ${key}`, key, async () => {
        const etag = await stampDraft(handle, this.#clock)
        await handle.sync()
        return etag
      })
    } finally {
      await handle.close()
    }
  }

  async #commitAbsent(upload: Upload, signal: AbortSignal | undefined): Promise<PutOutcome> {
    const { draft, place, key, etag } = upload
    try {
      await link(draft, place)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'EEXIST')
        return (await this.#linkedAfterAll(draft, key)) ? { kind: 'stored', etag } : { kind: 'conflict' }
      // No hard links here (FAT, some network and user-space filesystems): then by the lock, which all writers here take.
      if (code !== undefined && ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) {
        return this.#commitLocked(upload, { if: 'absent' }, signal)
      }
      throw error
    }
    await syncDirectory(dirname(place))
    return { kind: 'stored', etag }
  }

  /**
   * An NFS client that lost the answer to its first request asks again and is told EEXIST of its own link; link(2) says to
   * count the links then.
   */
  async #linkedAfterAll(draft: string, key: string): Promise<boolean> {
    const handle = await open(draft, 'r')
    const { nlink } = await handle.stat().finally(() => handle.close())
    if (nlink > 1) return true
    if ((await this.head(key)) !== undefined) return false
    // Gone again in between is a conflict as well, but what blocks the name for ever must not look like one.
    await this.#refuseBlockedName(key)
    return false
  }

  async #refuseBlockedName(key: string): Promise<void> {
    const blocking = await lstat(join(this.name, key)).catch(() => undefined)
    if (blocking === undefined || blocking.isFile()) return
    const what = blocking.isDirectory() ? 'a directory' : 'a link or special file that is no object'
    checkKey(key, this.name, `is the name of ${what}: remove it first`)
  }

  async #commitLocked(
    { draft, place, key, etag }: Upload,
    condition: PutCondition,
    signal: AbortSignal | undefined,
  ): Promise<PutOutcome> {
    const parent = dirname(place)
    return this.#locked(parent, key, signal, async () => {
      const current = await openObject(this.name, key)
      await current?.handle.close()
      if (!holds(condition, current?.head.etag)) return { kind: 'conflict' }
      if (condition.if === 'absent') await this.#refuseBlockedName(key)
      const stamped = current === undefined ? etag : await stampAfter(draft, current.modifiedNs)
      await rename(draft, place)
      await syncDirectory(parent)
      return { kind: 'stored', etag: stamped }
    })
  }

  #locked<T>(parent: string, key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const subject = { store: this.name, key }
    return withDirectoryLock(parent, work, { waitSeconds: this.#lockWaitSeconds, signal, subject })
  }

  async #sweepOnce(directory: string): Promise<void> {
    if (this.#swept.has(directory)) return
    this.#swept.add(directory)
    await sweepLeftovers(directory, this.#clock?.() ?? new Date())
  }

  async #translated<T>(doing: string, key: string | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw directoryFault(error, doing, { store: this.name, ...(key !== undefined && { key }) })
    }
  }
}

/**
 * By the kernel. copyfile(3) of libuv takes over the mode of the source, which may be nobody else's to read.
 * @returns false where the source has lost its name: who has it open can still read it
 */
async function copyInto(handle: FileHandle, draft: string, path: string): Promise<boolean> {
  const { mode } = await handle.stat()
  try {
    await copyFile(path, draft)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    return false
  }
  await handle.chmod(mode)
  return true
}

/** A body on its way to its place. */
interface Upload {
  readonly draft: string
  readonly place: string
  readonly key: string
  readonly etag: ETag
}

/** All bytes of a file, each chunk good until the next one is asked for: a stream's garbage would cost as much as the hashing. */
async function* readThrough(handle: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(copyCheckBytes)
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
