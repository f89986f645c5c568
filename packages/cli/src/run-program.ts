/**
 * A program from its arguments to its exit code. What is of the process it runs in stands in `main.ts`.
 */
import { type Command, CommanderError } from 'commander'
import type { Cli } from './cli.ts'
import { describeFailure, ExitCode } from './failure.ts'
import { Interrupted } from './interruption.ts'
import { tellMisspeltVariables } from './misspelt-variables.ts'

const programs = {
  repokeeper: async (cli: Cli, args: readonly string[]) =>
    (await import('./repokeeper.ts')).repokeeperProgram(cli, args),
  updatePackages: async (cli: Cli) => (await import('./update-packages.ts')).updatePackagesProgram(cli),
}

export type ProgramName = keyof typeof programs

/** Never throws: what goes wrong is told, and is in the exit code. */
export async function runProgram(name: ProgramName, args: readonly string[], cli: Cli): Promise<number> {
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
