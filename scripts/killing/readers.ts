/**
 * The clients: one reads repomd.xml and every document that it names, over and over; one is dnf with an empty cache each time.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { openDnf } from '../../fixtures/dnf.ts'
import { pause } from './fleet.ts'
import type { Chance } from './random.ts'

export interface ReaderFigures {
  /** Reads of a repomd.xml with all that it names, and how many different ones they were. */
  reads: number
  readonly generations: Set<string>
  documents: number
  dnfRuns: number
  readonly failures: string[]
}

export function noFigures(): ReaderFigures {
  return { reads: 0, generations: new Set(), documents: 0, dnfRuns: 0, failures: [] }
}

export interface ReaderOptions {
  /** URL of the repository, with a slash at its end. */
  readonly baseUrl: string
  readonly figures: ReaderFigures
  readonly signal: AbortSignal
}

/**
 * Reads one generation after the other. Some are held for a while between repomd.xml and the documents, as a slow client does.
 * @param heldMs at most so long, which must be less than the retention by what a loaded machine may add
 */
export async function readGenerations(options: ReaderOptions & { heldMs: number; chance: Chance }): Promise<void> {
  const { baseUrl, figures, signal, heldMs, chance } = options
  let wasThere = false
  while (!signal.aborted) {
    const repomd = await get(`${baseUrl}repodata/repomd.xml`)
    if (repomd === undefined) {
      if (wasThere) figures.failures.push(`${baseUrl}repodata/repomd.xml is gone`)
      await pause(50, signal)
      continue
    }
    wasThere = true
    if (chance.happens(0.1)) await pause(chance.between(0, heldMs), signal)
    const text = repomd.toString()
    for (const record of recordsOf(text)) {
      const problem = await checkDocument(baseUrl, record)
      figures.documents += 1
      if (problem !== undefined) figures.failures.push(`${baseUrl}${record.href}: ${problem}`)
    }
    if (!text.trimEnd().endsWith('</repomd>')) figures.failures.push(`${baseUrl}repodata/repomd.xml is cut off`)
    figures.reads += 1
    figures.generations.add(`${baseUrl} ${createHash('sha256').update(repomd).digest('hex')}`)
    await pause(20, signal)
  }
}

/** Runs dnf with nothing in its cache: makecache, then repoquery. What it says when it fails is the failure. */
export async function runDnf({
  baseUrl,
  figures,
  signal,
  directory,
}: ReaderOptions & { directory: string }): Promise<void> {
  while (!signal.aborted) {
    if ((await get(`${baseUrl}repodata/repomd.xml`)) === undefined) {
      await pause(100, signal)
      continue
    }
    const own = await mkdtemp(join(directory, 'dnf-'))
    try {
      const dnf = await openDnf(own, baseUrl)
      await dnf('makecache')
      await dnf('repoquery', '--quiet')
      figures.dnfRuns += 1
    } catch (error) {
      figures.failures.push(`dnf at ${baseUrl}: ${error instanceof Error ? error.message : String(error)}`)
    }
    await rm(own, { recursive: true, force: true })
  }
}

interface Record {
  readonly href: string
  readonly size: number
  readonly sha256: string
  readonly openSha256: string
}

function recordsOf(repomd: string): Record[] {
  return [...repomd.matchAll(/<data type="[^"]+">([\s\S]*?)<\/data>/g)].map(([, body = '']) => ({
    href: /<location href="([^"]+)"/.exec(body)?.[1] ?? '',
    size: Number(/<size>(\d+)</.exec(body)?.[1]),
    sha256: /<checksum type="sha256">([0-9a-f]{64})</.exec(body)?.[1] ?? '',
    openSha256: /<open-checksum type="sha256">([0-9a-f]{64})</.exec(body)?.[1] ?? '',
  }))
}

async function checkDocument(baseUrl: string, { href, size, sha256, openSha256 }: Record): Promise<string | undefined> {
  const bytes = await get(`${baseUrl}${href}`)
  if (bytes === undefined) return 'repomd.xml names it, and it is not there'
  if (bytes.length !== size) return `it has ${bytes.length} bytes, not ${size}`
  if (digestOf(bytes) !== sha256) return 'it has another digest'
  if (digestOf(gunzipSync(bytes)) !== openSha256) return 'uncompressed it has another digest'
  return undefined
}

async function get(url: string): Promise<Buffer | undefined> {
  const answer = await fetch(url)
  const body = Buffer.from(await answer.arrayBuffer())
  if (answer.status === 404) return undefined
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`)
  return body
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
