import { type Command, InvalidArgumentError } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { type Connection, readConnection } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { gather } from '../repeated-option.ts'

const guide = `
A message ends here after the worker could not use it several times: its object is no whole RPM package, or not signed as the
policy wants it, or nobody can read the message. The log of the worker, and "repokeeper history", say why.
`

const looking = `
SQS has no look without a receive: each look, that of a list too, counts up how often a message was received. Nobody else sees the
messages meanwhile. They are given back at the end; after a kill they come back by themselves, within ten minutes, and after a list of
few within one. A queue with a dead-letter queue of its own is not looked at, since that could move messages there.
`

const examples: Readonly<Record<Action, readonly string[]>> = {
  list: [
    '$ repokeeper dead-letters list -q repo-dead-letters',
    "$ repokeeper dead-letters list -q repo-dead-letters --json | jq -r '.messages[].keys[]'",
  ],
  retry: [
    '$ repokeeper dead-letters retry -q repo-dead-letters                      # each to the queue that it came from',
    "$ repokeeper dead-letters retry -q repo-dead-letters --key 'foo-*.rpm' --to repo-additions",
  ],
  drop: [
    "$ repokeeper dead-letters drop -q repo-dead-letters --key 'el9/*/broken.rpm'         # asks before it deletes",
    "$ repokeeper dead-letters drop -q repo-dead-letters --key 'el9/*/broken.rpm' --yes   # does not: for scripts",
    '$ repokeeper dead-letters drop -q repo-dead-letters --all --yes',
  ],
}

function examplesText(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`
}

export function defineDeadLetters(program: Command, cli: Cli): void {
  const group = program
    .command('dead-letters')
    .description('Look at the messages that no worker could use; send them back, or delete them.')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', `${guide}${looking}${examplesText(Object.values(examples).flat())}`)
  defineAction(group, 'list', 'Show the messages: their keys, since when, how often received.', cli)
  defineAction(group, 'retry', 'Send the messages back to the queues that they came from.', cli).option(
    '--to <queue>',
    'send them to this queue, wherever they came from',
  )
  defineAction(group, 'drop', 'Delete the messages. What they tell of is forgotten; an audit finds it.', cli)
    .option('--all', 'every message')
    .option('-y, --yes', 'do not ask; needed where there is nobody to ask')
}

type Action = 'list' | 'retry' | 'drop'

function defineAction(group: Command, action: Action, description: string, cli: Cli): Command {
  const command = group.command(action).description(description)
  return command
    .requiredOption('-q, --queue <queue>', 'the dead-letter queue: its name, URL or ARN')
    .option(
      '--key <pattern>',
      'only messages of such keys: a file name, or with a slash a whole key (* ? [...])',
      gather,
    )
    .option('--max <count>', 'look at so many messages at most', readCount, 1_000)
    .option('--json', 'report as one JSON document')
    .addHelpText('after', `${looking}${examplesText(examples[action])}`)
    .action(async () => {
      const values = command.optsWithGlobals()
      cli.exitCode = await run(action, Options.parse(values), readConnection(values, cli.environment), cli)
    })
}

async function run(
  action: Action,
  options: z.infer<typeof Options>,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const { all, key } = options
  if (action === 'drop' && all === key.length > 0) {
    throw new UsageError(
      all ? '--all and --key say different things' : 'say which messages are to go: --key PATTERN, or --all of them',
    )
  }
  const { goThroughDeadLetters } = await import('../go-through-dead-letters.ts')
  return await goThroughDeadLetters(action, { ...options, keys: key }, connection, cli)
}

const Options = z.object({
  queue: z.string().min(1),
  key: z.array(z.string()).default([]),
  max: z.number(),
  to: z.string().min(1).optional(),
  all: z.boolean().default(false),
  yes: z.boolean().default(false),
  json: z.boolean().default(false),
})

function readCount(text: string): number {
  const value = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1 && value <= 10_000) return value
  throw new InvalidArgumentError('Expected a whole number from 1 to 10000.')
}
