export { discardBody, readBody } from './body.ts'
export { type ConditionProbe, probeConditions } from './condition-probe.ts'
export { copyByStreaming } from './copy-by-streaming.ts'
export { DirectoryStore, type DirectoryStoreOptions } from './directory.ts'
export { type Endpoint, type EndpointService, endpointProblem, findEndpoint, setEndpoint } from './endpoint.ts'
export { parseETag } from './etag.ts'
export { entryKey, type FolderEntry, type FolderStore } from './folder.ts'
export { compareKeys, keyProblem } from './key.ts'
export { makeDirectory } from './make-directory.ts'
export { MemoryStore, type MemoryStoreOptions } from './memory.ts'
export { openStore, parseStoreUrl, type StoreLocation, StoreUrlError } from './open.ts'
export * from './port.ts'
export { chooseRegion, setRegion } from './region.ts'
export { S3Store } from './s3.ts'
export { openS3Bucket, type S3Bucket } from './s3-bucket.ts'
export type { S3StoreOptions } from './s3-connection.ts'
export type {
  BucketNotifications,
  NotificationFilter,
  NotificationRule,
  NotificationsAdded,
  QueueNotification,
} from './s3-notifications.ts'
