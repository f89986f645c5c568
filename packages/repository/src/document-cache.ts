/**
 * Documents on disk, by digest: each is fetched once, checked while it is written, and read from here after.
 */
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, unlink, utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type ChecksumType, DocumentError } from '@repokeeper/repodata'

/** A digest that names a document. */
export interface DocumentDigest {
  readonly type: ChecksumType
  /** Lower-case hex. */
  readonly hex: string
}

export interface DocumentCacheOptions {
  readonly directory: string
  /** What the documents may take together; the least recently used go first. A single larger one is kept while it is the newest. */
  readonly bytesMax: number
}

/** A file that is taken away so often between two steps of ours is somebody's intention. */
const opensMax = 5

/** Files left by a process that died are swept away after this time. */
const abandonedAfterMs = 24 * 3600 * 1000

/** Several processes may share a directory: files appear whole, by rename, and a reader that finds one gone fetches it again. */
export class DocumentCache {
  readonly directory: string
  readonly #bytesMax: number
  /** Digests that this process has seen whole: written by itself, or checked. */
  readonly #checked = new Set<string>()
  readonly #underWay = new Map<string, Promise<string>>()

  private constructor({ directory, bytesMax }: DocumentCacheOptions) {
    this.directory = directory
    this.#bytesMax = bytesMax
  }

  /** Creates the directory where it is not there, and sweeps out what a crash left. */
  static async open(options: DocumentCacheOptions): Promise<DocumentCache> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    await sweep(options.directory)
    return new DocumentCache(options)
  }

  /**
   * The document's bytes, from disk or else from `fetch`.
   * @throws DocumentError `DIGEST_MISMATCH` where what is fetched has another digest or size
   */
  async *read(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    const file = await this.#openFile(digest, size, fetch)
    yield* file.createReadStream({ highWaterMark: 2 ** 18 })
  }

  /** Something read from here made no sense: whatever lies here is checked again before it is believed. */
  distrust(): void {
    this.#checked.clear()
  }

  /** Whoever emptied the directory meanwhile: it is there again. */
  async restore(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
  }

  /** Takes a file that was written beside the cache: it is renamed, or removed where the document is there already. */
  async adopt(path: string, digest: DocumentDigest): Promise<void> {
    await rename(path, this.#path(digest))
    this.#checked.add(name(digest))
    await this.#trim(name(digest))
  }

  /** Another process may take a file away between the look and the opening. */
  async #openFile(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<FileHandle> {
    for (let attempt = 1; ; attempt += 1) {
      const path = await this.#ensure(digest, size, fetch)
      try {
        return await open(path)
      } catch (error) {
        if (attempt === opensMax || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
        this.#checked.delete(name(digest))
        await this.restore()
      }
    }
  }

  async #ensure(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<string> {
    const key = name(digest)
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
    const temporary = join(this.directory, `fetch-${process.pid}-${randomBytes(8).toString('hex')}`)
    try {
      await writeChecked(temporary, fetch(), digest, size)
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    this.#checked.add(name(digest))
    await this.#trim(name(digest))
    return path
  }

  /** A file of an earlier process is believed only after its digest was checked. */
  async #isWhole(path: string, digest: DocumentDigest): Promise<boolean> {
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) return false
    if (this.#checked.has(name(digest))) return true
    const hash = createDocumentHash(digest.type)
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
    if (hash.digest('hex') === digest.hex) {
      this.#checked.add(name(digest))
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
    return join(this.directory, name(digest))
  }
}

const documentName = /^(?:md5|sha1|sha224|sha256|sha384|sha512)-[0-9a-f]+$/

/** `sha` is what createrepo of old calls sha1. */
function nodeAlgorithm(type: ChecksumType): string {
  return type === 'sha' ? 'sha1' : type
}

function name({ type, hex }: DocumentDigest): string {
  return `${nodeAlgorithm(type)}-${hex}`
}

function createDocumentHash(type: ChecksumType): Hash {
  return createHash(nodeAlgorithm(type))
}

async function writeChecked(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  digest: DocumentDigest,
  size: number | undefined,
): Promise<void> {
  const hash = createDocumentHash(digest.type)
  const file = await open(path, 'wx', 0o600)
  let written = 0
  try {
    for await (const chunk of chunks) {
      written += chunk.length
      if (size !== undefined && written > size) {
        throw new DocumentError('DIGEST_MISMATCH', `it is longer than the ${size} bytes of its record`)
      }
      hash.update(chunk)
      await file.writeFile(chunk)
    }
  } finally {
    await file.close()
  }
  const found = hash.digest('hex')
  if (found === digest.hex && (size === undefined || size === written)) return
  throw new DocumentError(
    'DIGEST_MISMATCH',
    `its ${digest.type} is ${found} over ${written} bytes, its record says ${digest.hex}${size === undefined ? '' : ` over ${size} bytes`}`,
  )
}

async function sweep(directory: string): Promise<void> {
  const now = Date.now()
  for (const entry of await readdir(directory)) {
    if (!/^(?:fetch|scratch)-/.test(entry)) continue
    const path = join(directory, entry)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && now - found.mtimeMs > abandonedAfterMs) await rm(path, { force: true })
  }
}
