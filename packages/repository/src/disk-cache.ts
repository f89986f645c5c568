/**
 * Documents on disk, by digest: each is fetched once, checked while it is written, and read from here after.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, rename, rm, stat, unlink, utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { makeDirectory } from '@repokeeper/object-store'
import { DiskFile, namingFile, type RandomAccess, readAt, type ScratchFile } from '@repokeeper/repodata'
import { type DocumentCache, type DocumentDigest, digestName, nodeAlgorithm } from './document-cache.ts'
import { DocumentCheck } from './document-check.ts'
import { LastRepomds } from './last-repomds.ts'

export interface DiskCacheOptions {
  readonly directory: string
  /** What the documents may take together; the least recently used go first. A single larger one is kept while it is the newest. */
  readonly bytesMax: number
}

/**
 * Superseded documents that are kept: another worker of this machine may be patching them. The others are deleted before the kernel has
 * written them to the disk, more often than not.
 */
const retiredMax = 6

/** A file that is taken away so often between two steps of ours is somebody's intention. */
const opensMax = 5

/** Files left by a process that died are swept away after this time. */
const abandonedAfterMs = 24 * 3600 * 1000

/** Several processes may share a directory: files appear whole, by rename, and a reader that finds one gone fetches it again. */
export class DiskCache implements DocumentCache {
  readonly directory: string
  readonly lastRepomds = new LastRepomds()
  readonly #bytesMax: number
  /** Digests that this process has seen whole: written by itself, or checked. */
  readonly #checked = new Set<string>()
  readonly #underWay = new Map<string, Promise<string>>()
  /** The longest ago first. */
  readonly #retired: DocumentDigest[] = []

  private constructor({ directory, bytesMax }: DiskCacheOptions) {
    this.directory = directory
    this.#bytesMax = bytesMax
  }

  /** Creates the directory where it is not there, and sweeps out what a crash left. */
  static async open(options: DiskCacheOptions): Promise<DiskCache> {
    await makeDirectory(options.directory, 0o700)
    await sweep(options.directory)
    return new DiskCache(options)
  }

  async *read(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    const file = await this.#openFile(digest, size, fetch)
    yield* file.createReadStream({ highWaterMark: 2 ** 18 })
  }

  /** The file is opened for each reading: it may be swept away in between, and is fetched again then. */
  async access(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<RandomAccess> {
    const opened = await this.#openFile(digest, size, fetch)
    const stat = await opened.stat().finally(() => opened.close())
    return {
      size: stat.size,
      read: async (start, length, into) => {
        const file = await this.#openAgain(digest, size, fetch)
        return readAt(file, start, length, into).finally(() => file.close())
      },
    }
  }

  async retire(digests: readonly DocumentDigest[]): Promise<void> {
    this.#retired.push(...digests)
    for (const digest of this.#retired.splice(0, this.#retired.length - retiredMax)) {
      this.#checked.delete(digestName(digest))
      await rm(this.#path(digest), { force: true })
    }
  }

  distrust(): void {
    this.#checked.clear()
  }

  async restore(): Promise<void> {
    await makeDirectory(this.directory, 0o700)
  }

  newDraft(): Promise<ScratchFile> {
    return DiskFile.create(this.#newPath('draft'))
  }

  newScratch(): Promise<ScratchFile> {
    return DiskFile.createUnnamed(this.#newPath('scratch'))
  }

  async adopt(draft: ScratchFile, digest: DocumentDigest): Promise<void> {
    if (!(draft instanceof DiskFile)) throw new Error('the draft was made by another cache')
    await rename(await draft.giveAway(), this.#path(digest))
    // The same packages as some generations ago are the same documents.
    const retired = this.#retired.findIndex((one) => digestName(one) === digestName(digest))
    if (retired !== -1) this.#retired.splice(retired, 1)
    this.#checked.add(digestName(digest))
    await this.#trim(digestName(digest))
  }

  async #openAgain(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<FileHandle> {
    const opened = this.#checked.has(digestName(digest))
      ? await open(this.#path(digest)).catch(() => undefined)
      : undefined
    return opened ?? this.#openFile(digest, size, fetch)
  }

  /** Another process may take a file away between the look and the opening. */
  async #openFile(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<FileHandle> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await open(await this.#ensure(digest, size, fetch))
      } catch (error) {
        if (attempt === opensMax || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
        this.#checked.delete(digestName(digest))
        await this.restore()
      }
    }
  }

  async #ensure(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<string> {
    const key = digestName(digest)
    const running = this.#underWay.get(key)
    if (running !== undefined) return running
    const ensured = this.#lookOrFetch(digest, size, fetch)
    this.#underWay.set(key, ensured)
    try {
      return await ensured
    } finally {
      this.#underWay.delete(key)
    }
  }

  async #lookOrFetch(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<string> {
    const path = this.#path(digest)
    if (await this.#isWhole(path, digest)) {
      const now = new Date()
      await utimes(path, now, now).catch(() => {})
      return path
    }
    const temporary = this.#newPath('fetch')
    try {
      await writeChecked(temporary, fetch(), digest, size)
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    this.#checked.add(digestName(digest))
    await this.#trim(digestName(digest))
    return path
  }

  /** A file of an earlier process is believed only after its digest was checked. */
  async #isWhole(path: string, digest: DocumentDigest): Promise<boolean> {
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) return false
    if (this.#checked.has(digestName(digest))) return true
    const hash = createHash(nodeAlgorithm(digest.type))
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
    if (hash.digest('hex') === digest.hex) {
      this.#checked.add(digestName(digest))
      return true
    }
    await rm(path, { force: true })
    return false
  }

  async #trim(justUsed: string): Promise<void> {
    const files: { path: string; size: number; used: number }[] = []
    for (const entry of await readdir(this.directory)) {
      if (!documentName.test(entry)) continue
      const path = join(this.directory, entry)
      const found = await stat(path).catch(() => undefined)
      if (found !== undefined)
        files.push({ path, size: found.size, used: entry === justUsed ? Infinity : found.mtimeMs })
    }
    let total = files.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size, used } of files.sort((a, b) => a.used - b.used)) {
      if (total <= this.#bytesMax || used === Infinity) return
      await unlink(path).catch(() => {})
      this.#checked.delete(basename(path))
      total -= size
    }
  }

  #path(digest: DocumentDigest): string {
    return join(this.directory, digestName(digest))
  }

  #newPath(kind: 'draft' | 'scratch' | 'fetch'): string {
    return join(this.directory, `${kind}-${process.pid}-${randomBytes(8).toString('hex')}`)
  }
}

const documentName = /^(?:md5|sha1|sha224|sha256|sha384|sha512)-[0-9a-f]+$/

async function writeChecked(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  digest: DocumentDigest,
  size: number | undefined,
): Promise<void> {
  const check = new DocumentCheck(digest, size)
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of chunks) {
      check.update(chunk)
      await namingFile(path, file.writeFile(chunk))
    }
  } finally {
    await file.close()
  }
  check.finish()
}

async function sweep(directory: string): Promise<void> {
  const now = Date.now()
  for (const entry of await readdir(directory)) {
    if (!/^(?:draft|fetch|scratch)-/.test(entry)) continue
    const path = join(directory, entry)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && now - found.mtimeMs > abandonedAfterMs) await rm(path, { force: true })
  }
}
