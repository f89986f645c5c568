import type { Response } from '../http.ts'
import { childrenOf, textOf, type XmlNode } from '../xml.ts'
import { assertWrite } from './conditions.ts'
import { S3Error } from './error.ts'
import type { S3Call } from './s3-call.ts'
import { receiveXml } from './upload-body.ts'
import { xmlResponse } from './xml-response.ts'

/** Source: AWS, DeleteObjects. */
const keysMax = 1000

/** DeleteObject: 204 also where there was nothing, unless If-Match says that there must be. */
export async function deleteObject(call: S3Call): Promise<Response> {
  for (const header of ['x-amz-if-match-size', 'x-amz-if-match-last-modified-time']) {
    // Source: AWS, DeleteObject: "only supported for directory buckets".
    if (call.header(header) !== undefined) throw new S3Error('NotImplemented', undefined, [['Header', header]])
  }
  await removeObject(call, call.key, call.header('if-match'))
  return { status: 204, headers: {} }
}

/** DeleteObjects: each key has a result of its own. */
export async function deleteObjects(call: S3Call): Promise<Response> {
  const root = await receiveXml(call)
  const objects = childrenOf(root, 'Object')
  if (root.name !== 'Delete' || objects.length === 0 || objects.length > keysMax) throw new S3Error('MalformedXML')
  const quiet = textOf(root, 'Quiet')?.trim() === 'true'
  const results: XmlNode[] = []
  for (const object of objects) {
    const key = textOf(object, 'Key')
    if (key === undefined || key === '') throw new S3Error('MalformedXML')
    try {
      assertVersion(textOf(object, 'VersionId'))
      assertMayDelete(call, key)
      await removeObject(call, key, textOf(object, 'ETag'))
      if (!quiet) results.push(['Deleted', [['Key', key]]])
    } catch (error) {
      if (!(error instanceof S3Error)) throw error
      results.push([
        'Error',
        [
          ['Key', key],
          ['Code', error.code],
          ['Message', error.message],
        ],
      ])
    }
  }
  return xmlResponse(['DeleteResult', results])
}

/** There are no versions; `null` is the id of the only one that there is. */
export function assertVersion(versionId: string | undefined): void {
  if (versionId === undefined || versionId === '' || versionId === 'null') return
  throw new S3Error('NotImplemented', 'local-cloud keeps no versions of objects.', [['VersionId', versionId]])
}

async function removeObject(call: S3Call, key: string, ifMatch: string | undefined): Promise<void> {
  const { bucket } = call
  const conditions = { ifMatch: call.circumstances.ignoreConditions ? undefined : ifMatch, ifNoneMatch: undefined }
  await bucket.remove(
    key,
    (current) => assertWrite(conditions, current, key),
    () => call.store.notify(bucket, 'ObjectRemoved:Delete', { key, size: 0, etag: '' }, call.cause),
  )
}

/** The call as a whole needs no permission, each of its keys does. Source: AWS, DeleteObjects, Permissions. */
function assertMayDelete(call: S3Call, key: string): void {
  const permission = { action: 's3:DeleteObject', resource: `arn:aws:s3:::${call.bucketName}/${key}` }
  if (!call.circumstances.permissions.allows(permission)) throw new S3Error('AccessDenied')
}
