import { z } from 'zod'
import { checksumSchema } from './checksums.ts'

/** Headers that S3 keeps with an object and gives back with it. */
export const keptHeaders = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
] as const

/** What is known of an object without its bytes; on disk as JSON. */
export const objectRecordSchema = z.object({
  key: z.string(),
  /** The file that holds the bytes. Its content never changes: another content is another file. */
  blob: z.string(),
  /** Bytes. */
  size: z.int().min(0),
  /** In quotes: the MD5 in hex; of a multipart upload `md5-N`. */
  etag: z.string(),
  /** Milliseconds since the epoch. */
  lastModified: z.int(),
  headers: z.record(z.string(), z.string()),
  /** Without `x-amz-meta-`. */
  userMetadata: z.record(z.string(), z.string()),
  checksum: checksumSchema,
  /** Bytes of each part of a multipart upload. */
  partSizes: z.array(z.int()).optional(),
})
export type ObjectRecord = z.output<typeof objectRecordSchema>
