/**
 * The process around a program: its arguments, its output, its signals, its exit code.
 */
import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { type Command, CommanderError } from 'commander'
import type { Cli } from './cli.ts'
import { describeFailure, ExitCode } from './failure.ts'
import { Interrupted, Interruption } from './interruption.ts'
import { tellMisspeltVariables } from './misspelt-variables.ts'
import { Output } from './output.ts'

const programs = {
  repokeeper: async (cli: Cli, args: readonly string[]) =>
    (await import('./repokeeper.ts')).repokeeperProgram(cli, args),
  updatePackages: async (cli: Cli) => (await import('./update-packages.ts')).updatePackagesProgram(cli),
}

/** Runs a program on this process's arguments and ends the process. */
export async function main(name: keyof typeof programs): Promise<void> {
  const args = process.argv.slice(2)
  const interruption = new Interruption()
  const output = new Output(process.stdout, process.stderr)
  const cli: Cli = { output, interruption, environment: process.env, exitCode: ExitCode.done }
  interruption.watch()
  quietWarnings(output, cli.environment)
  const exitCode = await run(name, args, cli)
  await output.flush()
  interruption.unwatch()
  // A shell that runs a loop only stops it where Ctrl-C has ended the command itself.
  if (interruption.by !== undefined && exitCode !== ExitCode.done) await endBy(interruption.by)
  // Connections that are kept for later requests would keep the process as well.
  process.exit(exitCode === ExitCode.done ? process.exitCode : exitCode)
}

/** That a part of Node is experimental (node:sqlite in Node 22) is not for the person at the keyboard. */
function quietWarnings(output: Output, { REPOKEEPER_DEBUG }: Cli['environment']): void {
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => {
    if (name !== 'ExperimentalWarning' || REPOKEEPER_DEBUG) output.tell(`${name}: ${message}`)
  })
}

async function endBy(signal: NodeJS.Signals): Promise<void> {
  process.kill(process.pid, signal)
  await delay(100)
  // The first process of a container does not die of its own signals.
  process.exit(128 + constants.signals[signal])
}

async function run(name: keyof typeof programs, args: readonly string[], cli: Cli): Promise<number> {
  try {
    await tellMisspeltVariables(cli)
    const program: Command = await programs[name](cli, args)
    await program.parseAsync(args, { from: 'user' })
    return cli.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.wrongUse
    if (error instanceof Interrupted) {
      cli.output.tell(`${name}: ${error.message}`)
      return ExitCode.failed
    }
    const debug = ['1', 'true', 'yes'].includes(cli.environment.REPOKEEPER_DEBUG ?? '')
    const { exitCode, code, message, details } = describeFailure(error, debug)
    if (debug) cli.output.writeRaw('stderr', `${name}: ${message}\n`)
    else cli.output.tell(`${name}: ${message}`)
    for (const detail of details) cli.output.tell(`  ${detail}`)
    // Who reads the result by machine gets one in any case.
    if (exitCode !== ExitCode.wrongUse && args.includes('--json')) cli.output.printJson({ error: { code, message } })
    return exitCode
  }
}
