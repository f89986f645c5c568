export type SigningErrorCode =
  /** A file that should hold keys cannot be read, or holds none. */
  | 'BAD_KEYRING'
  /** What should be a private key is none, or more than one. */
  | 'BAD_KEY'
  /** The passphrase is missing, or another one. */
  | 'BAD_PASSPHRASE'
  /** The key is one that clients cannot verify with, or must not: of another kind, too short, expired, revoked. */
  | 'UNUSABLE_KEY'
  /** Others can read the file of the key or of its passphrase. */
  | 'READABLE_BY_OTHERS'
  /** No signature came of it: the program failed or took too long, or what it printed is none of these bytes that clients take. */
  | 'SIGNING_FAILED'

/** Signing or the keyring is not set up as it has to be. The message says what, which and what to do; it never holds a key. */
export class SigningError extends Error {
  override readonly name = 'SigningError'
  readonly code: SigningErrorCode

  constructor(code: SigningErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
