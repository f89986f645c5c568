/**
 * What is published, read the way a client reads it, and by nothing of what is measured but the decompression.
 */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { decompress } from '@repokeeper/repodata'

/** @param href below the root of the repository. @throws where there is no such file */
export type ReadPublished = (href: string) => AsyncIterable<Uint8Array>

export function inDirectory(directory: string): ReadPublished {
  return (href) => createReadStream(join(directory, href))
}

/** @param baseUrl with a slash at its end */
export function atUrl(baseUrl: string): ReadPublished {
  return async function* (href) {
    const answer = await fetch(`${baseUrl}${href}`)
    if (!answer.ok || answer.body === null) throw new Error(`${baseUrl}${href}: HTTP ${answer.status}`)
    yield* Readable.fromWeb(answer.body)
  }
}

/**
 * @param expected locations
 * @throws where the metadata lists anything else, or its documents disagree
 */
export async function checkPublished(read: ReadPublished, expected: ReadonlySet<string>): Promise<void> {
  const hrefs = documentHrefs(await readText(read('repodata/repomd.xml')))
  const primary = await collect(read(hrefs.primary), {
    location: /<location [^>]*?href="([^"]+)"/g,
    pkgid: /<checksum type="sha256" pkgid="YES">([0-9a-f]{64})/g,
  })
  const locations = new Set(primary.location)
  if (primary.location.length !== locations.size) throw new Error('a package is listed twice')
  const missing = [...expected].filter((location) => !locations.has(location))
  const left = [...locations].filter((location) => !expected.has(location))
  if (missing.length + left.length > 0) {
    const say = (list: readonly string[]): string => `${list.length}${list.length === 0 ? '' : ` (${list[0]} …)`}`
    throw new Error(
      `${locations.size} packages are listed; of those to be listed ${say(missing)} are not, and ${say(left)} are too many`,
    )
  }
  const pkgids = primary.pkgid.toSorted().join()
  for (const kind of ['filelists', 'other'] as const) {
    const { pkgid } = await collect(read(hrefs[kind]), { pkgid: /<package pkgid="([0-9a-f]{64})"/g })
    if (pkgid.toSorted().join() !== pkgids) throw new Error(`${kind} does not hold the packages of primary`)
  }
}

/** Locations in the primary that is published, in its order. */
export async function listedLocations(read: ReadPublished, repomd: string): Promise<string[]> {
  const { location } = await collect(read(documentHrefs(repomd).primary), {
    location: /<location [^>]*?href="([^"]+)"/g,
  })
  return location
}

export async function readText(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const chunk of chunks) pieces.push(chunk)
  return Buffer.concat(pieces).toString()
}

/** The three documents of a repository on this machine: their files. */
export async function documentFiles(directory: string): Promise<string[]> {
  const repomd = await readFile(join(directory, 'repodata', 'repomd.xml'), 'utf8')
  return Object.values(documentHrefs(repomd)).map((href) => join(directory, href))
}

function documentHrefs(repomd: string): Record<'primary' | 'filelists' | 'other', string> {
  const hrefOf = (type: string): string => {
    const [, href] = new RegExp(`<data type="${type}">[\\s\\S]*?<location href="([^"]+)"`).exec(repomd) ?? []
    if (href === undefined) throw new Error(`repomd.xml names no ${type}`)
    return href
  }
  return { primary: hrefOf('primary'), filelists: hrefOf('filelists'), other: hrefOf('other') }
}

/** More than any tag that is looked for. */
const tagBytesMax = 4_096
const openBytesMax = 2 ** 34

/** The first group of every match, of each expression on its own. */
async function collect<Name extends string>(
  chunks: AsyncIterable<Uint8Array>,
  expressions: Readonly<Record<Name, RegExp>>,
): Promise<Record<Name, string[]>>
async function collect(chunks: AsyncIterable<Uint8Array>, expressions: Readonly<Record<string, RegExp>>) {
  const searches = Object.entries(expressions).map(([name, expression]) => ({
    name,
    expression,
    rest: '',
    found: [] as string[],
  }))
  for await (const chunk of decompress(chunks, openBytesMax)) {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')
    for (const search of searches) {
      const all = search.rest + text
      let end = 0
      for (const match of all.matchAll(search.expression)) {
        search.found.push(Buffer.from(match[1] ?? '', 'latin1').toString())
        end = match.index + match[0].length
      }
      search.rest = all.slice(Math.max(end, all.length - tagBytesMax))
    }
  }
  return Object.fromEntries(searches.map(({ name, found }) => [name, found]))
}
