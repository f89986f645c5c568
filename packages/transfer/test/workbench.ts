/**
 * What the tests of this workspace stand on: sources that change, targets, and an outsider's look at whether a target is whole.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryStore, type ObjectStore, readBody } from '@repokeeper/object-store'
import { decompress, parseRepomd } from '@repokeeper/repodata'
import {
  MemoryCache,
  parseRepositoryRoot,
  type RepositoryContext,
  type RepositoryLocation,
  realContext,
  reconcile,
  type Signing,
} from '@repokeeper/repository'
import { buildPackage, type PackageSpec } from '@repokeeper/rpm-parser/testing'
import { onTestFinished } from 'vitest'
import { Replica, type ReplicaEvent, type ReplicaOptions, storeSource } from '../src/index.ts'

export const never = new AbortController().signal

export function locationIn(store: ObjectStore, root = ''): RepositoryLocation {
  return { store, root: parseRepositoryRoot(root) }
}

/** A repository that is published the usual way. */
export class Source {
  readonly location: RepositoryLocation
  readonly #context: RepositoryContext

  constructor(store: ObjectStore = new MemoryStore(), root = 'upstream/el9/', signing: Signing = { kind: 'unsaid' }) {
    this.location = locationIn(store, root)
    this.#context = realContext({ cache: new MemoryCache(), onEvent: () => {}, signing })
  }

  /** Puts packages at `name-version.rpm`, or at a path, removes others, and publishes. */
  async change(added: readonly (PackageSpec & { readonly path?: string })[], removed: readonly string[] = []) {
    const { store, root } = this.location
    const paths = added.map(({ path, name, version = '1.0' }) => path ?? `${name}-${version}.rpm`)
    for (const [at, spec] of added.entries()) {
      await store.put(`${root}${paths[at]}`, buildPackage(spec), { if: 'always' })
    }
    for (const path of removed) await store.delete(`${root}${path}`)
    const keys = new Set([...paths, ...removed].map((path) => `${root}${path}`))
    const { undecided } = await reconcile(this.location, keys, this.#context)
    if (undecided.size > 0) throw new Error('the source could not be published')
  }

  replicaIn(target: RepositoryLocation, options: Partial<ReplicaOptions> & Pick<ReplicaOptions, 'scratch'>): Replica {
    return new Replica(storeSource(this.location, { signal: never }), target, { ...usual, ...options })
  }
}

const usual: Omit<ReplicaOptions, 'scratch'> = {
  keyring: undefined,
  concurrency: 4,
  retentionMs: 24 * 3_600_000,
  bytesPerSecond: undefined,
  checksAll: false,
  takesOver: false,
  copiesInStore: false,
  generations: { kind: 'as found' },
  time: { now: Date.now, random: Math.random, sleep: () => new Promise(setImmediate) },
  onEvent: (_: ReplicaEvent) => {},
  signal: never,
}

/** A directory that goes with the test. */
export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-transfer-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/**
 * What a client finds: repomd.xml, all that it names and all that primary lists, by path, each with its SHA-256.
 * @returns `undefined` where there is no repomd.xml @throws Error where something is not there, or is not what it should be
 */
export async function readWhole(location: RepositoryLocation): Promise<ReadonlyMap<string, string> | undefined> {
  const found = new Map<string, string>()
  const repomd = await readFile(location, 'repodata/repomd.xml')
  if (repomd === undefined) return undefined
  found.set('repodata/repomd.xml', digestOf(repomd))
  for (const { href, checksum, type } of parseRepomd(repomd).records) {
    const document = await expectFile(location, href, checksum?.hex)
    found.set(href, digestOf(document))
    if (type !== 'primary') continue
    const primary = await textOf(document)
    for (const [, pkgid = '', path = ''] of primary.matchAll(/pkgid="YES">([0-9a-f]+)<.*?<location href="([^"]+)"/gs)) {
      await expectFile(location, path, pkgid)
      found.set(path, pkgid)
    }
  }
  return found
}

export async function readFile({ store, root }: RepositoryLocation, path: string): Promise<Uint8Array | undefined> {
  const got = await store.get(`${root}${path}`)
  return got.kind === 'found' ? readBody(got.body, 2 ** 30) : undefined
}

/** Every object below the root but the replica's own record, with its SHA-256. */
export async function readAll({ store, root }: RepositoryLocation): Promise<Map<string, string>> {
  const all = new Map<string, string>()
  for await (const { key } of store.list(root)) {
    const path = key.slice(root.length)
    const bytes = path === 'repodata/replica.json' ? undefined : await readFile({ store, root }, path)
    if (bytes !== undefined) all.set(path, digestOf(bytes))
  }
  return all
}

async function expectFile(location: RepositoryLocation, path: string, sha256: string | undefined): Promise<Uint8Array> {
  const bytes = await readFile(location, path)
  if (bytes === undefined) throw new Error(`${path} is named, but not there`)
  if (digestOf(bytes) !== sha256) throw new Error(`${path} is not what it should be`)
  return bytes
}

async function textOf(document: Uint8Array): Promise<string> {
  async function* once(): AsyncGenerator<Uint8Array> {
    yield document
  }
  return Buffer.from(await readBody(decompress(once(), 2 ** 30), 2 ** 30)).toString()
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
