/**
 * The fuzz runner: a row per decoder, exit 1 on a finding.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import type { ShownCase } from './report.ts'
import { memoryBytesMax, targetNames } from './targets.ts'
import { watchedRun } from './watched-run.ts'

const usage = `scripts/fuzz [--cases N] [--target NAME]… [--seed N [--path P]]

Mutates real inputs and gives them to every decoder that reads what a stranger wrote: each case must be read, or refused with an
error of the decoder's own, soon, and within ${memoryBytesMax / 2 ** 20} MiB. What was read is held against a second opinion.

  --cases N      cases of each decoder (100000)
  --target NAME  only this one; may be given several times: ${targetNames.join(', ')}
  --seed N       where chance begins; a random number
  --path P       one case alone, as a finding names it
`

const hangSeconds = 30
const findingsFolder = join(import.meta.dirname, '..', '..', '.cache', 'fuzz')

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  const options = readOptions(args)
  if (typeof options === 'number') return options
  const { names, cases, seed, path } = options
  process.stdout.write(`seed ${seed}\n${row(['', 'cases', 'read', 'refused', 'slowest', 'peak'])}\n`)
  let findings = 0
  for (const name of names) {
    const table = join(import.meta.dirname, 'targets.ts')
    const outcome = await watchedRun({
      table,
      target: name,
      cases,
      seed,
      hangSeconds,
      ...(path === '' ? {} : { path }),
    })
    if (outcome.kind === 'held') {
      const { counts } = outcome
      const refused = Object.values(counts.refused).reduce((sum, count) => sum + count, 0)
      const slowest = `${counts.slowest.ms.toFixed(0)} ms`
      const peak = `${Math.round(counts.peakBytes / 2 ** 20)} MiB`
      process.stdout.write(`${row([name, counts.cases, counts.read, refused, slowest, peak])}\n`)
      const codes = Object.entries(counts.refused).toSorted(([, a], [, b]) => b - a)
      process.stdout.write(`${' '.repeat(18)}${codes.map(([code, count]) => `${code} ${count}`).join(', ')}\n`)
    } else {
      findings += 1
      const file = keep(name, seed, outcome.path, outcome.case)
      process.stdout.write(`${name}: FINDING\n${outcome.reason}\n  the case: ${file}\n`)
      process.stdout.write(`  again: scripts/fuzz --target ${name} --seed ${seed} --path ${outcome.path}\n`)
    }
  }
  process.stdout.write(`\n${names.length} decoders, ${findings} findings\n`)
  return findings === 0 ? 0 : 1
}

interface Options {
  readonly names: readonly string[]
  readonly cases: number
  readonly seed: number
  readonly path: string
}

/** A number is the exit code: nothing is to be run. */
function readOptions(args: string[]): Options | number {
  const refuse = (reason: string): number => {
    process.stderr.write(`${reason}\n\n${usage}`)
    return 2
  }
  try {
    const { values } = parseArgs({
      args,
      options: {
        cases: { type: 'string', default: '100000' },
        target: { type: 'string', multiple: true, default: [...targetNames] },
        seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
        path: { type: 'string', default: '' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(usage)
      return 0
    }
    const unknown = values.target.filter((name) => !(targetNames as string[]).includes(name))
    if (unknown.length > 0) return refuse(`no such target: ${unknown.join(', ')}`)
    if (!/^[1-9][0-9]{0,8}$/.test(values.cases)) return refuse(`--cases ${values.cases}: a number from 1 on is needed`)
    if (!/^-?[0-9]{1,10}$/.test(values.seed)) return refuse(`--seed ${values.seed}: a whole number is needed`)
    if (values.path !== '' && values.target.length !== 1) return refuse('--path belongs to one --target')
    return { names: values.target, cases: Number(values.cases), seed: Number(values.seed), path: values.path }
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

function keep(target: string, seed: number, path: string, { base64, pieceBytes, document }: ShownCase): string {
  mkdirSync(findingsFolder, { recursive: true })
  const file = join(findingsFolder, `${target}-${seed}-${path.replaceAll(':', '_')}`)
  writeFileSync(file, Buffer.from(base64, 'base64'))
  const of = document === undefined ? '' : `${document}, `
  return `${relative(process.cwd(), file)} (${of}in pieces of ${pieceBytes} bytes)`
}

function row(cells: readonly (string | number)[]): string {
  const [first = '', ...others] = cells
  return `${String(first).padEnd(18)}${others.map((cell) => String(cell).padStart(10)).join('')}`
}
