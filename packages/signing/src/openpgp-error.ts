/**
 * Bytes that are no OpenPGP that is read here. Never leaves this workspace: a verdict or a SigningError says it to people.
 */
export class OpenPgpError extends Error {
  override readonly name = 'OpenPgpError'
  /** MALFORMED: nobody could read it. UNSUPPORTED: it may be right, and nothing here knows what it means. */
  readonly code: 'MALFORMED' | 'UNSUPPORTED'

  constructor(code: 'MALFORMED' | 'UNSUPPORTED', message: string) {
    super(message)
    this.code = code
  }
}
