/** What can be wrong with the documents of a repository. */
export type DocumentErrorCode =
  /** Not well-formed, or cut off. */
  | 'BROKEN_XML'
  /** Well-formed, but not what this document holds. */
  | 'UNEXPECTED_CONTENT'
  /** XML that may not be patched as bytes, and where a caller sees it, that a parser cannot rewrite either: see xml-doctype.ts. */
  | 'NOT_PATCHABLE'
  /** The compressed bytes cannot be read. */
  | 'BROKEN_COMPRESSION'
  /** A compression that nothing here can read. */
  | 'UNKNOWN_COMPRESSION'
  /** More bytes than a named bound allows. */
  | 'TOO_LARGE'
  /** repomd.xml names a document that is not in the store. */
  | 'MISSING'
  /** A document and the record that names it do not agree: digest or size. */
  | 'DIGEST_MISMATCH'
  /** The entries of filelists or other do not lie in the order of primary: they must be sorted first. */
  | 'OUT_OF_ORDER'
  /** The blocks of a document are not what its own table says: it must be read whole. */
  | 'BROKEN_TABLE'

/** A document that cannot be used as it is. The message says which part and where; the caller adds which repository. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
  readonly code: DocumentErrorCode

  constructor(code: DocumentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
