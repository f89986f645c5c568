import type { NotificationConfiguration, ObjectEvent } from './notification-configuration.ts'

/** What happened to an object. */
export interface ObjectChange {
  readonly event: ObjectEvent
  readonly bucket: string
  readonly region: string
  readonly key: string
  /** Of what was created; nothing is said of what was removed. */
  readonly created?: { readonly size: number; readonly etag: string }
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly sequencer: string
  readonly requestId: string
  readonly sourceIpAddress: string
}

/** Source: AWS, "Event message structure". */
export function formatNotification(change: ObjectChange, configuration: NotificationConfiguration[number]): string {
  const { created } = change
  return JSON.stringify({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: change.region,
        eventTime: new Date(change.at).toISOString(),
        eventName: change.event,
        userIdentity: { principalId: 'AWS:LOCALCLOUD' },
        requestParameters: { sourceIPAddress: change.sourceIpAddress },
        responseElements: { 'x-amz-request-id': change.requestId, 'x-amz-id-2': 'local-cloud' },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: configuration.id,
          bucket: {
            name: change.bucket,
            ownerIdentity: { principalId: 'LOCALCLOUD' },
            arn: `arn:aws:s3:::${change.bucket}`,
          },
          object: {
            key: encodeNotificationKey(change.key),
            ...(created && { size: created.size, eTag: created.etag.replaceAll('"', '') }),
            sequencer: change.sequencer,
          },
        },
      },
    ],
  })
}

/** Sent when a configuration is put. Source: AWS, "Event message structure", the s3:TestEvent. */
export function formatTestEvent(bucket: string, at: number, requestId: string): string {
  return JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: new Date(at).toISOString(),
    Bucket: bucket,
    RequestId: requestId,
    HostId: 'local-cloud',
  })
}

/**
 * "The key is URL-encoded": as java.net.URLEncoder does, a space is `+`, a plus `%2B`; the slash stays as it is.
 */
export function encodeNotificationKey(key: string): string {
  return encodeURIComponent(key)
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/')
    .replaceAll('%20', '+')
}

/** Grows with every change, through a restart too; of one length, so that comparing the texts compares the changes. */
export function createSequencer(): (at: number) => string {
  let last = 0n
  return (at) => {
    const earliest = BigInt(at) << 16n
    last = last < earliest ? earliest : last + 1n
    return last.toString(16).toUpperCase().padStart(16, '0')
  }
}
