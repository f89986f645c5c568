import type { Subject } from './faults.ts'
import type { Request, Response } from './http.ts'
import type { Permission, Permissions } from './permissions.ts'

/** What the door lets an operation know of its caller and of the faults that struck it. */
export interface Circumstances {
  readonly requestId: string
  readonly permissions: Permissions
  /** Act as a store without conditional writes. */
  readonly ignoreConditions: boolean
  /** Act as a queue that hands out a message and doesn't hide it. */
  readonly forgetVisibility: boolean
}

/** A request that was understood, before anything has happened. */
export interface Invocation {
  readonly subject: Subject
  /** All of them are needed; where the operation looks after them itself, none. */
  readonly permissions: readonly Permission[]
  run(circumstances: Circumstances): Promise<Response>
  /** The service's own form of an error. */
  formatError(error: { status: number; code: string; message: string }, requestId: string): Response
}

export interface Service {
  /** Never throws for what a client sent: a request that is no operation becomes an invocation that answers with its error. */
  understand(request: Request): Promise<Invocation>
}
