import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { unlessAborted } from './abort.ts'
import { directoryFault, errorCode, isAbsence } from './directory-fault.ts'
import { findParent, findRoot, reservedProblem } from './directory-path.ts'
import { parseETag } from './etag.ts'
import { type ObjectHead, StoreError } from './port.ts'
import type { ByteRange } from './range.ts'

export interface OpenObject {
  readonly handle: FileHandle
  readonly head: ObjectHead
  /** Modification time, since 1970. */
  readonly modifiedNs: bigint
}

/**
 * Opens the file of a key and says what it is; `undefined` where there is none. Also the way to *look* at one: over NFS only
 * open(2) asks the server afresh, while stat(2) may answer from the client's cache.
 */
export async function openObject(store: string, key: string): Promise<OpenObject | undefined> {
  const parent = await findParent(store, key)
  if (parent === undefined) return undefined
  const handle = await openFile(store, join(parent, basename(key)))
  if (handle === undefined) return undefined
  let object: OpenObject | undefined
  try {
    const stat = await handle.stat({ bigint: true })
    if (stat.isFile()) object = { handle, head: openedHead(key, stat), modifiedNs: stat.mtimeNs }
    return object
  } finally {
    if (object === undefined) await handle.close()
  }
}

/**
 * ETag of a file: inode, size and modification time in nanoseconds. Cheap, and different for everything that this store
 * writes (see directory-stamp.ts). Of what others do to the files, only this goes unseen: bytes changed in
 * place with the old time set back on purpose. On filesystems that keep whole seconds (FAT, HFS+, ext3) a third write to
 * one key within a second may look like the first if it has the same size.
 */
export function openedHead(key: string, stat: BigIntStats): ObjectHead {
  return {
    key,
    etag: parseETag(`${stat.ino.toString(16)}-${stat.size.toString(16)}-${stat.mtimeNs.toString(16)}`),
    size: Number(stat.size),
    lastModified: new Date(Number(floorToMilliseconds(stat.mtimeNs))),
  }
}

const chunkBytes = 128 * 1024

/** @throws StoreError `UNAVAILABLE` where somebody changed the file in place meanwhile. */
export async function* readFile(
  { handle, head }: OpenObject,
  range: ByteRange,
  store: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const subject = { store, key: head.key }
  const changed = () =>
    new StoreError('UNAVAILABLE', `${store}: ${head.key} was changed in place while it was read; try again`, subject)
  try {
    for (let position = range.start; position < range.end; ) {
      const length = Math.min(chunkBytes, range.end - position)
      const { bytesRead, buffer } = await unlessAborted(
        handle.read(new Uint8Array(length), 0, length, position),
        signal,
      )
      if (bytesRead === 0) throw changed()
      position += bytesRead
      // Looked at before the last bytes are handed out, so that nobody takes a mixture for a whole.
      if (position === range.end) {
        const now = openedHead(head.key, await handle.stat({ bigint: true }))
        if (now.etag !== head.etag) throw changed()
      }
      yield buffer.subarray(0, bytesRead)
    }
  } catch (error) {
    throw directoryFault(error, `cannot read ${head.key}`, subject)
  }
}

async function openFile(store: string, path: string): Promise<FileHandle | undefined> {
  // Without O_NONBLOCK the open of a FIFO would wait for its other end.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
  try {
    return await open(path, flags)
  } catch (error) {
    if (isAbsence(error) || errorCode(error) === 'ENXIO') return undefined
    // O_NOFOLLOW met a link: ELOOP on Linux, EMLINK on FreeBSD.
    if (errorCode(error) !== 'ELOOP' && errorCode(error) !== 'EMLINK') throw error
  }
  const target = await linkedFile(store, path)
  return target === undefined ? undefined : open(target, flags)
}

/** Where a link leads, if that is inside the store and none of its hidden files. */
export async function linkedFile(store: string, path: string): Promise<string | undefined> {
  const root = await findRoot(store)
  const target = await realpath(path).catch(() => undefined)
  if (target === undefined || !target.startsWith(`${root}/`)) return undefined
  return reservedProblem(target.slice(root.length + 1)) === undefined ? target : undefined
}

/** Towards the past, also before 1970, where BigInt's division rounds the other way. */
function floorToMilliseconds(nanoseconds: bigint): bigint {
  const part = ((nanoseconds % 1_000_000n) + 1_000_000n) % 1_000_000n
  return (nanoseconds - part) / 1_000_000n
}
