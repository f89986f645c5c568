/**
 * What the tests of this workspace stand on: a repository in memory, the packages to put in it, and an outsider's look at
 * what is published.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { MemoryStore, type ObjectStore, readBody } from '@repokeeper/object-store'
import { decompress, parseRepomd, recordOf } from '@repokeeper/repodata'
import { buildPackage, type PackageSpec } from '@repokeeper/rpm-parser/testing'
import { onTestFinished } from 'vitest'
import {
  DiskCache,
  parseRepositoryRoot,
  type RepositoryContext,
  type RepositoryEvent,
  type RepositoryLocation,
  realContext,
} from '../src/index.ts'

/** A store whose clock goes on by one second with each look at it, so that every object has a time of its own. */
export function tickingStore(options: { sha256?: 'always' | 'promised' | 'never' } = {}): MemoryStore {
  let seconds = 1_700_000_000
  return new MemoryStore({ clock: () => new Date(1000 * seconds++), ...options })
}

export function locationIn(store: ObjectStore, root = 'el9/x86_64/'): RepositoryLocation {
  return { store, root: parseRepositoryRoot(root) }
}

/** A context of its own: empty cache, no waiting, events gathered. */
export async function newContext(
  parts: Partial<Omit<RepositoryContext, 'cache'>> = {},
): Promise<RepositoryContext & { readonly cache: DiskCache; readonly events: RepositoryEvent[] }> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-repository-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const cache = await DiskCache.open({ directory, bytesMax: 2 ** 30 })
  const events: RepositoryEvent[] = []
  const onEvent = (event: RepositoryEvent): void => {
    events.push(event)
  }
  return { ...realContext({ cache, onEvent }), sleep: async () => {}, ...parts, cache, events }
}

/** The store, with something else done in place of some of its calls. */
export function intercept(store: ObjectStore, parts: Partial<ObjectStore>): ObjectStore {
  return {
    name: store.name,
    get: (...args) => store.get(...args),
    head: (...args) => store.head(...args),
    put: (...args) => store.put(...args),
    copy: (...args) => store.copy(...args),
    delete: (...args) => store.delete(...args),
    list: (...args) => store.list(...args),
    clock: (...args) => store.clock(...args),
    close: () => store.close(),
    ...parts,
  }
}

export async function putPackage(store: ObjectStore, key: string, spec: PackageSpec): Promise<void> {
  await store.put(key, buildPackage(spec), { if: 'always' })
}

export async function read(store: ObjectStore, key: string): Promise<Buffer> {
  const got = await store.get(key)
  if (got.kind !== 'found') throw new Error(`${key} is ${got.kind}`)
  return Buffer.from(await readBody(got.body, 2 ** 30))
}

export interface PublishedRepository {
  /** Location → digest, size and time as primary lists them. */
  readonly packages: ReadonlyMap<string, { pkgid: string; size: number; modified: number }>
  /** The open documents. */
  readonly documents: { readonly primary: string; readonly filelists: string; readonly other: string }
  readonly repomd: string
}

/**
 * Reads what a client would read and checks what a client would check: every named document is there with the digest and
 * size that repomd.xml gives, counts are right, and the three documents tell of the same packages in the same order.
 */
export async function readPublished({ store, root }: RepositoryLocation): Promise<PublishedRepository> {
  const repomdBytes = await read(store, `${root}repodata/repomd.xml`)
  const repomd = parseRepomd(repomdBytes)
  const open = async (kind: string): Promise<string> => {
    const record = recordOf(repomd, kind)
    if (record === undefined) throw new Error(`repomd.xml names no ${kind}`)
    const bytes = await read(store, `${root}${record.href}`)
    const digest = createHash('sha256').update(bytes).digest('hex')
    if (digest !== record.checksum?.hex) throw new Error(`${record.href} has the digest ${digest}`)
    const text = await uncompress(bytes)
    if (text.length !== record.openSize || bytes.length !== record.size) throw new Error(`${record.href}: wrong size`)
    return text.toString()
  }
  const documents = { primary: await open('primary'), filelists: await open('filelists'), other: await open('other') }
  const ids = [...documents.primary.matchAll(/<checksum [^>]*>([0-9a-f]+)</g)].map(([, id]) => id ?? '')
  for (const [kind, text] of Object.entries(documents)) {
    const count = Number(/packages="([0-9]+)"/.exec(text)?.[1])
    if (count !== ids.length) throw new Error(`${kind} says it holds ${count} packages, primary lists ${ids.length}`)
    if (kind === 'primary') continue
    const own = [...text.matchAll(/<package pkgid="([0-9a-f]+)"/g)].map(([, id]) => id)
    if (own.join() !== ids.join()) throw new Error(`${kind} does not lie as primary does`)
  }
  const entries = documents.primary.split('<package ').slice(1)
  const packages = entries.map((entry): [string, { pkgid: string; size: number; modified: number }] => [
    /href="([^"]*)"/.exec(entry)?.[1] ?? '',
    {
      pkgid: /<checksum [^>]*>([0-9a-f]+)</.exec(entry)?.[1] ?? '',
      size: Number(/package="([0-9]+)"/.exec(entry)?.[1]),
      modified: Number(/<time file="([0-9]+)"/.exec(entry)?.[1]),
    },
  ])
  return { packages: new Map(packages), documents, repomd: repomdBytes.toString() }
}

/** Node's own function for zstd ends with the first frame. */
async function uncompress(bytes: Buffer): Promise<Buffer> {
  if (bytes[0] === 0x1f) return gunzipSync(bytes)
  return Buffer.concat(await Array.fromAsync(decompress(Readable.from([bytes]), 2 ** 30)))
}

/** What the metadata has to say of the bucket: every object that ends in `.rpm` below the root. */
export async function bucketTruth({ store, root }: RepositoryLocation): Promise<PublishedRepository['packages']> {
  const truth = new Map<string, { pkgid: string; size: number; modified: number }>()
  for await (const { key, size, lastModified } of store.list(root)) {
    if (!key.endsWith('.rpm')) continue
    const pkgid = createHash('sha256')
      .update(await read(store, key))
      .digest('hex')
    truth.set(key.slice(root.length), { pkgid, size, modified: Math.floor(lastModified.getTime() / 1000) })
  }
  return truth
}
