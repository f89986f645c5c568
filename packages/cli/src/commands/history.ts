import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'

const examples = `
The workers of a queue remember their last 60 runs, the last 60 messages that nobody could read, and which repositories they were given
at their last start, in the cache directory of their machine, also when they are restarted. Ask as the user whose workers they are,
with the same --cache-dir; only files are read.

Examples:
  $ repokeeper history
  $ repokeeper history -q repo-additions
  $ repokeeper history --json | jq '.runs[].refusals[]'
  $ sudo -u repokeeper repokeeper history --cache-dir /var/cache/repokeeper
`

export function defineHistory(program: Command, cli: Cli): void {
  const command = program
    .command('history')
    .description('Print what the workers of this machine did last, and what they refused and why.')
    .option('-q, --queue <queue>', 'only the workers of this queue: its name or URL')
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples)
    .action(async () => {
      const values = command.optsWithGlobals()
      const { cache } = readConnection(values, cli.environment)
      const { showHistory } = await import('../show-history.ts')
      cli.exitCode = await showHistory(cache.directory, Options.parse(values), cli)
    })
}

const Options = z.object({ json: z.boolean().default(false), queue: z.string().optional() })
