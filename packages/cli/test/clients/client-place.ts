/**
 * What clients see: a bucket behind a server that reads URLs as S3 does, and our own program that publishes into it.
 */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Call, type LocalCloud, type LocalCloudOptions, startLocalCloud } from '@repokeeper/local-cloud'
import { readBody, S3Store } from '@repokeeper/object-store'
import { afterAll, beforeAll, expect } from 'vitest'
import { type CloudQueues, createCloudResources } from '../../../../fixtures/cloud-resources.ts'
import { Workplace } from '../run-cli.ts'

const bucket = 'packages'
const credentials = { AWS_ACCESS_KEY_ID: 'client-test', AWS_SECRET_ACCESS_KEY: 'anything' }

export interface ClientPlace {
  readonly cloud: LocalCloud
  readonly queues: CloudQueues
  readonly store: S3Store
  /** A new directory, gone with the place. */
  makeDirectory(): Promise<string>
  /** What a person writes as `baseurl`, and as REPO. */
  urlOf(root: string): string
  repoOf(root: string): string
  /** Runs it, and expects that it succeeds. @returns its standard output */
  repokeeper(...args: readonly string[]): Promise<string>
  /** Everything below a root, in a directory, with the times that the store gave it. */
  download(root: string): Promise<string>
  /** What `client` asked the bucket for, in order, without credentials: the other calls are ours. */
  callsDuring(client: () => Promise<unknown>): Promise<Call[]>
}

/** Opens one for the tests of a file, before all of them, and fills it by `publish`. */
export function clientPlaceForTests(publish: (place: ClientPlace) => Promise<void>): () => ClientPlace {
  let opened: { place: ClientPlace; close: () => Promise<void> } | undefined
  beforeAll(async () => {
    opened = await openClientPlace()
    await publish(opened.place)
  })
  afterAll(() => opened?.close())
  return () => {
    if (opened === undefined) throw new Error('nothing is published yet')
    return opened.place
  }
}

/** Where `plusIsSpace` is false, a `+` in a URL's path is a plus, as RFC 3986 has it, and S3 has not. */
export async function openClientPlace(
  options: Pick<LocalCloudOptions, 'plusIsSpace' | 'clock'> = {},
): Promise<{ place: ClientPlace; close: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-clients-'))
  const cloud = await startLocalCloud({ directory: join(directory, 'cloud'), ...options })
  const queues = await createCloudResources(cloud.endpoint, bucket)
  Object.assign(process.env, credentials)
  const store = new S3Store({ bucket, endpoint: cloud.endpoint, region: 'us-east-1' })
  const { endpoint } = cloud
  const program = new Workplace(directory, { ...credentials, AWS_ENDPOINT_URL: endpoint, AWS_REGION: 'us-east-1' })
  const makeDirectory = () => mkdtemp(join(directory, 'made-'))
  const place: ClientPlace = {
    cloud,
    queues,
    store,
    makeDirectory,
    urlOf: (root) => `${endpoint}/${bucket}/${root}`,
    repoOf: (root) => `s3://${bucket}/${root}`,
    async repokeeper(...args) {
      const { code, stdout, stderr } = await program.repokeeper(...args)
      expect(code, `${args.join(' ')}: ${stdout}${stderr}`).toBe(0)
      return stdout
    },
    async download(root) {
      const into = await makeDirectory()
      for await (const { key, lastModified } of store.list(`${root}/`)) {
        const path = join(into, key.slice(root.length + 1))
        await mkdir(dirname(path), { recursive: true })
        const got = await store.get(key)
        if (got.kind !== 'found') throw new Error(`${key} is ${got.kind}`)
        await writeFile(path, await readBody(got.body, 2 ** 30))
        await utimes(path, lastModified, lastModified)
      }
      return into
    },
    async callsDuring(client) {
      const before = cloud.calls.list().at(-1)?.number ?? 0
      await client()
      return cloud.calls.list().filter(({ number, accessKey }) => number > before && accessKey === undefined)
    },
  }
  const close = async (): Promise<void> => {
    await store.close()
    await cloud.close()
    await rm(directory, { recursive: true })
  }
  return { place, close }
}
