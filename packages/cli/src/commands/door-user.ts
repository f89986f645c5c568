import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'

const examples = `
The entry goes to stdout, for the file of --users; the secret to stderr, and it is kept nowhere else. What the user may is yours to say:
verbs are read, write and delete, and a path is a directory with all below it.

Examples:
  $ repokeeper door-user ci --token >> users.yaml              # a token, for pipelines
  $ repokeeper door-user anna --path el9                       # a password that is made
  $ repokeeper door-user anna --password-stdin < password      # one that is chosen

users.yaml begins with a line "users:". Servers read it anew on SIGHUP.
`

export function defineDoorUser(program: Command, cli: Cli): void {
  const command = program
    .command('door-user')
    .description('Make an entry for the file of users of serve and gateway.')
    .argument('<NAME>', 'of the user')
    .option('--token', 'a token instead of a password')
    .option('--password-stdin', 'the password is the first line of stdin')
    .option('--path <dir>', 'where the user may read, write and delete (default: everywhere)')
    .addHelpText('after', examples)
    .action(async (name: string) => {
      const { makeDoorUser } = await import('../make-door-user.ts')
      await makeDoorUser(name, Values.parse(command.optsWithGlobals()), cli)
    })
}

const Values = z.object({
  token: z.boolean().default(false),
  passwordStdin: z.boolean().default(false),
  path: z.string().default(''),
})
