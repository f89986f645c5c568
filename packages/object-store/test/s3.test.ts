import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { startLocalCloud } from '@repokeeper/local-cloud'
import { S3Store } from '../src/index.ts'
import { describeStore } from './contract.ts'

describeStore(
  'an S3 bucket',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'object-store-'))
    const cloud = await startLocalCloud({ directory })
    const { endpoint } = cloud
    const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
    const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
    client.destroy()
    const open = () => new S3Store({ bucket: 'bucket', endpoint, region: 'us-east-1', credentials })
    const store = open()
    return {
      store,
      another: open,
      advance: (milliseconds) => cloud.clock.advance(milliseconds),
      async close() {
        await store.close()
        await cloud.close()
        await rm(directory, { recursive: true })
      },
    }
  },
  { emptySegments: true, vouchesForPromised: true, streams: true, runs: 20 },
)
