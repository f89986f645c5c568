/**
 * What a repository remembers of an upstream, beside its metadata: which packages came from there. So that one's own are never pruned,
 * and so that documents are united once.
 */
import { createHash } from 'node:crypto'
import { type ETag, type PutCondition, readBody } from '@repokeeper/object-store'
import { parseChecksumType, parsePkgId } from '@repokeeper/repodata'
import { type RepositoryContext, type RepositoryLocation, withSignal } from '@repokeeper/repository'
import * as z from 'zod'
import type { Companion } from './read-upstream.ts'
import type { WantedFile } from './replica-plan.ts'
import { TransferError } from './transfer-error.ts'

export type Checksum = WantedFile['checksum']

export interface MirrorRecord {
  /** The name of upstream, for people: without what is asked of it, which may be a secret. What lies beside the metadata is for all to read. */
  readonly upstream: string
  /**
   * Packages that a mirror has brought, or was about to bring, and that upstream lists: by path below the root, with the digest that upstream
   * gave. Several upstreams may have one in common.
   */
  readonly packages: ReadonlyMap<string, Checksum>
  /** How many packages were wanted when upstream was believed last. */
  readonly wanted: number
  /** What the policy for packages has refused, by path, and it did not come. */
  readonly refused: ReadonlyMap<string, Checksum>
  /** Digests of upstream's documents that the repository's are united with. */
  readonly documents: Readonly<Partial<Record<Companion, string | undefined>>>
}

/** A path has at most 1 KiB, and the largest repositories have some 100,000 packages. */
const bytesMax = 2 ** 28
/** Repositories have a handful of upstreams. */
const recordsMax = 1_000
/** Another run of the same mirror may write at the same moment. */
const attemptsMax = 20
const pauseMs = 500

/** What is remembered of an upstream that nothing has come from. */
export function newMirrorRecord(upstream: string): MirrorRecord {
  return { upstream: upstream.replace(/\?.*$/s, ''), packages: new Map(), wanted: 0, refused: new Map(), documents: {} }
}

/** @throws TransferError `BROKEN_RECORD`, StoreError */
export async function readMirrorRecord(location: RepositoryLocation, upstream: string): Promise<MirrorRecord> {
  return (await readStored(location, recordPath(upstream)))?.record ?? newMirrorRecord(upstream)
}

/** What other mirrors have brought, by path. @throws TransferError `BROKEN_RECORD`, StoreError */
export async function readOtherMirrors(
  location: RepositoryLocation,
  upstream: string,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<Map<string, Checksum>> {
  const { store, root } = location
  const paths: string[] = []
  for await (const { key } of store.list(`${root}repodata/mirror-`, withSignal(context))) {
    const path = key.slice(root.length)
    if (recordName.test(path) && path !== recordPath(upstream) && paths.length < recordsMax) paths.push(path)
  }
  const packages = new Map<string, Checksum>()
  for (const path of paths) {
    const stored = await readStored(location, path)
    for (const [of, checksum] of stored?.record.packages ?? []) packages.set(of, checksum)
  }
  return packages
}

/**
 * By compare-and-swap: what another run of the same mirror has written stays.
 * @throws TransferError `BROKEN_RECORD`, `CONTENTION`; StoreError
 */
export async function changeMirrorRecord(
  location: RepositoryLocation,
  upstream: string,
  change: (before: MirrorRecord) => MirrorRecord,
  context: Pick<RepositoryContext, 'random' | 'sleep' | 'singleWriter' | 'signal'>,
): Promise<void> {
  const { store, root } = location
  const path = recordPath(upstream)
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const stored = await readStored(location, path)
    const bytes = format(change(stored?.record ?? newMirrorRecord(upstream)))
    const condition: PutCondition = stored === undefined ? { if: 'absent' } : { if: 'unchanged', etag: stored.etag }
    const put = await store.put(`${root}${path}`, bytes, context.singleWriter ? { if: 'always' } : condition, {
      contentType: 'application/json',
    })
    if (put.kind === 'stored') return
    await context.sleep(context.random() * pauseMs, context.signal)
  }
  const message = `${store.name}/${root}${path}: others wrote it ${attemptsMax} times meanwhile; try again`
  throw new TransferError('CONTENTION', message)
}

const recordName = /^repodata\/mirror-[0-9a-f]{16}\.json$/

function recordPath(upstream: string): string {
  return `repodata/mirror-${createHash('sha256').update(upstream).digest('hex').slice(0, 16)}.json`
}

async function readStored(
  { store, root }: RepositoryLocation,
  path: string,
): Promise<{ readonly record: MirrorRecord; readonly etag: ETag } | undefined> {
  const got = await store.get(`${root}${path}`)
  if (got.kind !== 'found') return undefined
  try {
    const text = Buffer.from(await readBody(got.body, bytesMax)).toString()
    return { record: Stored.parse(JSON.parse(text)), etag: got.head.etag }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError || error instanceof RangeError)) throw error
    const message = `${store.name}/${root}${path} is no record of a mirror: remove it; what came before then stays for good`
    throw new TransferError('BROKEN_RECORD', message, { cause: error })
  }
}

function format({ upstream, packages, wanted, refused, documents }: MirrorRecord): Buffer {
  const digests = { packages: formatDigests(packages), ...(refused.size > 0 && { refused: formatDigests(refused) }) }
  return Buffer.from(`${JSON.stringify({ mirror: 1, upstream, wanted, documents, ...digests }, undefined, 1)}\n`)
}

function formatDigests(files: ReadonlyMap<string, Checksum>): Record<string, string> {
  const byPath = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(byPath.map(([path, { type, hex }]) => [path, `${type}:${hex}`]))
}

const Digest = z.string().transform((text, context): Checksum => {
  const [name = '', digits = ''] = text.split(':')
  const type = parseChecksumType(name)
  const hex = type === undefined ? undefined : parsePkgId(digits, type)
  if (type !== undefined && hex !== undefined) return { type, hex }
  context.addIssue({ code: 'custom', message: 'expected a digest such as sha256:…' })
  return z.NEVER
})

const Digests = z.record(z.string(), Digest).transform((files) => new Map(Object.entries(files)))

const Stored = z.object({
  mirror: z.literal(1),
  upstream: z.string(),
  wanted: z.number().int().min(0),
  documents: z.object({ comps: z.string(), modules: z.string(), updateinfo: z.string() }).partial(),
  packages: Digests,
  refused: Digests.optional().transform((refused) => refused ?? new Map()),
})
