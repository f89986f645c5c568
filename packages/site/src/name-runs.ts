/**
 * Names in order, and where a run of them ends. That is decided by the names themselves, not by counting from the first: one
 * name more changes the page that it comes to, and not all that follow.
 */
import { createHash } from 'node:crypto'

/** As a reader looks for them: capital letters beside small ones. */
export function compareNames(a: string, b: string): number {
  const [lowerA, lowerB] = [a.toLowerCase(), b.toLowerCase()]
  if (lowerA !== lowerB) return lowerA < lowerB ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

/** Under which letter a name is found: `a` to `z`, `0-9`, or `other`. */
export function letterOf(name: string): string {
  const [, letter, digit] = /^(?:([a-z])|([0-9]))/i.exec(name) ?? []
  return letter?.toLowerCase() ?? (digit === undefined ? 'other' : '0-9')
}

export interface RunLength {
  readonly least: number
  /** A name ends a run with the chance of one in so many. */
  readonly mean: number
  readonly most: number
}

/** On one page of a list. */
export const listRuns: RunLength = { least: 100, mean: 150, most: 400 }
/** In one file of the search index, some 80 bytes a name. */
export const searchRuns: RunLength = { least: 700, mean: 700, most: 2_500 }

/**
 * @param names in order
 * @param partOf a run never has names of two parts
 */
export function cutNames(
  names: readonly string[],
  { least, mean, most }: RunLength,
  partOf: (name: string) => string = () => '',
): string[][] {
  const runs: string[][] = []
  let run: string[] = []
  for (const [index, name] of names.entries()) {
    run.push(name)
    const next = names[index + 1]
    const isEnd = run.length >= most || (run.length >= least && endsRun(name, mean))
    if (next !== undefined && partOf(next) === partOf(name) && !isEnd) continue
    runs.push(run)
    run = []
  }
  return runs
}

function endsRun(name: string, mean: number): boolean {
  return createHash('sha256').update(name).digest().readUInt32BE() % mean === 0
}
