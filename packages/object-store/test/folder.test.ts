/** What people are shown of a store: one level of it, and links that expire. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DirectoryStore, entryKey, type FolderStore, type ListOptions, S3Store } from '../src/index.ts'

let directory: string
let cloud: LocalCloud
const stores = new Map<string, FolderStore>()
const keys = ['a.b', 'a/one.rpm', 'a/deep/er/two.rpm', 'a/z.rpm', 'b c/three.rpm', 'top.rpm', 'é/four.rpm']

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'object-store-folder-'))
  cloud = await startLocalCloud({ directory: join(directory, 'cloud') })
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const { endpoint } = cloud
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  client.destroy()
  await mkdir(join(directory, 'tree'))
  stores.set('a directory', new DirectoryStore(join(directory, 'tree')))
  stores.set('a bucket', new S3Store({ bucket: 'bucket', endpoint, region: 'us-east-1', credentials }))
  for (const store of stores.values()) {
    for (const key of keys) await store.put(key, Buffer.from(key), { if: 'absent' })
  }
})
afterAll(async () => {
  for (const store of stores.values()) await store.close()
  await cloud.close()
  await rm(directory, { recursive: true })
})

async function listed(name: string, prefix: string, options?: ListOptions): Promise<string[]> {
  const entries = stores.get(name)?.listFolder(prefix, options)
  return entries === undefined ? [] : (await Array.fromAsync(entries)).map(entryKey)
}

describe.each(['a directory', 'a bucket'])('a folder of %s', (name) => {
  it('has what lies directly in it, in byte order of the keys', async () => {
    expect(await listed(name, '')).toEqual(['a.b', 'a/', 'b c/', 'top.rpm', 'é/'])
    expect(await listed(name, 'a/')).toEqual(['a/deep/', 'a/one.rpm', 'a/z.rpm'])
    expect(await listed(name, 'b c/')).toEqual(['b c/three.rpm'])
  })

  it('goes on behind an object, and behind all that lies in a folder', async () => {
    expect(await listed(name, '', { startAfter: 'a/' })).toEqual(['b c/', 'top.rpm', 'é/'])
    expect(await listed(name, 'a/', { startAfter: 'a/one.rpm' })).toEqual(['a/z.rpm'])
  })

  it.each(['none/', 'top.rpm/', 'a//'])('is empty where there is none: %s', async (prefix) => {
    expect(await listed(name, prefix)).toEqual([])
  })
})

it('shows empty folders of a directory, and neither its own files nor links that lead out', async () => {
  const tree = join(directory, 'shown')
  await mkdir(join(tree, 'empty'), { recursive: true })
  await mkdir(join(tree, '.repokeeper-uploads'))
  await writeFile(join(tree, '.repokeeper-put-1'), '')
  await symlink('/etc/passwd', join(tree, 'out'))
  await symlink('/etc', join(tree, 'outside'))
  expect((await Array.fromAsync(new DirectoryStore(tree).listFolder(''))).map(entryKey)).toEqual(['empty/'])
})

it('signs a link to one object, that expires', async () => {
  const store = stores.get('a bucket')
  if (!(store instanceof S3Store)) throw new Error('there is no bucket')
  const url = new URL(await store.presignGet('b c/three.rpm', { expiresSeconds: 60 }))
  expect(url.searchParams.get('X-Amz-Expires')).toBe('60')
  expect(url.searchParams.get('X-Amz-Signature')).toMatch(/^[0-9a-f]{64}$/)
  expect(await (await fetch(url)).text()).toBe('b c/three.rpm')
})
