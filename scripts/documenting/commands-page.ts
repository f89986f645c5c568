/**
 * What each command says of itself with --help, as one page.
 */
import { Writable } from 'node:stream'
import type { Command } from 'commander'
import type { Cli } from '../../packages/cli/src/cli.ts'
import { ExitCode } from '../../packages/cli/src/failure.ts'
import { Interruption } from '../../packages/cli/src/interruption.ts'
import { Output } from '../../packages/cli/src/output.ts'
import { repokeeperProgram } from '../../packages/cli/src/repokeeper.ts'
import { updatePackagesProgram } from '../../packages/cli/src/update-packages.ts'
import { madeBy } from './generated-pages.ts'

/** Columns of a page that is not as wide as any terminal. */
const helpWidth = 110

export async function commandsPage(): Promise<string> {
  const printed = new Printed()
  const cli: Cli = {
    output: new Output(printed, printed),
    interruption: new Interruption(),
    environment: {},
    exitCode: ExitCode.done,
  }
  const repokeeper = await repokeeperProgram(cli, ['worker'])
  const updatePackages = updatePackagesProgram(cli)
  const sections = [
    section('repokeeper', repokeeper, printed),
    ...repokeeper.commands
      .filter((command) => command.name() !== 'help')
      .map((command) => section(`repokeeper ${command.name()}`, command, printed)),
    section('updatePackages', updatePackages, printed),
  ]
  return `${madeBy}\n\n# Commands\n\nWhat \`--help\` says of each. The worker's options have [a page of their own](worker-options.md).\n\n${sections.join('\n')}`
}

function section(title: string, command: Command, printed: Printed): string {
  command.configureHelp({ helpWidth })
  command.outputHelp()
  return `## ${title}\n\n\`\`\`\n${printed.take().trim()}\n\`\`\`\n`
}

class Printed extends Writable {
  #text = ''

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#text += chunk.toString()
    done()
  }

  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }
}
