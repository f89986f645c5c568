import type { Interruption } from './interruption.ts'
import type { Output } from './output.ts'

/** What every command gets from the process around it, and where it leaves its exit code. */
export interface Cli {
  readonly output: Output
  readonly interruption: Interruption
  readonly environment: Readonly<Record<string, string | undefined>>
  exitCode: number
}
