/**
 * The process around a program: its arguments, its output, its signals, its exit code.
 */
import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cli } from './cli.ts'
import { ExitCode } from './failure.ts'
import { Interruption } from './interruption.ts'
import { Output } from './output.ts'
import { type ProgramName, runProgram } from './run-program.ts'
import { tellWarnings } from './tell-warnings.ts'

/** Runs a program on this process's arguments and ends the process. */
export async function main(name: ProgramName): Promise<void> {
  const args = process.argv.slice(2)
  const interruption = new Interruption()
  const output = new Output(process.stdout, process.stderr)
  const cli: Cli = { output, interruption, environment: process.env, exitCode: ExitCode.done }
  interruption.watch()
  tellWarnings(output, cli.environment)
  const exitCode = await runProgram(name, args, cli)
  await output.flush()
  interruption.unwatch()
  // A shell that runs a loop only stops it where Ctrl-C has ended the command itself.
  if (interruption.by !== undefined && exitCode !== ExitCode.done) await endBy(interruption.by)
  // Connections that are kept for later requests would keep the process as well.
  process.exit(exitCode === ExitCode.done ? process.exitCode : exitCode)
}

async function endBy(signal: NodeJS.Signals): Promise<void> {
  process.kill(process.pid, signal)
  await delay(100)
  // The first process of a container does not die of its own signals.
  process.exit(128 + constants.signals[signal])
}
