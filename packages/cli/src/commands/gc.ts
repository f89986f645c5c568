import { parseDuration } from '@repokeeper/worker/duration'
import { type Command, InvalidArgumentError, Option } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'

const examples = `
Each publish leaves the documents of the generation before it where they are, for clients that have its repomd.xml still. This
deletes those that no repomd.xml has named for the time of retention, by the clock of the store: that of this machine does not
matter. What repomd.xml names always stays, and so does what others put there and no repomd.xml ever named.

Examples:
  $ repokeeper gc s3://my-bucket/el9/x86_64 --dry-run
  $ repokeeper gc s3://my-bucket/el9/x86_64 --retention 7d
  $ repokeeper gc ./repo --keep-generations 3
  $ repokeeper gc s3://my-bucket/el9/x86_64 --dry-run --json | jq .delete

Workers may go on meanwhile. A retention of 0 takes away what clients may be fetching now: they fail then, until they read
repomd.xml again. It has its place in tests, and where nobody is listening.
`

export function defineGc(program: Command, cli: Cli): void {
  const retention = new Option('--retention <time>', 'how long they outlive being superseded: 30m, 24h, 7d')
  const command = program
    .command('gc')
    .description('Delete documents of metadata that was superseded long enough ago.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .option('-n, --dry-run', 'say what would be deleted, change nothing')
    .addOption(retention.argParser(readDuration).default(readDuration('24h'), '24h'))
    .option('--keep-generations <count>', 'keep so many of the newest whole, the current one among them', readCount, 1)
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const options = Options.parse(values)
      const [{ withRepository }, { collect }] = await Promise.all([import('../open-repository.ts'), import('../gc.ts')])
      cli.exitCode = await withRepository(repo, readConnection(values, cli.environment), cli, (repository) =>
        collect(repository, options, cli),
      )
    })
}

const Options = z
  .object({
    json: z.boolean().default(false),
    dryRun: z.boolean().default(false),
    retention: z.number(),
    keepGenerations: z.number(),
  })
  .transform(({ retention, ...options }) => ({ ...options, retentionMs: retention }))

function readDuration(text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined) return milliseconds
  throw new InvalidArgumentError('Expected a time such as 30m, 24h or 7d, ten years at most.')
}

function readCount(text: string): number {
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1) return value
  throw new InvalidArgumentError('Expected a whole number from 1 to 999999.')
}
