/** The door cannot be opened, or the folder behind it not be watched; the message says why, and what to do. */
export class DoorError extends Error {
  override readonly name = 'DoorError'
  readonly code: 'CANNOT_LISTEN' | 'CANNOT_WATCH' | 'BAD_CERTIFICATE' | 'BAD_USERS'

  constructor(code: DoorError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
