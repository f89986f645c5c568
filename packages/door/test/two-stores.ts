/** A folder and a bucket, both empty: what a door has to be the same in front of. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { startLocalCloud } from '@repokeeper/local-cloud'
import { DirectoryStore, S3Store } from '@repokeeper/object-store'

export interface TwoStores {
  /** For whatever else a test needs; the folder is `tree` in it. */
  readonly directory: string
  readonly folder: DirectoryStore
  readonly bucket: S3Store
  close(): Promise<void>
}

export async function openTwoStores(): Promise<TwoStores> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-door-'))
  const cloud = await startLocalCloud({ directory: join(directory, 'cloud') })
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const { endpoint } = cloud
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  client.destroy()
  await mkdir(join(directory, 'tree'))
  const folder = new DirectoryStore(join(directory, 'tree'))
  const bucket = new S3Store({ bucket: 'bucket', endpoint, region: 'us-east-1', credentials })
  return {
    directory,
    folder,
    bucket,
    async close() {
      await folder.close()
      await bucket.close()
      await cloud.close()
      await rm(directory, { recursive: true })
    },
  }
}
