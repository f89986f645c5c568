import type { Request, Response } from '../http.ts'
import type { Permission } from '../permissions.ts'
import type { Address } from './addressing.ts'
import * as buckets from './bucket-operations.ts'
import { completeMultipartUpload } from './complete-multipart.ts'
import { copyObject } from './copy-object.ts'
import { deleteObject, deleteObjects } from './delete-objects.ts'
import { getObject, headObject } from './get-object.ts'
import { listObjectsV1, listObjectsV2 } from './list-objects.ts'
import { listMultipartUploads, listParts } from './list-uploads.ts'
import * as multipart from './multipart.ts'
import { putObject } from './put-object.ts'
import { headerOf, type S3Call } from './s3-call.ts'

export interface S3Operation {
  /** AWS's name. */
  readonly name: string
  /** IAM's name of what it does; none: it looks after its permissions itself. */
  readonly action?: string
  run(call: S3Call): Promise<Response>
}

interface Route extends S3Operation {
  readonly level: 'service' | 'bucket' | 'object'
  readonly method: string
  /** Query parameters that must be there; `a=b`: with this value. */
  readonly query?: readonly string[]
  /** A header that must be there. */
  readonly header?: string
}

/** The first that matches is taken: those with a parameter or a header stand before those without. */
const routes: readonly Route[] = [
  { level: 'service', method: 'GET', name: 'ListBuckets', action: 's3:ListAllMyBuckets', run: buckets.listBuckets },

  {
    level: 'bucket',
    method: 'GET',
    query: ['location'],
    name: 'GetBucketLocation',
    action: 's3:GetBucketLocation',
    run: buckets.getBucketLocation,
  },
  {
    level: 'bucket',
    method: 'GET',
    query: ['versioning'],
    name: 'GetBucketVersioning',
    action: 's3:GetBucketVersioning',
    run: buckets.getBucketVersioning,
  },
  {
    level: 'bucket',
    method: 'GET',
    query: ['notification'],
    name: 'GetBucketNotificationConfiguration',
    action: 's3:GetBucketNotification',
    run: buckets.getBucketNotification,
  },
  {
    level: 'bucket',
    method: 'PUT',
    query: ['notification'],
    name: 'PutBucketNotificationConfiguration',
    action: 's3:PutBucketNotification',
    run: buckets.putBucketNotification,
  },
  {
    level: 'bucket',
    method: 'GET',
    query: ['policy'],
    name: 'GetBucketPolicy',
    action: 's3:GetBucketPolicy',
    run: buckets.getBucketPolicy,
  },
  {
    level: 'bucket',
    method: 'PUT',
    query: ['policy'],
    name: 'PutBucketPolicy',
    action: 's3:PutBucketPolicy',
    run: buckets.putBucketPolicy,
  },
  {
    level: 'bucket',
    method: 'DELETE',
    query: ['policy'],
    name: 'DeleteBucketPolicy',
    action: 's3:DeleteBucketPolicy',
    run: buckets.deleteBucketPolicy,
  },
  {
    level: 'bucket',
    method: 'GET',
    query: ['publicAccessBlock'],
    name: 'GetPublicAccessBlock',
    action: 's3:GetBucketPublicAccessBlock',
    run: buckets.getPublicAccessBlock,
  },
  {
    level: 'bucket',
    method: 'PUT',
    query: ['publicAccessBlock'],
    name: 'PutPublicAccessBlock',
    action: 's3:PutBucketPublicAccessBlock',
    run: buckets.putPublicAccessBlock,
  },
  {
    level: 'bucket',
    method: 'DELETE',
    query: ['publicAccessBlock'],
    name: 'DeletePublicAccessBlock',
    action: 's3:PutBucketPublicAccessBlock',
    run: buckets.deletePublicAccessBlock,
  },
  {
    level: 'bucket',
    method: 'GET',
    query: ['uploads'],
    name: 'ListMultipartUploads',
    action: 's3:ListBucketMultipartUploads',
    run: listMultipartUploads,
  },
  { level: 'bucket', method: 'POST', query: ['delete'], name: 'DeleteObjects', run: deleteObjects },
  {
    level: 'bucket',
    method: 'GET',
    query: ['list-type=2'],
    name: 'ListObjectsV2',
    action: 's3:ListBucket',
    run: listObjectsV2,
  },
  { level: 'bucket', method: 'GET', name: 'ListObjects', action: 's3:ListBucket', run: listObjectsV1 },
  { level: 'bucket', method: 'HEAD', name: 'HeadBucket', action: 's3:ListBucket', run: buckets.headBucket },
  { level: 'bucket', method: 'PUT', name: 'CreateBucket', action: 's3:CreateBucket', run: buckets.createBucket },
  { level: 'bucket', method: 'DELETE', name: 'DeleteBucket', action: 's3:DeleteBucket', run: buckets.deleteBucket },

  {
    level: 'object',
    method: 'POST',
    query: ['uploads'],
    name: 'CreateMultipartUpload',
    action: 's3:PutObject',
    run: multipart.createMultipartUpload,
  },
  {
    level: 'object',
    method: 'PUT',
    query: ['partNumber', 'uploadId'],
    header: 'x-amz-copy-source',
    name: 'UploadPartCopy',
    action: 's3:PutObject',
    run: multipart.uploadPartCopy,
  },
  {
    level: 'object',
    method: 'PUT',
    query: ['partNumber', 'uploadId'],
    name: 'UploadPart',
    action: 's3:PutObject',
    run: multipart.uploadPart,
  },
  {
    level: 'object',
    method: 'POST',
    query: ['uploadId'],
    name: 'CompleteMultipartUpload',
    action: 's3:PutObject',
    run: completeMultipartUpload,
  },
  {
    level: 'object',
    method: 'DELETE',
    query: ['uploadId'],
    name: 'AbortMultipartUpload',
    action: 's3:AbortMultipartUpload',
    run: multipart.abortMultipartUpload,
  },
  {
    level: 'object',
    method: 'GET',
    query: ['uploadId'],
    name: 'ListParts',
    action: 's3:ListMultipartUploadParts',
    run: listParts,
  },
  {
    level: 'object',
    method: 'PUT',
    header: 'x-amz-copy-source',
    name: 'CopyObject',
    action: 's3:PutObject',
    run: copyObject,
  },
  { level: 'object', method: 'GET', name: 'GetObject', action: 's3:GetObject', run: getObject },
  { level: 'object', method: 'HEAD', name: 'HeadObject', action: 's3:GetObject', run: headObject },
  { level: 'object', method: 'PUT', name: 'PutObject', action: 's3:PutObject', run: putObject },
  { level: 'object', method: 'DELETE', name: 'DeleteObject', action: 's3:DeleteObject', run: deleteObject },
]

/**
 * Parameters that make another operation of a request; one that no route above knows is an operation that isn't here, and
 * must not be taken for a plain GET or PUT.
 */
const subresources: ReadonlySet<string> = new Set([
  ...[
    'accelerate',
    'acl',
    'analytics',
    'attributes',
    'cors',
    'delete',
    'encryption',
    'intelligent-tiering',
    'inventory',
  ],
  ...[
    'legal-hold',
    'lifecycle',
    'location',
    'logging',
    'metadataConfiguration',
    'metadataTable',
    'metrics',
    'notification',
  ],
  ...['object-lock', 'ownershipControls', 'policy', 'policyStatus', 'publicAccessBlock', 'renameObject', 'replication'],
  ...['requestPayment', 'restore', 'retention', 'select', 'session', 'tagging', 'torrent', 'uploads', 'uploadId'],
  ...['versioning', 'versions', 'website'],
])

/** @returns the operation, or what is asked for that isn't here. */
export function route(request: Request, address: Address): S3Operation | { readonly missing: string } {
  const level = address.key !== undefined ? 'object' : address.bucket !== undefined ? 'bucket' : 'service'
  const found = routes.find(
    (candidate) =>
      candidate.level === level &&
      candidate.method === request.method &&
      (candidate.query ?? []).every((parameter) => {
        const [name = '', value] = parameter.split('=')
        return request.query.has(name) && (value === undefined || request.query.get(name) === value)
      }) &&
      (candidate.header === undefined || headerOf(request, candidate.header) !== undefined),
  )
  const known = new Set(found?.query?.map((parameter) => parameter.split('=')[0]))
  const other = [...request.query.keys()].find((name) => subresources.has(name) && !known.has(name))
  if (found === undefined || other !== undefined) {
    return { missing: `${request.method} of a ${level}${other === undefined ? '' : ` with ?${other}`}` }
  }
  return found
}

const conditionalWrites: ReadonlySet<string> = new Set([
  ...['PutObject', 'CopyObject', 'CompleteMultipartUpload', 'DeleteObject'],
])

/** What IAM asks for. Source: AWS, "Required permissions for Amazon S3 API operations". */
export function permissionsFor(
  operation: S3Operation,
  address: Address,
  request: Request,
  copySource: { readonly bucket: string; readonly key: string } | undefined,
): Permission[] {
  if (operation.action === undefined) return []
  const { bucket, key } = address
  const resource = bucket === undefined ? '*' : `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`
  const prefix = key === undefined ? request.query.get('prefix') : undefined
  const permissions: Permission[] = [{ action: operation.action, resource, ...(prefix !== undefined && { prefix }) }]
  if (copySource !== undefined) {
    permissions.push({ action: 's3:GetObject', resource: `arn:aws:s3:::${copySource.bucket}/${copySource.key}` })
  }
  // Source: AWS, "How to perform conditional deletes" and "How to prevent object overwrites with conditional writes": an ETag
  // (not `*`) lets its caller learn of the object.
  const ifMatch = request.headers.get('if-match')
  if (conditionalWrites.has(operation.name) && ifMatch !== undefined && ifMatch !== '*') {
    permissions.push({ action: 's3:GetObject', resource })
  }
  return permissions
}
