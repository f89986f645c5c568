/**
 * Where a person points for a key → the file of keys: a file, a repository, a web address of either.
 */
import { readFile, stat } from 'node:fs/promises'
import { readBody } from '@repokeeper/object-store'
import { type KeyFile, keyFileBytesMax, publicPart } from '@repokeeper/signing'
import { openBody, parseWebUrl, WebReader } from '@repokeeper/transfer'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { CommandError } from './failure.ts'
import { openSource } from './open-source.ts'

/** Below the root of a repository (repository/src/signature.ts `publicKeyKey`). */
export const publicKeyPath = 'repodata/repomd.xml.key'

export interface KeySource extends KeyFile {
  /** It lies beside the metadata of a repository, and that is what was named. */
  readonly isOfRepository: boolean
}

/**
 * The public keys that are there; of a file of private keys their public parts.
 *
 * @throws CommandError NO_KEY, SigningError, StoreError, WebError
 */
export async function readKeySource(place: string, connection: Connection, cli: Cli): Promise<KeySource> {
  if (isPath(place)) {
    const found = await stat(place).catch(() => undefined)
    if (found === undefined) throw new CommandError('NO_KEY', `there is neither a file nor a directory ${place}`)
    if (found.isFile()) {
      return { ...(await publicPart({ name: place, bytes: await readFile(place) })), isOfRepository: false }
    }
  }
  const { signal } = cli.interruption
  const source = await openSource(place, connection, { signal })
  try {
    const body = await openBody(source, publicKeyPath)
    if (body !== undefined) {
      const bytes = await read(body, source.name)
      return { name: `${source.name}/${publicKeyPath}`, bytes, isOfRepository: true }
    }
  } finally {
    await source.close()
  }
  const file = (await readAddress(place, signal)) ?? refuse(source.name)
  return { ...file, isOfRepository: false }
}

function isPath(place: string): boolean {
  return !/^[a-z0-9]+:\/\//i.test(place)
}

/** What is no repository may be the address of the key itself. */
async function readAddress(place: string, signal: AbortSignal): Promise<KeyFile | undefined> {
  const url = parseWebUrl(place)
  if (url === undefined) return undefined
  const reader = new WebReader({ signal })
  try {
    const answer = await reader.get(url)
    if (answer.kind !== 'found') return undefined
    return await publicPart({ name: place, bytes: await read(answer.body, place) })
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
