/**
 * The conformance runner: a line per package, `N equal, N different` at the end, exit 1 on any difference.
 */
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { missingClients } from '../fixtures/clients.ts'
import { compareWithCreaterepo, rules, type Verdict } from '../fixtures/conformance.ts'
import { buildRpms, readSpecs, specsFolder } from '../fixtures/rpmbuild.ts'

const usage = `scripts/conformance [DIR|FILE…]

Compares the entries of primary, filelists and other that repokeeper writes for real packages with createrepo_c's, as parsed
trees with their order. Without arguments: the project's own packages, one spec per rule. Needs createrepo_c (and rpmbuild).
`

/** createrepo_c is run over so many packages at a time, so that a long list shows progress. */
const packagesAtATime = 500

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(usage)
    return 0
  }
  const absent = args.filter((arg) => !existsSync(arg))
  if (absent.length > 0) {
    process.stderr.write(`no such file or directory: ${absent.join(', ')}\n\n${usage}`)
    return 2
  }
  const missing = missingClients(args.length === 0 ? ['createrepo_c', 'rpmbuild'] : ['createrepo_c'])
  if (missing.length > 0) {
    process.stderr.write(`not on this machine: ${missing.join(', ')}\n`)
    return 2
  }
  const built = await mkdtemp(join(tmpdir(), 'repokeeper-conformance-'))
  try {
    const files = args.length === 0 ? await ownPackages(built) : (await Promise.all(args.map(packagesBelow))).flat()
    return report(await compareAll(files))
  } finally {
    await rm(built, { recursive: true, force: true })
  }
}

async function ownPackages(directory: string): Promise<string[]> {
  const specs = [...(await readSpecs()), ...(await readSpecs(join(specsFolder, 'rules')))]
  return (await buildRpms(specs, directory)).map(({ path }) => path)
}

async function packagesBelow(place: string): Promise<string[]> {
  if (!statSync(place).isDirectory()) return [place]
  const names = await readdir(place, { recursive: true })
  return names
    .filter((name) => name.endsWith('.rpm') && statSync(join(place, name)).isFile())
    .toSorted()
    .map((name) => join(place, name))
}

async function compareAll(files: readonly string[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (let at = 0; at < files.length; at += packagesAtATime) {
    const some = await compareWithCreaterepo(files.slice(at, at + packagesAtATime))
    for (const verdict of some) process.stdout.write(`${formatVerdict(verdict)}\n`)
    verdicts.push(...some)
  }
  return verdicts
}

function formatVerdict(verdict: Verdict): string {
  const name = relative(process.cwd(), resolve(verdict.file))
  switch (verdict.kind) {
    case 'equal':
      return `equal      ${name}`
    case 'refused by both':
      return `refused    ${name}: ${verdict.reason}`
    case 'by rule':
      return `by rule    ${name}: ${verdict.rule}`
    case 'different':
      return `DIFFERENT  ${name}\n           ${verdict.difference}`
  }
}

function report(verdicts: readonly Verdict[]): number {
  const used = new Set(verdicts.flatMap((verdict) => (verdict.kind === 'by rule' ? [verdict.rule] : [])))
  if (used.size > 0) process.stdout.write('\nRules by which we differ from createrepo_c 0.17.3:\n')
  for (const [rule, reason] of Object.entries(rules)) {
    if (used.has(rule)) process.stdout.write(`  ${rule}: ${reason}\n`)
  }
  const different = verdicts.filter(({ kind }) => kind === 'different').length
  process.stdout.write(`\n${verdicts.length - different} equal, ${different} different\n`)
  return different === 0 ? 0 : 1
}
