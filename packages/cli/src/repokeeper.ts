/**
 * The program `repokeeper`: a command a file, each of which loads what it works with only when it is run.
 */
import type { Command } from 'commander'
import type { Cli } from './cli.ts'
import { defineAdd } from './commands/add.ts'
import { defineAdopt } from './commands/adopt.ts'
import { defineAudit } from './commands/audit.ts'
import { defineCompletion } from './commands/completion.ts'
import { defineCopy } from './commands/copy.ts'
import { defineDeadLetters } from './commands/dead-letters.ts'
import { defineDoctor } from './commands/doctor.ts'
import { defineDoorUser } from './commands/door-user.ts'
import { defineGateway } from './commands/gateway.ts'
import { defineGc } from './commands/gc.ts'
import { defineGenerations } from './commands/generations.ts'
import { defineHistory } from './commands/history.ts'
import { defineInit } from './commands/init.ts'
import { defineKey } from './commands/key.ts'
import { defineList } from './commands/list.ts'
import { defineMirror } from './commands/mirror.ts'
import { definePlan } from './commands/plan.ts'
import { definePromote } from './commands/promote.ts'
import { definePrune } from './commands/prune.ts'
import { definePull } from './commands/pull.ts'
import { defineRebuild } from './commands/rebuild.ts'
import { defineRemove } from './commands/remove.ts'
import { defineRollback } from './commands/rollback.ts'
import { defineServe } from './commands/serve.ts'
import { defineSite } from './commands/site.ts'
import { defineSnapshot } from './commands/snapshot.ts'
import { defineStatus } from './commands/status.ts'
import { defineVerify } from './commands/verify.ts'
import { defineWorker } from './commands/worker.ts'
import { defineConnectionOptions } from './connection.ts'
import { createProgram } from './program.ts'

const guide = `
REPO is s3://BUCKET/PATH or a directory. Credentials, region and endpoint are found as the aws command finds them.

Exit codes: 0 done, 1 it failed, 2 wrong use. REPOKEEPER_DEBUG=1 shows where an error happened.

Examples:
  $ repokeeper add s3://my-bucket/el9/x86_64 dist/*.rpm --wait
  $ repokeeper remove s3://my-bucket/el9/x86_64 foo-1.0-1.x86_64
  $ repokeeper plan s3://my-bucket/el9/x86_64
  $ repokeeper worker -q repo-additions
`

/** @param args the command line */
export async function repokeeperProgram(cli: Cli, args: readonly string[]): Promise<Command> {
  const program = createProgram('repokeeper', cli).description(
    'Keeps an RPM repository in S3: upload a package, install it seconds later.',
  )
  defineConnectionOptions(program)
  program.commandsGroup('Commands:')
  defineInit(program, cli)
  defineDoctor(program, cli)
  defineAdd(program, cli)
  defineRemove(program, cli)
  definePromote(program, cli)
  defineList(program, cli)
  defineStatus(program, cli)
  definePlan(program, cli)
  definePrune(program, cli)
  defineRebuild(program, cli)
  defineAdopt(program, cli)
  defineAudit(program, cli)
  defineVerify(program, cli)
  defineGc(program, cli)
  defineGenerations(program, cli)
  defineRollback(program, cli)
  defineSnapshot(program, cli)
  definePull(program, cli)
  defineCopy(program, cli)
  defineMirror(program, cli)
  defineServe(program, cli)
  defineGateway(program, cli)
  defineDoorUser(program, cli)
  defineSite(program, cli)
  defineKey(program, cli)
  await defineWorker(program, cli, args)
  defineHistory(program, cli)
  defineDeadLetters(program, cli)
  defineCompletion(program, cli, () => repokeeperProgram(cli, ['worker']))
  return program.helpCommand('help [command]', 'print the help of a command').addHelpText('after', guide)
}
