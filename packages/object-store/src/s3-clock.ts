import { StoreError } from './port.ts'
import { abortable, type S3Connection } from './s3-connection.ts'
import { readFault, s3Error } from './s3-fault.ts'

/**
 * The server's clock: the `Date` of its answer to a HEAD, in whole seconds (RFC 9110, 6.6.1). Whether the object is there or may
 * be read is all the same: 404 and 403 say the time as well, so that no more than the right to read is needed, and not even that.
 */
export async function readS3Clock(
  connection: S3Connection,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Date> {
  const { sdk, client, bucket, store } = connection
  const command = new sdk.HeadObjectCommand({ Bucket: bucket, Key: key })
  let date: string | undefined
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      date = dateHeader(result.response)
      return result
    },
    // `low`: between the SDK's own deserializer, which throws on a 404, and the network.
    { step: 'deserialize', priority: 'low', name: 'readDate' },
  )
  try {
    await client.send(command, abortable(signal))
  } catch (thrown) {
    const fault = readFault(thrown, signal)
    if (fault.status !== 404 && fault.status !== 403) throw s3Error(connection, fault, 'cannot read the head of', key)
  }
  const milliseconds = Date.parse(date ?? '')
  if (!Number.isNaN(milliseconds)) return new Date(milliseconds)
  const said = date === undefined ? 'no Date' : `the Date ${JSON.stringify(date)}`
  throw new StoreError('FAILED', `${store}: the server's answer gives ${said}: it does not say what time it is`, {
    store,
  })
}

function dateHeader(response: unknown): string | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined
  const { headers } = response
  if (typeof headers !== 'object' || headers === null || !('date' in headers)) return undefined
  return typeof headers.date === 'string' ? headers.date : undefined
}
