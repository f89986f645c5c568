/** The command around the kill test: its options, and its figures as text. */
import { parseArgs } from 'node:util'
import { missingClients } from '../fixtures/clients.ts'
import { type KillTestFigures, killTest } from './killing/kill-test.ts'

const usage = `scripts/kill-test [--minutes N] [--seed N]

Two workers for additions and two for removals are killed (SIGKILL) at random moments and started again, at a local S3 and SQS that
answer 503, are slow, break connections, lose answers and deliver messages twice and in any order. Meanwhile packages are uploaded,
replaced and deleted in two repositories, superseded metadata is cleaned up, and clients read: one every document of every
generation, one is dnf with an empty cache. In the end the metadata is compared with what createrepo_c says of the bucket.

  --minutes N   how long (default 3)
  --seed N      of what is changed, killed and made to fail (default: any)
`

// What was started ends with this process.
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (typeof options === 'number') return options
  const missing = missingClients(['createrepo_c', 'dnf'])
  if (missing.length > 0) {
    process.stderr.write(`not on this machine: ${missing.join(', ')}\n`)
    return 2
  }
  const { minutes, seed } = options
  process.stdout.write(`for ${minutes} minutes, with --seed ${seed}\n`)
  const figures = await killTest({ seconds: minutes * 60, seed })
  for (const [what, value] of describe(figures)) process.stdout.write(`${what.padEnd(52)} ${value}\n`)
  for (const failure of figures.failures) process.stdout.write(`✗ ${failure}\n`)
  return figures.failures.length === 0 ? 0 : 1
}

function describe({
  load,
  events,
  fleet,
  readers,
  cleanUps,
  packages,
  lost,
}: KillTestFigures): [string, string | number][] {
  const { uploads, replacements, deletions } = load
  return [
    ['events', `${events} (${uploads} uploads, ${replacements} replacements, ${deletions} deletions)`],
    ['deliveries', fleet.deliveries],
    ['workers killed', fleet.kills],
    ['publishes', fleet.publishes],
    ['publishes lost to another worker, and done again', fleet.conflicts],
    ['clean-ups', `${cleanUps.runs} (${cleanUps.deleted} objects deleted), and ${cleanUps.kills} killed`],
    [
      'generations read by the clients',
      `${readers.generations.size} (${readers.reads} times, ${readers.documents} documents)`,
    ],
    ['dnf, with an empty cache each time', readers.dnfRuns],
    ['packages in the bucket at the end', packages],
    ['lost', lost],
  ]
}

function readOptions(): { minutes: number; seed: number } | number {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '3' },
        seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(usage)
      return 0
    }
    const minutes = Number(values.minutes)
    const seed = Number(values.seed)
    if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error(`--minutes ${values.minutes}: more than 0, at most a day`)
    if (!Number.isSafeInteger(seed)) throw new Error(`--seed ${values.seed}: a whole number`)
    return { minutes, seed }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
}
