/**
 * A body on its way in: to a file, with its digest, and never all of it in memory.
 */
import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import type { Scratch } from './scratch.ts'

/** A file of ours, whole and flushed. Whoever has it removes it. */
export interface Draft {
  readonly path: string
  readonly size: number
  /** Lower-case hex. */
  readonly sha256: string
  remove(): Promise<void>
}

export type Received =
  | { readonly kind: 'received'; readonly draft: Draft }
  | { readonly kind: 'too large' }
  | { readonly kind: 'too slow' }

export interface ReceiveLimits {
  readonly uploadBytesMax: number
  /** On the average, once the time is over in which a line may be slow to start. */
  readonly bytesPerSecondMin: number
  readonly slowStartMs: number
}

/** @throws what the body throws where it is torn, and the file system's: nothing is left of it then */
export async function receiveDraft(
  body: AsyncIterable<Uint8Array>,
  scratch: Scratch,
  { uploadBytesMax, bytesPerSecondMin, slowStartMs }: ReceiveLimits,
  now: () => Date,
): Promise<Received> {
  const path = scratch.newPath()
  const remove = () => rm(path, { force: true })
  const startedAt = now().getTime()
  const hash = createHash('sha256')
  const handle = await open(path, 'wx', 0o600)
  let size = 0
  let problem: 'too large' | 'too slow' | undefined
  let isWhole = false
  try {
    for await (const chunk of body) {
      size += chunk.length
      const passedMs = now().getTime() - startedAt
      if (size > uploadBytesMax) problem = 'too large'
      else if (passedMs > slowStartMs && size < (bytesPerSecondMin * passedMs) / 1000) problem = 'too slow'
      if (problem !== undefined) return { kind: problem }
      hash.update(chunk)
      await handle.writeFile(chunk)
    }
    isWhole = true
  } finally {
    await handle.close()
    if (!isWhole) await remove()
  }
  return { kind: 'received', draft: { path, size, sha256: hash.digest('hex'), remove } }
}
