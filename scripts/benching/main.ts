import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCloud } from '../../fixtures/cloud-process.ts'
import { coldWithEmptyCache, coldWithFullCache, rebuild, takeOver } from './commands.ts'
import { holdContest, type Result } from './contest.ts'
import type { Contestant } from './contestant.ts'
import { createrepoFull, createrepoFullXml, createrepoUpdate, createrepoUpdateXml, mergerepo } from './createrepo.ts'
import { find, medianSeconds } from './figures.ts'
import { type ImportFigures, measureImport } from './first-import.ts'
import { drawGrowth } from './growth-curve.ts'
import { limit } from './limit.ts'
import { describeMachine, formatMachine, type Machine } from './machine.ts'
import { type BenchOptions, readOptions, usage } from './options.ts'
import { measurePartCopy, type PartCopyFigures } from './part-copy.ts'
import {
  fairness,
  formatContest,
  formatFull,
  formatImport,
  formatPartCopy,
  formatTargets,
  formatUploads,
} from './report.ts'
import { judgeTargets } from './targets.ts'
import { measureUploads, type UploadFigures } from './uploads.ts'
import { warmOnDirectory, warmOverHttp } from './warm-worker.ts'

// What was started ends with this process.
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
process.exitCode = await main()

async function main(): Promise<number> {
  const read = readOptions(process.argv.slice(2))
  if (read.kind === 'help') {
    process.stdout.write(usage)
    return 0
  }
  if (read.kind === 'wrong') {
    process.stderr.write(`${read.reason}\n\n${usage}`)
    return 2
  }
  const machine = describeMachine()
  process.stdout.write(formatMachine(machine))
  try {
    const figures = await measure(read.options, machine)
    const { json } = read.options
    if (json !== undefined) await writeFile(json, `${JSON.stringify({ machine, ...figures }, undefined, 2)}\n`)
    return 0
  } catch (error) {
    tellProgress('')
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 1
  }
}

function measure(options: BenchOptions, machine: Machine): Promise<object> {
  if (options.import !== undefined) return runImport(options.import)
  if (options.partCopy) return runPartCopy(options)
  if (options.uploads.length > 0) return runUploads(options)
  return runContests(options, machine)
}

async function runContests(options: BenchOptions, machine: Machine): Promise<object> {
  const { rounds, cacheDirectory, svg } = options
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-bench-'))
  const cloud = await startCloud({ directory, seed: 1, maxReceiveCount: 5, visibilityTimeoutSeconds: 60 })
  const results: Result[] = []
  process.stdout.write(fairness)
  const full: Result[] = []
  try {
    await rehearse(options, machine)
    for (const packages of options.packages) {
      for (const changes of options.changes) {
        const contestants = [
          warmOnDirectory,
          coldWithEmptyCache,
          coldWithFullCache,
          takeOver,
          warmOverHttp(cloud),
          limit,
          ...peersAtChanges(options, machine),
        ]
        const held = await hold({ packages, changes, rounds, contestants, cacheDirectory })
        results.push(...held)
        process.stdout.write(`\n${formatContest(held)}`)
      }
      if (!options.peers) continue
      const contestants = [rebuild, ...(machine.createrepo === undefined ? [] : [createrepoFull, createrepoFullXml])]
      const held = await hold({ packages, changes: 0, rounds, contestants, cacheDirectory })
      full.push(...held)
      process.stdout.write(`\n${formatFull(held)}`)
    }
  } finally {
    await cloud.close()
    await rm(directory, { recursive: true, force: true })
  }
  const targets = judgeTargets(results)
  process.stdout.write(`\n${formatTargets(targets)}`)
  if (svg !== undefined) await writeFile(svg, growthOf(results, machine))
  return { results, full, targets }
}

/** Programs come from the disk, and ours are compiled, once: nobody is measured at it. */
async function rehearse({ cacheDirectory }: BenchOptions, { createrepo }: Machine): Promise<void> {
  const contestants = [warmOnDirectory, takeOver, ...(createrepo === undefined ? [] : [createrepoUpdate])]
  await hold({ packages: 100, changes: 2, rounds: 1, contestants, cacheDirectory })
}

function peersAtChanges({ peers }: BenchOptions, { createrepo, mergerepo: hasMergerepo }: Machine): Contestant[] {
  if (createrepo === undefined) return []
  // mergerepo_c is given a repository with what is new, which createrepo_c makes.
  return [createrepoUpdate, createrepoUpdateXml, ...(peers && hasMergerepo !== undefined ? [mergerepo] : [])]
}

async function hold(options: Omit<Parameters<typeof holdContest>[0], 'onRun'>): Promise<Result[]> {
  const { packages, changes, rounds } = options
  const onRun = (contestant: string, round: number): void =>
    tellProgress(`${packages} packages, ${changes} changed, round ${round + 1} of ${rounds}: ${contestant}`)
  try {
    return await holdContest({ ...options, onRun })
  } finally {
    tellProgress('')
  }
}

function growthOf(results: readonly Result[], { createrepo }: Machine): string {
  const sizes = [...new Set(results.map(({ packages }) => packages))]
  const changes = Math.min(...results.map((result) => result.changes))
  const curve = (contestant: string, name: string) => ({
    name,
    points: sizes.flatMap((packages) => {
      const result = find(results, contestant, packages, changes)
      return result === undefined ? [] : [{ packages, seconds: medianSeconds(result) }]
    }),
  })
  return drawGrowth(`Time to publish ${changes === 1 ? 'one change' : `${changes} changes`}`, [
    curve(warmOnDirectory.name, 'repokeeper, warm'),
    curve(coldWithEmptyCache.name, 'repokeeper, cold'),
    curve(createrepoUpdate.name, `createrepo_c ${createrepo ?? ''} --update`),
  ])
}

async function runUploads(options: BenchOptions): Promise<object> {
  const uploads: (UploadFigures & { readonly packages: number; readonly wanted: number })[] = []
  for (const packages of options.packages) {
    for (const perSecond of options.uploads) {
      tellProgress(`${packages} packages, ${perSecond} uploads a second`)
      const figures = await measureUploads({ ...options, packages, perSecond })
      uploads.push({ ...figures, packages, wanted: perSecond })
      tellProgress('')
    }
  }
  const { windows, latencyMs, client } = options
  process.stdout.write(`\n${formatUploads(uploads, options)}`)
  return { uploads, windows, latencyMs, client }
}

async function runPartCopy(options: BenchOptions): Promise<object> {
  const figures: PartCopyFigures[] = []
  for (const packages of options.packages) {
    tellProgress(`${packages} packages, one changed: the documents are uploaded`)
    figures.push(await measurePartCopy({ ...options, packages }))
    tellProgress('')
  }
  const { latencyMs } = options
  process.stdout.write(`\n${formatPartCopy(figures, latencyMs)}`)
  return { partCopy: figures, latencyMs }
}

async function runImport(packages: number): Promise<{ import: ImportFigures }> {
  tellProgress(`${packages} packages are uploaded, then imported`)
  const figures = await measureImport(packages)
  tellProgress('')
  process.stdout.write(`\n${formatImport(figures)}`)
  return { import: figures }
}

/** On a terminal only, in place of what was said before. */
function tellProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
