/**
 * Publishes one package after the other into a signed repository while clients read it as dnf does: repomd.xml, then its signature.
 */
import { type ObjectStore, readBody, S3Store } from '@repokeeper/object-store'
import { MemoryCache, parseRepositoryRoot, type RepomdSigner, realContext, reconcile } from '@repokeeper/repository'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { isGoodDetached, makeKey, openKeySigner, readKeyring, verifyDetached } from '@repokeeper/signing'
import { startCloud } from '../../fixtures/cloud-process.ts'

export interface WindowOptions {
  readonly directory: string
  readonly publishes: number
  readonly readers: number
  /** Of each answer of S3. */
  readonly delayMs: number
}

export interface SigningWindow {
  /** Of each publish, milliseconds from the answer to repomd.xml until that to its signature. */
  readonly windowsMs: readonly number[]
  readonly reads: number
  /** Reads of which the signature was none of the repomd.xml. */
  readonly mismatches: number
}

const root = 'el9/'
const repomdKey = `${root}repodata/repomd.xml`
const bytesMax = 2 ** 24

export async function measureWindow({ directory, publishes, readers, delayMs }: WindowOptions): Promise<SigningWindow> {
  const signer = await newSigner()
  const cloud = await startCloud({ directory, seed: 1, maxReceiveCount: 5, visibilityTimeoutSeconds: 60 })
  const credentials = { accessKeyId: 'publisher', secretAccessKey: 'anything' }
  const store = new S3Store({ endpoint: cloud.endpoint, region: 'us-east-1', bucket: cloud.bucket, credentials })
  const cache = new MemoryCache()
  const context = realContext({ cache, onEvent: () => {}, signing: { kind: 'signed', signer } })
  const storedAt = new Map<string, number>()
  const windowsMs: number[] = []
  const watched: ObjectStore = {
    name: store.name,
    get: (...args) => store.get(...args),
    head: (...args) => store.head(...args),
    copy: (...args) => store.copy(...args),
    delete: (...args) => store.delete(...args),
    list: (...args) => store.list(...args),
    clock: (...args) => store.clock(...args),
    close: () => store.close(),
    async put(key, ...rest) {
      const outcome = await store.put(key, ...rest)
      if (outcome.kind === 'stored') storedAt.set(key, performance.now())
      return outcome
    },
  }
  try {
    await publish(0)
    await cloud.setFaults([{ service: 's3', action: { kind: 'delay', milliseconds: delayMs } }])
    const publishing = { done: false }
    const counts = { reads: 0, mismatches: 0 }
    const reading = Array.from({ length: readers }, () => readUntil(publishing, counts))
    for (let number = 1; number <= publishes; number += 1) {
      await publish(number)
      windowsMs.push((storedAt.get(`${repomdKey}.asc`) ?? Number.NaN) - (storedAt.get(repomdKey) ?? Number.NaN))
    }
    publishing.done = true
    await Promise.all(reading)
    return { windowsMs, ...counts }
  } finally {
    await store.close()
    await cloud.close()
  }

  async function publish(number: number): Promise<void> {
    const key = `${root}package-${number}.rpm`
    await cloud.store.put(key, buildPackage({ name: `package-${number}` }), { if: 'always' })
    await reconcile({ store: watched, root: parseRepositoryRoot(root) }, new Set([key]), context)
  }

  async function readUntil(publishing: { done: boolean }, counts: { reads: number; mismatches: number }) {
    while (!publishing.done) {
      const repomd = await read(repomdKey)
      const signature = await read(`${repomdKey}.asc`)
      counts.reads += 1
      if (!(await signer.verify(repomd, signature))) counts.mismatches += 1
    }
  }

  async function read(key: string): Promise<Uint8Array> {
    const got = await cloud.store.get(key)
    if (got.kind !== 'found') throw new Error(`${key} is ${got.kind}`)
    return readBody(got.body, bytesMax)
  }
}

/** RSA 4096, as most will have it. */
async function newSigner(): Promise<RepomdSigner> {
  const key = await makeKey({ userId: 'Window <window@example.com>', now: Date.now() - 1_000 })
  const signer = await openKeySigner({ key: { text: key.revealPrivateKey() }, now: Date.now })
  const publicKey = Buffer.from(key.publicKey)
  const keyring = readKeyring([{ name: 'its key', bytes: publicKey }], Date.now())
  return {
    publicKey,
    sign: (bytes) => signer.sign(bytes),
    verify: async (bytes, signature) => isGoodDetached(verifyDetached(bytes, signature, { keyring, now: Date.now() })),
  }
}
