import { fileURLToPath } from 'node:url'
import { DirectoryStore, type DirectoryStoreOptions } from './directory.ts'
import type { FolderStore } from './folder.ts'
import { keyProblem } from './key.ts'
import { S3Store } from './s3.ts'
import type { S3StoreOptions } from './s3-connection.ts'

/** Where a store is, and which of its keys are meant. */
export type StoreLocation =
  /** `prefix` is empty or ends in a slash: a key is `prefix` and a name. */
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }
  /** `prefix` is always empty: the directory itself is the store. */
  | { readonly kind: 'directory'; readonly path: string; readonly prefix: '' }

/** What a person wrote names no store. */
export class StoreUrlError extends Error {
  override readonly name = 'StoreUrlError'
  readonly code = 'BAD_STORE_URL'
}

/**
 * `s3://bucket`, `s3://bucket/prefix` (a slash at its end makes no difference), `file:///path`, or a path. As in the `aws`
 * command nothing of an s3:// URL is percent-encoded; of a file: URL it is.
 *
 * @throws StoreUrlError
 */
export function parseStoreUrl(text: string): StoreLocation {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? []
  switch (scheme?.toLowerCase()) {
    case 's3':
      return parseS3(text, rest ?? '')
    case 'file':
      return parseFile(text)
    case undefined:
      if (text === '') throw new StoreUrlError(`a store has to be named: ${forms}`)
      if (text.includes('\0'))
        throw new StoreUrlError(`${JSON.stringify(text)} is no path: it contains a NUL character`)
      return { kind: 'directory', path: text, prefix: '' }
    default:
      throw new StoreUrlError(`${text.replace(/\/\/[^/@]*@/, '//')} is none of: ${forms}`)
  }
}

/** Opens the whole bucket or directory of a location; keys carry the location's prefix. */
export function openStore(
  location: StoreLocation,
  options: Omit<S3StoreOptions, 'bucket'> & DirectoryStoreOptions = {},
): FolderStore {
  switch (location.kind) {
    case 's3':
      return new S3Store({ ...options, bucket: location.bucket })
    case 'directory':
      return new DirectoryStore(location.path, options)
  }
}

const forms = 's3://BUCKET/PREFIX, a directory, or file:///DIRECTORY'

function parseS3(text: string, rest: string): StoreLocation {
  const slash = rest.indexOf('/')
  const bucket = slash === -1 ? rest : rest.slice(0, slash)
  // AWS, "General purpose bucket naming rules"; upper case and underscores are of old buckets and other servers.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) {
    throw new StoreUrlError(
      `${text} names no bucket: ${JSON.stringify(bucket)} is no bucket name; write s3://BUCKET/PREFIX`,
    )
  }
  const path = slash === -1 ? '' : rest.slice(slash + 1).replace(/\/$/, '')
  if (path === '') return { kind: 's3', bucket, prefix: '' }
  const problem = path.split('/').includes('') ? 'has an empty segment' : keyProblem(path)
  if (problem !== undefined) throw new StoreUrlError(`${text} names no prefix: ${JSON.stringify(path)} ${problem}`)
  return { kind: 's3', bucket, prefix: `${path}/` }
}

function parseFile(text: string): StoreLocation {
  try {
    return { kind: 'directory', path: fileURLToPath(text), prefix: '' }
  } catch (cause) {
    throw new StoreUrlError(`${text} names no directory of this machine: write file:///DIRECTORY`, { cause })
  }
}
