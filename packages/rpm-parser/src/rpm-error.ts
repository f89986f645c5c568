/** What is wrong with the bytes. */
export type RpmErrorCode =
  /** The first four bytes are not those of an RPM. */
  | 'NOT_AN_RPM'
  /** The bytes end before the headers do. */
  | 'TRUNCATED'
  /** Where a header must start, something else does. */
  | 'BAD_MAGIC'
  /** A header is larger than a limit allows. */
  | 'LIMIT_EXCEEDED'
  /** The first entry of a header, or its copy behind the data, is not what a region needs. */
  | 'BAD_REGION'
  /** An entry of the index has a tag, type, count or place that cannot be. */
  | 'BAD_ENTRY'
  /** The entries leave bytes of the data area unused. */
  | 'BAD_LAYOUT'
  /** A tag of the signature header has the wrong type or count, or stands in the main header, too. */
  | 'BAD_SIGNATURE_TAG'
  /** A tag that every package has is absent. */
  | 'MISSING_TAG'

/** The bytes are not a readable RPM. The message says which header, which tag, where, and what was found. */
export class RpmError extends Error {
  override readonly name = 'RpmError'
  readonly code: RpmErrorCode
  /** Where in the file, in bytes from its start, as far as one place is to blame. */
  readonly offset: number | undefined

  constructor(code: RpmErrorCode, message: string, offset?: number) {
    super(message)
    this.code = code
    this.offset = offset
  }
}
