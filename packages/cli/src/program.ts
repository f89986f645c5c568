import { Command } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import type { Cli } from './cli.ts'

/** What both programs have in common: version, help, output and what wrong use looks like. */
export function createProgram(name: string, { output }: Cli): Command {
  return new Command(name)
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({
      showGlobalOptions: true,
      sortSubcommands: false,
      // Where a command has a usage of its own, it knows better than the list of its arguments.
      subcommandTerm: (command) => `${command.name()} ${command.usage()}`,
    })
    .configureOutput({
      writeOut: (text) => output.writeRaw('stdout', text),
      writeErr: (text) => output.writeRaw('stderr', text),
      outputError: (text, write) => write(text.replace(/^error: /, `${name}: `)),
    })
    .showHelpAfterError(`(--help says how to use it)`)
    .exitOverride()
}
