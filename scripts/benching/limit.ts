/**
 * What no way of publishing can do without: the documents are read, hashed and written, once, side by side. The bytes are on the disk then.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Contestant } from './contestant.ts'
import { documentFiles } from './published.ts'

export const limit: Contestant = {
  name: 'reading, hashing, writing',
  startsFrom: 'ours',
  async run({ directory, scratch }) {
    const files = await documentFiles(directory)
    const startedAt = performance.now()
    await Promise.all(files.map((file) => hashAndCopy(file, join(scratch, basename(file)))))
    return { cost: { seconds: (performance.now() - startedAt) / 1000, peakBytes: undefined } }
  },
}

async function hashAndCopy(from: string, to: string): Promise<void> {
  const hash = createHash('sha256')
  const target = await open(to, 'wx')
  try {
    for await (const chunk of createReadStream(from, { highWaterMark: 2 ** 20 })) {
      hash.update(chunk)
      await target.writeFile(chunk)
    }
    hash.digest()
    await target.sync()
  } finally {
    await target.close()
  }
}
