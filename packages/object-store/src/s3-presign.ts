import { StoreError } from './port.ts'
import type { S3Connection } from './s3-connection.ts'

/** A URL by which anybody may GET one object until it expires, or the credentials do that signed it. Asks no server. */
export async function presignGet(connection: S3Connection, key: string, expiresSeconds: number): Promise<string> {
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
  const { sdk, client, bucket, store } = connection
  try {
    return await getSignedUrl(client, new sdk.GetObjectCommand({ Bucket: bucket, Key: key }), {
      expiresIn: expiresSeconds,
    })
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    throw new StoreError('FAILED', `${store}: cannot sign a URL for ${key}: ${words}`, { store, key }, { cause })
  }
}
