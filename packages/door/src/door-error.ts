/** The door cannot be opened; the message says why, and what to do. */
export class DoorError extends Error {
  override readonly name = 'DoorError'
  readonly code: 'CANNOT_LISTEN' | 'BAD_CERTIFICATE' | 'BAD_USERS'

  constructor(code: DoorError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
