/**
 * The files that are to be added: each is looked at as a worker would look at it in the bucket.
 */
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { DirectoryStore, type ObjectStore, StoreError } from '@repokeeper/object-store'
import { type PackageVerifier, passOverKey, readPackage } from '@repokeeper/repository'
import { formatNevra, nevra, RpmError } from '@repokeeper/rpm-parser'
import { UsageError } from './failure.ts'

/** A whole RPM package on this machine. */
export interface LocalPackage {
  /** As the person named it. */
  readonly file: string
  /** What its object will be called: the file's base name. */
  readonly name: string
  readonly nevra: string
  /** Bytes. */
  readonly size: number
  /** Lower-case hex. */
  readonly sha256: string
  readonly open: () => AsyncIterable<Uint8Array>
}

/** A file that cannot be added, and why. */
export interface BadFile {
  readonly file: string
  readonly code: string
  readonly reason: string
}

export type LocalReading =
  | { readonly kind: 'package'; readonly package: LocalPackage }
  | ({ readonly kind: 'bad' } & BadFile)

export interface LocalReadOptions {
  readonly signal: AbortSignal
  /** Called with the bytes that were read since the last call. */
  readonly onProgress: (bytes: number) => void
  /** Where packages have to be signed. */
  readonly verifier: PackageVerifier | undefined
}

/** A file that is there, before its bytes are read. */
export interface FoundFile {
  readonly file: string
  readonly name: string
  /** Without links. */
  readonly path: string
  readonly size: number
}

/**
 * Finds the files, without reading them: each once, where it was named twice.
 *
 * @returns those that can be looked at, and those that can't be added whatever is in them
 */
export async function findFiles(files: readonly string[]): Promise<{ found: FoundFile[]; bad: BadFile[] }> {
  const found = new Map<string, FoundFile>()
  const bad: BadFile[] = []
  for (const file of files) {
    const name = basename(file)
    const [path, problem] = await lookAt(file)
    const other = found.get(name)
    if (problem !== undefined) bad.push({ file, ...problem })
    else if (passOverKey(name) === 'not an rpm') {
      bad.push({
        file,
        code: 'NOT_NAMED_RPM',
        reason: 'its name does not end in ".rpm", so no worker would look at it',
      })
    } else if (passOverKey(name) !== undefined) {
      bad.push({ file, code: 'BAD_NAME', reason: 'its name has characters that no repository can list' })
    } else if (other !== undefined && other.path !== path.real) {
      const reason = `${other.file} has the same name, and only one of them can be ${name} in the repository`
      bad.push({ file, code: 'SAME_NAME', reason })
    } else if (other === undefined) found.set(name, { file, name, path: path.real, size: path.size })
  }
  return { found: [...found.values()], bad }
}

/**
 * Reads a file once, from beginning to end: its headers, its digest, whether its payload is all there, and whether it is signed as it has
 * to be.
 *
 * @throws the signal's reason
 */
export async function readLocalPackage(
  { file, name, path, size }: FoundFile,
  options: LocalReadOptions,
): Promise<LocalReading> {
  const store = new DirectoryStore(dirname(path))
  try {
    const head = await store.head(basename(path), options)
    if (head === undefined) return bad(file, 'NOT_FOUND', 'it went away while it was looked at')
    const reading = await readPackage(watched(store, options.onProgress), head, options)
    switch (reading.kind) {
      case 'changed':
        return bad(file, 'CHANGED', 'it changed while it was read; is it still being written?')
      case 'large':
        return bad(file, 'TOO_LARGE', 'its headers are larger than a worker reads')
      case 'unreadable':
        return bad(file, reading.code, reading.reason)
      case 'untrusted':
        return bad(file, reading.refusal.code, reading.refusal.reason)
      case 'package': {
        const open = () => createReadStream(path, { highWaterMark: 2 ** 18 })
        const identity = formatNevra(nevra(reading.rpm.header))
        return { kind: 'package', package: { file, name, nevra: identity, size, sha256: reading.sha256, open } }
      }
    }
  } catch (error) {
    options.signal.throwIfAborted()
    if (error instanceof RpmError || error instanceof StoreError) return bad(file, error.code, error.message)
    throw error
  }
}

/** The same store, which reports what is read from it. */
function watched(store: DirectoryStore, onProgress: (bytes: number) => void): Pick<ObjectStore, 'get'> {
  async function* watch(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      onProgress(chunk.length)
      yield chunk
    }
  }
  return {
    async get(key, options) {
      const got = await store.get(key, options)
      return got.kind === 'found' ? { ...got, body: watch(got.body) } : got
    },
  }
}

type Looked =
  | [path: { readonly real: string; readonly size: number }, problem?: undefined]
  | [path: undefined, problem: Omit<BadFile, 'file'>]

async function lookAt(file: string): Promise<Looked> {
  try {
    const found = await stat(file)
    if (found.isDirectory()) {
      const reason = `it is a directory; name the files in it: ${file.replace(/\/+$/, '')}/*.rpm`
      return [undefined, { code: 'IS_A_DIRECTORY', reason }]
    }
    // A pipe can be read only once: not for the digest first, and then again for the upload.
    if (!found.isFile()) return [undefined, { code: 'NOT_A_FILE', reason: 'it is no regular file' }]
    return [{ real: await realpath(file), size: found.size }]
  } catch (error) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNREADABLE'
    return [undefined, { code, reason: reasonOf(code, file, error) }]
  }
}

function reasonOf(code: string, file: string, error: unknown): string {
  if (code === 'ENOENT' && /[*?[]/.test(file)) return 'there is no such file; the pattern matched nothing'
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'this user may not read it'
  return error instanceof Error ? error.message : String(error)
}

function bad(file: string, code: string, reason: string): LocalReading {
  return { kind: 'bad', file, code, reason }
}

/** @throws UsageError where `--to` is no directory that packages can lie in */
export function parseTarget(text: string): string {
  const segments = text
    .replace(/\/+$/, '')
    .replace(/^(\.\/)+/, '')
    .split('/')
  const path = segments.join('/')
  if (path === '' || path === '.') return ''
  if (passOverKey(`${path}/x.rpm`) === undefined) return `${path}/`
  throw new UsageError(
    `--to ${text}: packages cannot lie there; name a directory below REPO without ".", ".." and "repodata", such as Packages/b`,
  )
}
