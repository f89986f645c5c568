/**
 * A search on all processors, or in code that was broken on purpose.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { mutationVariable, type RunCounts, type SearchOptions, type SearchReport } from '@repokeeper/simulation'

export interface WholeSearch {
  readonly runs: number
  readonly interleavings: number
  readonly counts: Readonly<Record<string, number>>
  readonly failure: SearchReport['failure']
}

/** The seeds in as many slices as there are to be processes. Ends with the first failure. */
export async function searchInParallel(
  { of, seed, runs, shrinks, onProgress }: SearchOptions,
  processes: number,
): Promise<WholeSearch> {
  const giveUp = new AbortController()
  const done = new Map<number, number>()
  const size = Math.ceil(runs / processes)
  const slices = Array.from({ length: processes }, (_, at) => ({
    seed: seed + at * size,
    runs: Math.max(0, Math.min(size, runs - at * size)),
    shrinks,
    of,
  }))
  const reports = await Promise.all(
    slices.map(async (slice, at) => {
      const report = await searchSlice(slice, {
        signal: giveUp.signal,
        onProgress: (own) => {
          done.set(at, own)
          onProgress?.([...done.values()].reduce((sum, one) => sum + one, 0))
        },
      })
      if (report?.failure !== undefined) giveUp.abort()
      return report
    }),
  )
  return together(reports.filter((report) => report !== undefined))
}

/** In code that is broken in that way. */
export async function searchMutated(
  mutation: string,
  options: Pick<SearchOptions, 'of' | 'seed' | 'runs'>,
): Promise<WholeSearch> {
  const report = await searchSlice({ ...options, shrinks: false }, { mutation })
  return together(report === undefined ? [] : [report])
}

interface SliceOptions {
  readonly mutation?: string
  readonly signal?: AbortSignal
  readonly onProgress?: (runs: number) => void
}

/** @returns `undefined` where it was given up */
function searchSlice(
  options: Omit<SearchOptions, 'onProgress'>,
  { mutation, signal, onProgress }: SliceOptions,
): Promise<SearchReport | undefined> {
  const breaks = mutation === undefined ? [] : ['--import', import.meta.resolve('@repokeeper/simulation/mutate')]
  const child = fork(fileURLToPath(new URL('slice.ts', import.meta.url)), [], {
    serialization: 'advanced',
    execArgv: breaks,
    env: { ...process.env, [mutationVariable]: mutation },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  let complaint = ''
  child.stderr?.on('data', (text: Buffer) => {
    complaint += text
  })
  return new Promise((resolve, reject) => {
    let report: SearchReport | undefined
    signal?.addEventListener('abort', () => child.kill('SIGKILL'))
    child.on('message', (message: { readonly runs?: number; readonly report?: SearchReport }) => {
      if (message.runs !== undefined) onProgress?.(message.runs)
      if (message.report !== undefined) report = message.report
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (report !== undefined || signal?.aborted) resolve(report)
      else reject(new Error(`a simulating process ended with ${code}: ${complaint}`))
    })
    child.send(options)
  })
}

function together(reports: readonly SearchReport[]): WholeSearch {
  const counts: Record<string, number> = {}
  const seen = new Set<number>()
  for (const report of reports) {
    for (const [name, count] of Object.entries(report.counts satisfies RunCounts)) {
      counts[name] = (counts[name] ?? 0) + count
    }
    for (const fingerprint of report.fingerprints) seen.add(fingerprint)
  }
  return {
    runs: reports.reduce((sum, { runs }) => sum + runs, 0),
    interleavings: seen.size,
    counts,
    failure: reports.find(({ failure }) => failure !== undefined)?.failure,
  }
}
