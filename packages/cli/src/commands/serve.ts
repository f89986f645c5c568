import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { defineDoorOptions, readDoorFlags } from '../door-options.ts'
import { UsageError } from '../failure.ts'

const examples = `
Examples:
  $ repokeeper serve /srv/rpm
  $ repokeeper serve /srv/rpm --http 0.0.0.0:8080
`

export function defineServe(program: Command, cli: Cli): void {
  const command = program
    .command('serve')
    .description('Show a folder over HTTP.')
    .argument('<DIR>', 'folder with packages')
  defineDoorOptions(command)
    .addHelpText('after', examples)
    .action(async (directory: string) => {
      const values = command.optsWithGlobals()
      const flags = readDoorFlags(values)
      if (/^[a-z0-9]+:\/\//i.test(directory) && !directory.startsWith('file:')) {
        throw new UsageError(
          `${directory} is no folder of this machine: "repokeeper gateway ${directory}" shows a bucket`,
        )
      }
      const { serveFolder } = await import('../serve-folder.ts')
      cli.exitCode = await serveFolder(directory, flags, readConnection(values, cli.environment), cli)
    })
}
