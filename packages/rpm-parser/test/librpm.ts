import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const python = 'python3'
const script = fileURLToPath(new URL('librpm.py', import.meta.url))

/** With CI=true a missing client is a failure: then the tests run, and say what is missing. */
const mustRun = process.env.CI === 'true'

export const hasLibrpm = mustRun || spawnSync(python, [script]).status === 0
export const hasRpm = mustRun || spawnSync('rpm', ['--version']).status === 0
export const hasCreaterepo = mustRun || spawnSync('createrepo_c', ['--version']).status === 0

/** A tag as librpm shows it: strings as Latin-1, binary data as hexadecimal, numbers as decimal text. */
export type LibrpmEntry = readonly [tag: number, type: number, count: number, values: readonly string[]]

/** Every tag in the order of `Header.entries`; `null`: librpm refuses the file; "crashed": it did not survive it. */
export type LibrpmVerdict = readonly LibrpmEntry[] | null | 'crashed'

/** What librpm makes of packages that are not damaged on purpose. */
export function librpmHeaders(paths: readonly string[]): readonly Exclude<LibrpmVerdict, 'crashed'>[] {
  return librpmVerdicts(paths).map((verdict, index) => {
    if (verdict === 'crashed') throw new Error(`librpm crashed on ${paths[index]}`)
    return verdict
  })
}

export function librpmVerdicts(paths: readonly string[]): readonly LibrpmVerdict[] {
  const verdicts: LibrpmVerdict[] = []
  while (verdicts.length < paths.length) {
    const { stdout, signal } = ask('headers', paths.slice(verdicts.length))
    for (const line of stdout.split('\n').slice(0, -1)) verdicts.push(JSON.parse(line))
    if (signal !== null) verdicts.push('crashed')
  }
  return verdicts
}

export function librpmNumbers(
  command: 'compare' | 'compareEvr' | 'types',
  input: readonly unknown[],
): readonly number[] {
  return JSON.parse(ask(command, input).stdout)
}

function ask(command: string, input: unknown): { stdout: string; signal: NodeJS.Signals | null } {
  const { status, signal, stdout, stderr, error } = spawnSync(python, [script, command], {
    input: JSON.stringify(input),
    // The C locale, so that librpm takes the first of translated strings.
    env: { PATH: process.env.PATH, LC_ALL: 'C', PYTHONUTF8: '1' },
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  })
  const crashed = command === 'headers' && (signal === 'SIGSEGV' || signal === 'SIGABRT')
  if (status !== 0 && !crashed) throw new Error(`librpm.py ${command} failed: ${error ?? stderr}`)
  return { stdout, signal }
}
