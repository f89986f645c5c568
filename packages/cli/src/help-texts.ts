/**
 * What each program and each command says of itself with --help, for a page that has it all.
 */
import { Writable } from 'node:stream'
import type { Command } from 'commander'
import type { Cli } from './cli.ts'
import { ExitCode } from './failure.ts'
import { Interruption } from './interruption.ts'
import { Output } from './output.ts'
import { repokeeperProgram } from './repokeeper.ts'
import { updatePackagesProgram } from './update-packages.ts'

export interface HelpText {
  /** `repokeeper add` */
  readonly command: string
  readonly text: string
}

/** @param width in columns */
export async function helpTexts(width: number): Promise<HelpText[]> {
  const printed = new Printed()
  const cli: Cli = {
    output: new Output(printed, printed),
    interruption: new Interruption(),
    environment: {},
    exitCode: ExitCode.done,
  }
  const helpOf = (name: string, command: Command): HelpText[] => {
    command.configureHelp({ ...command.configureHelp(), helpWidth: width }).outputHelp()
    const own = { command: name, text: printed.take().trim() }
    const below = command.commands.filter((one) => one.name() !== 'help')
    return [own, ...below.flatMap((one) => helpOf(`${name} ${one.name()}`, one))]
  }
  const repokeeper = await repokeeperProgram(cli, ['worker'])
  return [...helpOf('repokeeper', repokeeper), ...helpOf('updatePackages', updatePackagesProgram(cli))]
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
