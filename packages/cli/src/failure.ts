/** What a process ends with. */
export const ExitCode = {
  done: 0,
  failed: 1,
  wrongUse: 2,
  /** `plan` only: bucket and metadata differ. The number is that of `dnf check-update`, so that it is neither success nor failure. */
  different: 100,
} as const

/** The command line asks for something that cannot be: exit code 2. The message says what, and what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'WRONG_USE'
  /** Where several things are wrong, each on a line. */
  readonly details: readonly string[]

  constructor(message: string, details: readonly string[] = []) {
    super(message)
    this.details = details
  }
}

/** The command cannot do what it was asked to: exit code 1. The message says what, which and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface Failure {
  readonly exitCode: number
  readonly code: string
  /** For people, without a stack. */
  readonly message: string
  readonly details: readonly string[]
}

/** Errors whose messages are written for the person at the keyboard, by name: to know their classes everything would have to be loaded. */
const forPeople: Readonly<Record<string, number>> = {
  UsageError: ExitCode.wrongUse,
  RootError: ExitCode.wrongUse,
  StoreUrlError: ExitCode.wrongUse,
  CommandError: ExitCode.failed,
  Interrupted: ExitCode.failed,
  StoreError: ExitCode.failed,
  RepositoryError: ExitCode.failed,
  DocumentError: ExitCode.failed,
  RpmError: ExitCode.failed,
  SigningError: ExitCode.failed,
  WorkerError: ExitCode.failed,
  QueueError: ExitCode.failed,
  WebError: ExitCode.failed,
  TransferError: ExitCode.failed,
  DoorError: ExitCode.failed,
}

/** What to say of a thrown value, and what to end with. With `debug` its stack and causes are in the message. */
export function describeFailure(thrown: unknown, debug: boolean): Failure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNEXPECTED'
  const exitCode = code === 'BAD_ENDPOINT' ? ExitCode.wrongUse : forPeople[error.name]
  const details = error instanceof UsageError ? error.details : []
  if (debug) return { exitCode: exitCode ?? ExitCode.failed, code, message: stackOf(error), details }
  if (exitCode !== undefined) return { exitCode, code, message: withRemedy(error), details }
  if ('syscall' in error) return { exitCode: ExitCode.failed, code, message: error.message, details }
  const message = `unexpected: ${error.message || error.name}; REPOKEEPER_DEBUG=1 shows where it happened`
  return { exitCode: ExitCode.failed, code, message, details }
}

/** A QueueError says what to do apart from what happened. */
function withRemedy(error: Error): string {
  const remedy = 'whatToDo' in error && typeof error.whatToDo === 'string' ? error.whatToDo : ''
  return `${error.message} ${remedy}`.trim()
}

const causesMax = 5

function stackOf(error: Error): string {
  const stacks: string[] = []
  for (let cause: unknown = error; cause instanceof Error && stacks.length < causesMax; cause = cause.cause) {
    stacks.push(cause.stack ?? String(cause))
  }
  return stacks.join('\ncaused by: ')
}
