/**
 * Where a person points for a key → the file of keys: a file, a repository, a web address of either.
 */
import { readFile, stat } from 'node:fs/promises'
import { readBody } from '@repokeeper/object-store'
import { type KeyFile, keyFileBytesMax, publicPart } from '@repokeeper/signing'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { CommandError } from './failure.ts'
import { openView, parseWebUrl } from './repository-view.ts'
import { WebReader } from './web-reader.ts'

/** Below the root of a repository (repository/src/signature.ts `publicKeyKey`). */
export const publicKeyPath = 'repodata/repomd.xml.key'

/**
 * The public keys that are there; of a file of private keys their public parts.
 *
 * @throws CommandError NO_KEY, SigningError, StoreError, WebError
 */
export async function readKeySource(source: string, connection: Connection, cli: Cli): Promise<KeyFile> {
  if (isPath(source)) {
    const found = await stat(source).catch(() => undefined)
    if (found === undefined) throw new CommandError('NO_KEY', `there is neither a file nor a directory ${source}`)
    if (found.isFile()) return publicPart({ name: source, bytes: await readFile(source) })
  }
  const { signal } = cli.interruption
  const view = await openView(source, connection, { signal })
  try {
    const body = await view.open(publicKeyPath)
    if (body !== undefined) return { name: `${view.name}/${publicKeyPath}`, bytes: await read(body, view.name) }
  } finally {
    await view.close()
  }
  return (await readAddress(source, signal)) ?? refuse(view.name)
}

function isPath(source: string): boolean {
  return !/^[a-z0-9]+:\/\//i.test(source)
}

/** What is no repository may be the address of the key itself. */
async function readAddress(source: string, signal: AbortSignal): Promise<KeyFile | undefined> {
  const url = parseWebUrl(source)
  if (url === undefined) return undefined
  const reader = new WebReader({ signal })
  try {
    const body = await reader.get(url)
    return body === undefined ? undefined : await publicPart({ name: source, bytes: await read(body, source) })
  } finally {
    reader.close()
  }
}

async function read(body: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array> {
  return readBody(body, keyFileBytesMax).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error
    throw new CommandError('NO_KEY', `${name}: what is there has more than the ${keyFileBytesMax} bytes that are read`)
  })
}

function refuse(name: string): never {
  const message = `${name} has no ${publicKeyPath}: its metadata is not signed by repokeeper; name a file of keys, or where it lies`
  throw new CommandError('NO_KEY', message)
}
