/** What docs/sizing-and-cost.md and docs/generations.md say of the requests that a publish costs. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { S3Store } from '@repokeeper/object-store'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCloudResources } from '../../../fixtures/cloud-resources.ts'
import { type RepomdSigner, type RepositoryContext, reconcile } from '../src/index.ts'
import { locationIn, newContext, putPackage, readPublished } from './workbench.ts'

let directory: string
let cloud: LocalCloud
let store: S3Store

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'publish-requests-'))
  cloud = await startLocalCloud({ directory })
  const { endpoint } = cloud
  await createCloudResources(endpoint, 'packages')
  const credentials = { accessKeyId: 'publisher', secretAccessKey: 'anything' }
  store = new S3Store({ bucket: 'packages', endpoint, region: 'us-east-1', credentials })
})

afterAll(async () => {
  await store.close()
  await cloud.close()
  await rm(directory, { recursive: true })
})

const signer: RepomdSigner = {
  sign: async (bytes) => Buffer.from(`signed ${bytes.length}`),
  verify: async () => true,
  publicKey: Buffer.from('the key'),
}
const signed = { signing: { kind: 'signed', signer } } as const
const generations = { generations: { kind: 'published', url: 'https://packages.example.com/{path}/' } } as const

const plain = [
  'GetObject repodata/repomd.xml',
  'HeadObject b.rpm',
  'GetObject b.rpm',
  'PutObject repodata/primary',
  'PutObject repodata/filelists',
  'PutObject repodata/other',
  'PutObject repodata/record',
  'HeadObject repodata/repomd.xml.asc',
  'GetObject mirrorlist',
  'PutObject repodata/pledge',
  'PutObject repodata/repomd.xml',
  'HeadObject b.rpm',
  'DeleteObject repodata/pledge',
]
const ofGenerations = [
  'CopyObject generations/repodata/primary',
  'CopyObject generations/repodata/filelists',
  'CopyObject generations/repodata/other',
  'PutObject generations/repodata/repomd.xml',
  'PutObject mirrorlist',
]
const ofSignature = ['GetObject repodata/repomd.xml.key', 'PutObject repodata/repomd.xml.asc']

it.each<[string, Partial<RepositoryContext>, readonly string[]]>([
  ['neither signed nor with generations', {}, plain],
  ['signed', signed, [...plain, ...ofSignature]],
  ['with generations', generations, [...plain, ...ofGenerations]],
  [
    'signed and with generations',
    { ...signed, ...generations },
    [
      ...plain,
      ...ofSignature,
      ...ofGenerations,
      'PutObject generations/repodata/repomd.xml.key',
      'PutObject generations/repodata/repomd.xml.asc',
    ],
  ],
])('a publish of one package, %s, costs these requests and no other', async (name, parts, expected) => {
  const location = locationIn(store, name.replaceAll(' ', '-'))
  const context = await newContext(parts)
  const publish = async (path: string): Promise<number> => {
    const key = `${location.root}${path}.rpm`
    await putPackage(store, key, { name: path })
    const seen = cloud.calls.list().at(-1)?.number ?? 0
    await reconcile(location, new Set([key]), context)
    return seen
  }
  await publish('a')
  const seen = await publish('b')
  const calls = cloud.calls.list().filter(({ number }) => number > seen)
  const made = calls.map(({ operation, key = '' }) => `${operation} ${plainName(key.slice(location.root.length))}`)
  expect(made.toSorted()).toEqual(expected.toSorted())
  expect((await readPublished(location)).packages.size).toBe(2)
})

/** Without digests, times and chance. */
function plainName(path: string): string {
  return path
    .replace(/^generations\/[^/]+\//, 'generations/')
    .replace(/[0-9a-f]{64}-[0-9a-f]{8}-(primary|filelists|other)\.xml\.gz$/, '$1')
    .replace(/\/pledge-.*/, '/pledge')
    .replace(/\/[^/]+-repomd\.xml$/, '/record')
}
