/** How long repomd.xml and its signature do not fit each other, and how often a client meets that. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureWindow, type SigningWindow } from './signing/measure-window.ts'

const usage = `scripts/signing-window [--publishes N] [--readers N] [--delay MS]

One package after the other is published into a signed repository at a local S3, while clients read it again and again as dnf does:
repomd.xml, then repomd.xml.asc. Printed is how long the two did not fit each other at each publish, and how many reads met that.

  --publishes N   how many publishes (default 100)
  --readers N     clients that read without a pause (default 2)
  --delay MS      of each answer of S3 (default 15)
`

// What was started ends with this process.
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (typeof options === 'number') return options
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-window-'))
  try {
    for (const line of linesOf(await measureWindow({ ...options, directory }))) process.stdout.write(`${line}\n`)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return 0
}

function linesOf({ windowsMs, reads, mismatches }: SigningWindow): string[] {
  const sorted = windowsMs.toSorted((a, b) => a - b)
  const quantile = (part: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN).toFixed(0)
  const perPublish = (mismatches / windowsMs.length).toFixed(2)
  return [
    `${windowsMs.length} publishes; from repomd.xml to its signature: median ${quantile(0.5)} ms, 95 % ${quantile(0.95)} ms, longest ${quantile(1)} ms`,
    `${reads} reads, ${mismatches} of them with a signature that did not fit: ${perPublish} a publish, ${((100 * mismatches) / reads).toFixed(2)} % of all`,
  ]
}

function readOptions(): { publishes: number; readers: number; delayMs: number } | number {
  try {
    const number = (name: string) => ({ type: 'string', default: name }) as const
    const { values } = parseArgs({
      options: {
        publishes: number('100'),
        readers: number('2'),
        delay: number('15'),
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(usage)
      return 0
    }
    return {
      publishes: wholeNumber('--publishes', values.publishes, 1, 100_000),
      readers: wholeNumber('--readers', values.readers, 1, 64),
      delayMs: wholeNumber('--delay', values.delay, 0, 60_000),
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new Error(`${flag} ${text}: a whole number from ${least} to ${most}`)
}
