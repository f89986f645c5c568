/**
 * What a person asks of the bench.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkout } from '../../fixtures/cloud-process.ts'
import { versionOf } from './createrepo.ts'
import { type ClientName, clientNames } from './upload-clients.ts'

export const usage = `scripts/bench [--packages 1000,10000,60000] [--changes 1,100,1000] [--rounds N] [--peers] [--json FILE] [--svg FILE]
scripts/bench --uploads 1,10,50 [--client dnf|reader] [--seconds N] [--packages 1000] [--windows 2,20] [--latency MS] [--json FILE]
scripts/bench --part-copy [--packages 60000] [--rounds N] [--latency MS] [--json FILE]
scripts/bench --import 10000 [--json FILE]

What a change costs in repositories of so many packages: ours warm (a process that lives) and cold (repokeeper add, start-up
included), with a directory and with S3 and SQS on this machine, beside createrepo_c, in turns. Of every run it is checked that
what is published lists what it should. Prints medians, ratios, peak memory, requests and bytes, and which targets are reached.

  --packages LIST   sizes of the repositories (default 1000,10000,60000); of --uploads the sizes to begin with (default 1000)
  --changes LIST    packages that a change adds; of more than one, half are removed (default 1,100,1000)
  --rounds N        each of them so often (default 5)
  --peers           mergerepo_c as well, and the metadata made from the packages alone: createrepo_c and repokeeper rebuild
  --uploads LIST    time from the end of an upload until a client sees it, at so many uploads a second, with two workers
  --client NAME     dnf: runs of dnf, one after the other, and the end of the first that lists the package; reader: one that reads
                    repomd.xml and primary and does nothing else (default dnf, where it is installed)
  --seconds N       for so long (default 60)
  --windows Q,L     the workers' batches close after Q quiet seconds, or L at the latest (default 2,20, the worker's own)
  --latency MS      added to S3's answers to the workers (default 15)
  --part-copy       the upload of documents after one change, sent whole and with what is unchanged copied by S3 (UploadPartCopy)
  --import N        a first import of so many packages by one worker
  --json FILE       every figure of every round
  --svg FILE        one change against the number of packages, drawn
  --cache DIR       where the repositories are kept from run to run (default .cache/bench in the checkout)
`

export interface BenchOptions {
  readonly packages: readonly number[]
  readonly changes: readonly number[]
  readonly rounds: number
  readonly peers: boolean
  /** Uploads a second, each rate on its own; none: the contest is held. */
  readonly uploads: readonly number[]
  readonly seconds: number
  readonly windows: { readonly quiet: number; readonly longest: number }
  readonly latencyMs: number
  readonly client: ClientName
  readonly partCopy: boolean
  readonly import: number | undefined
  readonly json: string | undefined
  readonly svg: string | undefined
  readonly cacheDirectory: string
}

export type ReadOptions =
  | { readonly kind: 'options'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly reason: string }

export function readOptions(args: readonly string[]): ReadOptions {
  try {
    const text = { type: 'string' } as const
    const { values } = parseArgs({
      args: [...args],
      options: {
        packages: text,
        changes: { ...text, default: '1,100,1000' },
        rounds: { ...text, default: '5' },
        peers: { type: 'boolean', default: false },
        uploads: text,
        seconds: { ...text, default: '60' },
        windows: { ...text, default: '2,20' },
        latency: { ...text, default: '15' },
        client: text,
        'part-copy': { type: 'boolean', default: false },
        import: text,
        json: text,
        svg: text,
        cache: { ...text, default: join(checkout, '.cache', 'bench') },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { kind: 'help' }
    const asked = [values.uploads !== undefined, values.import !== undefined, values['part-copy']].filter(
      Boolean,
    ).length
    if (asked > 1) throw new Error('--uploads, --part-copy or --import, one of them')
    const isContest = asked === 0
    if (values.svg !== undefined && !isContest)
      throw new Error('--svg draws what --uploads, --part-copy and --import do not measure')
    const [quiet = 0, longest = 0, ...more] = numbers('windows', values.windows, 0, 3_600)
    if (more.length > 0 || longest < quiet)
      throw new Error(`--windows ${values.windows}: two numbers, the second no less`)
    const packages = wholeNumbers(
      'packages',
      values.packages ?? (isContest ? '1000,10000,60000' : values['part-copy'] ? '60000' : '1000'),
      1,
      1_000_000,
    )
    const changes = wholeNumbers('changes', values.changes, 1, 100_000)
    // Half of a change is removals, and there must be so many packages to remove.
    if (isContest && Math.max(...changes) > 2 * Math.min(...packages)) {
      throw new Error(`--changes ${values.changes}: at most twice as many as there are packages`)
    }
    return {
      kind: 'options',
      options: {
        packages,
        changes,
        rounds: wholeNumber('rounds', values.rounds, 1, 1_000),
        peers: values.peers,
        uploads: values.uploads === undefined ? [] : numbers('uploads', values.uploads, 0.01, 1_000),
        seconds: wholeNumber('seconds', values.seconds, 1, 3_600),
        windows: { quiet, longest },
        latencyMs: wholeNumber('latency', values.latency, 0, 10_000),
        client: readClient(values.client, values.uploads !== undefined),
        partCopy: values['part-copy'],
        import: values.import === undefined ? undefined : wholeNumber('import', values.import, 1, 1_000_000),
        json: values.json,
        svg: values.svg,
        cacheDirectory: values.cache,
      },
    }
  } catch (error) {
    return { kind: 'wrong', reason: error instanceof Error ? error.message : String(error) }
  }
}

function readClient(name: string | undefined, isAsked: boolean): ClientName {
  if (name === undefined) return isAsked && versionOf('dnf') !== undefined ? 'dnf' : 'reader'
  const known = clientNames.find((one) => one === name)
  if (known === undefined) throw new Error(`--client ${name}: one of ${clientNames.join(', ')}`)
  return known
}

function numbers(name: string, text: string, least: number, most: number): number[] {
  const list = text.split(',').map((part) => (/^\d+(\.\d+)?$/.test(part) ? Number(part) : Number.NaN))
  if (list.every((number) => number >= least && number <= most)) return list
  throw new Error(`--${name} ${text}: numbers from ${least} to ${most}, with commas between them`)
}

function wholeNumbers(name: string, text: string, least: number, most: number): number[] {
  const list = [...new Set(numbers(name, text, least, most))].toSorted((a, b) => a - b)
  if (list.every(Number.isSafeInteger)) return list
  throw new Error(`--${name} ${text}: whole numbers`)
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const [number, ...more] = wholeNumbers(name, text, least, most)
  if (number === undefined || more.length > 0) throw new Error(`--${name} ${text}: one number`)
  return number
}
