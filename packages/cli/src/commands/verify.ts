import { parseDuration } from '@repokeeper/worker/duration'
import { type Command, InvalidArgumentError } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { gather } from '../repeated-option.ts'

const examples = `
As a client does it that knows an address and a key: the signature of repomd.xml, the size and digest of every document, compressed and
uncompressed, and with --packages those of every package, and their signatures. Nothing that a server says is believed, and nothing
of it is kept in memory. Without --key signatures are "unchecked", which is not right and not wrong.

Exit codes: 0 where nothing is wrong, 1 where something is, or it failed, 2 for wrong use.

Examples:
  $ repokeeper verify https://packages.example.org/el9/x86_64/ --key signing-key.pub.asc
  $ repokeeper verify s3://my-bucket/el9/x86_64 --key repository.asc --key packagers.asc --packages
  $ repokeeper verify ./repo --packages --json | jq '.findings[] | select(.verdict == "wrong")'

What the bucket holds beside the metadata is what "repokeeper audit" looks at.
`

export function defineVerify(program: Command, cli: Cli): void {
  const command = program
    .command('verify')
    .description('Check a repository as an outsider: signature, digests and sizes, over the web too.')
    .argument('<REPO>', 'http:// or https:// URL, s3://BUCKET/PATH or a directory')
    .option('--key <file>', 'public keys to check signatures with; may be given several times', gather)
    .option('--packages', 'read every package: size, digest, and with --key its signature')
    .option('--allow-unsigned', 'packages without a signature are right: for clients with gpgcheck=0')
    .option('--concurrency <count>', 'packages at the same time', readCount, 4)
    .option('--timeout <time>', 'how long a web server may say nothing (default: 30s)', readTime)
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const { verifyRepository } = await import('../verify-repository.ts')
      const connection = readConnection(values, cli.environment)
      cli.exitCode = await verifyRepository(repo, Options.parse(values), connection, cli)
    })
}

const Options = z
  .object({
    key: z.array(z.string().min(1)).default([]),
    packages: z.boolean().default(false),
    allowUnsigned: z.boolean().default(false),
    concurrency: z.number(),
    timeout: z.number().default(30_000),
    json: z.boolean().default(false),
  })
  .transform(({ key, timeout, ...options }) => ({ ...options, keys: key, silenceMs: timeout }))

function readCount(text: string): number {
  const value = /^[0-9]{1,3}$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1 && value <= 64) return value
  throw new InvalidArgumentError('Expected a whole number from 1 to 64.')
}

function readTime(text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined && milliseconds >= 1_000 && milliseconds <= 3_600_000) return milliseconds
  throw new InvalidArgumentError('Expected a time such as 30s or 2m, from 1s to an hour.')
}
