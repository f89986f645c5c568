import { z } from 'zod'
import type { Response } from '../http.ts'
import { textOf, type XmlNode } from '../xml.ts'
import { isBucketName } from './addressing.ts'
import { S3Error } from './error.ts'
import { formatNotificationConfiguration, parseNotificationConfiguration } from './notification-configuration.ts'
import type { S3Call } from './s3-call.ts'
import { hasBody, receiveText, receiveXml } from './upload-body.ts'
import { formatIsoDate, xmlResponse } from './xml-response.ts'

/** The region that has no LocationConstraint. */
const defaultRegion = 'us-east-1'

/** ListBuckets, all on one page. */
export async function listBuckets(call: S3Call): Promise<Response> {
  const prefix = call.query('prefix') ?? ''
  const buckets = call.store.list().filter(({ configuration }) => configuration.name.startsWith(prefix))
  return xmlResponse([
    'ListAllMyBucketsResult',
    [
      [
        'Owner',
        [
          ['ID', 'local-cloud'],
          ['DisplayName', 'local-cloud'],
        ],
      ],
      [
        'Buckets',
        buckets.map(
          ({ configuration: { name, created, region } }): XmlNode => [
            'Bucket',
            [
              ['Name', name],
              ['CreationDate', formatIsoDate(created)],
              ['BucketRegion', region],
            ],
          ],
        ),
      ],
    ],
  ])
}

// <CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>
/** CreateBucket: again in us-east-1 it succeeds, elsewhere it is the owner's already, as on AWS. */
export async function createBucket(call: S3Call): Promise<Response> {
  const name = call.bucketName
  if (!isBucketName(name)) throw new S3Error('InvalidBucketName', undefined, [['BucketName', name]])
  if (call.header('x-amz-bucket-object-lock-enabled') === 'true') {
    throw new S3Error('NotImplemented', undefined, [['Header', 'x-amz-bucket-object-lock-enabled']])
  }
  const constraint = hasBody(call) ? textOf(await receiveXml(call), 'LocationConstraint') : undefined
  const region = constraint || defaultRegion
  if (!(await call.store.create(name, region)) && call.bucket.configuration.region !== defaultRegion) {
    throw new S3Error('BucketAlreadyOwnedByYou', undefined, [['BucketName', name]])
  }
  return { status: 200, headers: { location: `/${name}` } }
}

/** HeadBucket */
export async function headBucket(call: S3Call): Promise<Response> {
  return { status: 200, headers: { 'x-amz-bucket-region': call.bucket.configuration.region } }
}

/** DeleteBucket */
export async function deleteBucket(call: S3Call): Promise<Response> {
  await call.store.delete(call.bucketName)
  return { status: 204, headers: {} }
}

/** GetBucketLocation */
export async function getBucketLocation(call: S3Call): Promise<Response> {
  const { region } = call.bucket.configuration
  return xmlResponse(['LocationConstraint', region === defaultRegion ? '' : region])
}

/** GetBucketVersioning: of a bucket that never had it. */
export async function getBucketVersioning(call: S3Call): Promise<Response> {
  void call.bucket
  return xmlResponse(['VersioningConfiguration', []])
}

/** PutBucketNotificationConfiguration: every queue must be there, and each is sent a test event. */
export async function putBucketNotification(call: S3Call): Promise<Response> {
  const { bucket } = call
  const notification = parseNotificationConfiguration(await receiveXml(call))
  if (call.header('x-amz-skip-destination-validation') !== 'true') call.store.assertQueues(notification)
  await bucket.configure({ notification })
  call.store.sendTestEvents(bucket, notification, call.circumstances.requestId)
  return { status: 200, headers: {} }
}

/** GetBucketNotificationConfiguration */
export async function getBucketNotification(call: S3Call): Promise<Response> {
  return xmlResponse(formatNotificationConfiguration(call.bucket.configuration.notification))
}

/** PutBucketPolicy: kept and given back; nothing is decided by it. */
export async function putBucketPolicy(call: S3Call): Promise<Response> {
  const { bucket } = call
  const policy = await receiveText(call)
  if (!isJsonObject(policy)) throw new S3Error('MalformedPolicy')
  await bucket.configure({ policy })
  return { status: 204, headers: {} }
}

/** GetBucketPolicy */
export async function getBucketPolicy(call: S3Call): Promise<Response> {
  const { policy } = call.bucket.configuration
  if (policy === undefined) throw new S3Error('NoSuchBucketPolicy', undefined, [['BucketName', call.bucketName]])
  return { status: 200, headers: { 'content-type': 'application/json' }, body: policy }
}

/** DeleteBucketPolicy */
export async function deleteBucketPolicy(call: S3Call): Promise<Response> {
  await call.bucket.configure({ policy: undefined })
  return { status: 204, headers: {} }
}

const publicAccessBlocks = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets']

/** PutPublicAccessBlock: kept and given back; nothing is decided by it. */
export async function putPublicAccessBlock(call: S3Call): Promise<Response> {
  const { bucket } = call
  const root = await receiveXml(call)
  if (root.name !== 'PublicAccessBlockConfiguration') throw new S3Error('MalformedXML')
  const values = publicAccessBlocks.map((name) => [name, textOf(root, name)?.trim().toLowerCase() === 'true'])
  await bucket.configure({ publicAccessBlock: Object.fromEntries(values) })
  return { status: 200, headers: {} }
}

/** GetPublicAccessBlock */
export async function getPublicAccessBlock(call: S3Call): Promise<Response> {
  const { publicAccessBlock } = call.bucket.configuration
  if (publicAccessBlock === undefined) throw new S3Error('NoSuchPublicAccessBlockConfiguration')
  return xmlResponse(['PublicAccessBlockConfiguration', Object.entries(publicAccessBlock)])
}

/** DeletePublicAccessBlock */
export async function deletePublicAccessBlock(call: S3Call): Promise<Response> {
  await call.bucket.configure({ publicAccessBlock: undefined })
  return { status: 204, headers: {} }
}

function isJsonObject(text: string): boolean {
  try {
    return z.looseObject({}).safeParse(JSON.parse(text)).success
  } catch {
    return false
  }
}
