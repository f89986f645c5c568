/**
 * A repository with generations in memory, and what tests do with it.
 */
import { createHash } from 'node:crypto'
import { MemoryStore, type ObjectStore } from '@repokeeper/object-store'
import {
  type GenerationId,
  type Generations,
  generationIdOf,
  listGenerationDirectories,
  mirrorlistKey,
  parseMirrorlist,
  type RepomdSigner,
  reconcile,
  type Signing,
} from '../src/index.ts'
import { locationIn, newContext, putPackage, read, readPublished, tickingStore } from './workbench.ts'

export const { root } = locationIn(tickingStore())
export const mirrorlist = mirrorlistKey(root)
export const repomd = `${root}repodata/repomd.xml`
export const generations: Generations = { kind: 'published', url: 'https://packages.example.com/{path}/' }
export const base = 'https://packages.example.com/el9/x86_64/'

export const signer = signerWith('the key')
/** Signs with a name in place of a key. */
export function signerWith(key: string): RepomdSigner {
  const sign = async (bytes: Uint8Array): Promise<Buffer> =>
    Buffer.from(`signed with ${key}: ${createHash('sha256').update(bytes).digest('hex')}`)
  return {
    sign,
    verify: async (bytes, signature) => (await sign(bytes)).equals(Buffer.from(signature)),
    publicKey: Buffer.from(key),
  }
}

export const signing: Signing = { kind: 'signed', signer }

export async function publish(
  store: ObjectStore,
  name: string,
  how: { signing?: Signing; generations?: Generations } = {},
) {
  const key = `${root}${name}.rpm`
  await putPackage(store, key, { name })
  const context = await newContext({ generations, ...how })
  await reconcile(locationIn(store), new Set([key]), context)
  return context
}

export async function named(store: ObjectStore): Promise<GenerationId> {
  const there = parseMirrorlist(await read(store, mirrorlist))
  if (there === undefined) throw new Error('the mirrorlist is not one of ours')
  return there.generation
}

export async function currentId(store: ObjectStore): Promise<GenerationId | undefined> {
  return generationIdOf(await read(store, repomd))
}

/** What a client finds that is sent to that directory. */
export function readGeneration(store: ObjectStore, id: GenerationId) {
  return readPublished(locationIn(store, `${root}generations/${id}`))
}

export async function idsIn(store: ObjectStore): Promise<GenerationId[]> {
  return (await listGenerationDirectories(locationIn(store), {})).map(({ id }) => id)
}

/** A store with a clock that stands until it is moved. */
export function storeAt(): { store: MemoryStore; pass: (seconds: number) => void } {
  let now = 1_700_000_000
  const pass = (seconds: number): void => {
    now += seconds
  }
  return { store: new MemoryStore({ clock: () => new Date(1000 * now) }), pass }
}
