import { type FileHandle, open } from 'node:fs/promises'
import { clockThatStamped } from './directory-clock.ts'
import { openedHead } from './directory-file.ts'
import type { ETag } from './port.ts'

// An ETag is inode, size and modification time. The inode of a replaced file is free for a later one, and the kernel's own stamps
// stand still for up to 10 ms: the third write to a key within one tick could look like the first. So the store stamps its files itself.
//
// While a key exists, each version is stamped later than the one it replaces, whatever the clock does. Across a delete the
// clock has to do: the new file is stamped after the old one was gone, at least microseconds later, so that either the
// milliseconds differ or the fraction, which is the time since boot and shared by all processes of a host. Only hosts that share
// a directory over NFS could meet here: on the same inode, size and millisecond, in one of some thousand cases.

/**
 * Stamps a draft with the clock's milliseconds and, as their fraction, the time since boot; utimes(2) keeps about 250 ns of it.
 *
 * @param clock default: that of the file system, which gave the draft its modification time when it was written
 * @returns the ETag that the draft has now.
 */
export async function stampDraft(handle: FileHandle, clock: (() => Date) | undefined): Promise<ETag> {
  const now = clock === undefined ? clockThatStamped((await handle.stat()).mtime) : clock()
  const fraction = (Number(process.hrtime.bigint() % 1_000_000n) / 1_000_000) * 0.9
  return stamp(handle, (now.getTime() + fraction) / 1000)
}

/** A predecessor from further in the future was stamped by somebody's touch(1), and is no clock to follow. */
const clockSkewNsMax = 24n * 3600n * 1_000_000_000n

/** Under the lock: sees to it that a draft is younger than the version it replaces. @returns the ETag that it has now. */
export async function stampAfter(draft: string, predecessorNs: bigint): Promise<ETag> {
  const handle = await open(draft, 'r+')
  try {
    const stat = await handle.stat({ bigint: true })
    const isLater = stat.mtimeNs > predecessorNs || predecessorNs - stat.mtimeNs > clockSkewNsMax
    if (isLater) return openedHead('', stat).etag
    const etag = await stamp(handle, Number(predecessorNs + 1_000n) / 1e9)
    await handle.sync()
    return etag
  } finally {
    await handle.close()
  }
}

async function stamp(handle: FileHandle, seconds: number): Promise<ETag> {
  await handle.utimes(seconds, seconds)
  return openedHead('', await handle.stat({ bigint: true })).etag
}
