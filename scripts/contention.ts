/** Several workers on one repository under steady load: what they lose to each other, and how long a package takes to be listed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { simulateSteadyLoad } from '@repokeeper/simulation'
import { type Contention, measureContention } from './killing/contention.ts'

const usage = `scripts/contention [--workers 2,4,8] [--seconds N] [--rate N] [--simulated]

Packages are uploaded steadily to one repository at a local S3 and SQS, whose answers take some milliseconds as S3's do, while
so many workers publish. For each number of workers a line: publishes, publishes that were lost to another worker and done
again, and the time from the end of an upload until the published metadata lists the package.

  --workers LIST   how many workers, one after the other (default 2,4,8)
  --seconds N      how long each (default 30)
  --rate N         uploads a second (default 5)
  --simulated      in simulated time, in one process: work takes none, only S3 and SQS do; with the usual windows
`

// What was started ends with this process.
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (typeof options === 'number') return options
  const head = ['workers', 'uploads', 'publishes', 'lost', 'lost of all', 'median', '95 %', 'longest']
  process.stdout.write(`${row(head)}\n`)
  for (const workers of options.workers) {
    if (options.isSimulated) {
      process.stdout.write(`${row(cells(workers, await simulateSteadyLoad({ ...options, workers })))}\n`)
      continue
    }
    const directory = await mkdtemp(join(tmpdir(), 'repokeeper-contention-'))
    try {
      const measured = await measureContention({ ...options, workers, directory })
      process.stdout.write(`${row(cells(workers, measured))}\n`)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
  return 0
}

function cells(workers: number, { latenciesMs, publishes, conflicts }: Contention): string[] {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const quantile = (part: number): string => {
    const at = sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]
    return at === undefined ? '—' : `${(at / 1000).toFixed(2)} s`
  }
  const share = publishes + conflicts === 0 ? 0 : (100 * conflicts) / (publishes + conflicts)
  return [
    String(workers),
    String(sorted.length),
    String(publishes),
    String(conflicts),
    `${share.toFixed(0)} %`,
    quantile(0.5),
    quantile(0.95),
    quantile(1),
  ]
}

function row(texts: readonly string[]): string {
  return texts.map((text) => text.padStart(13)).join('')
}

function readOptions(): { workers: number[]; seconds: number; perSecond: number; isSimulated: boolean } | number {
  try {
    const text = { type: 'string' } as const
    const { values } = parseArgs({
      options: {
        workers: { ...text, default: '2,4,8' },
        seconds: { ...text, default: '30' },
        rate: { ...text, default: '5' },
        simulated: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(usage)
      return 0
    }
    const workers = values.workers.split(',').map(Number)
    const seconds = Number(values.seconds)
    const perSecond = Number(values.rate)
    if (!workers.every((count) => Number.isSafeInteger(count) && count >= 1 && count <= 64)) {
      throw new Error(`--workers ${values.workers}: numbers from 1 to 64, with commas between them`)
    }
    if (!(seconds > 0 && seconds <= 3600)) throw new Error(`--seconds ${values.seconds}: more than 0, at most 3600`)
    if (!(perSecond > 0 && perSecond <= 1000)) throw new Error(`--rate ${values.rate}: more than 0, at most 1000`)
    return { workers, seconds, perSecond, isSimulated: values.simulated }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
}
