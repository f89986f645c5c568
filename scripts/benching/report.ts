/**
 * The figures as tables.
 */
import type { Result } from './contest.ts'
import { createrepoFull, createrepoFullXml, createrepoUpdate, createrepoUpdateXml } from './createrepo.ts'
import {
  formatBytes,
  formatCount,
  formatRatio,
  formatSeconds,
  median,
  medianSeconds,
  peakBytes,
  quantile,
  table,
} from './figures.ts'
import type { ImportFigures } from './first-import.ts'
import { limit } from './limit.ts'
import type { Target } from './targets.ts'
import { type UploadFigures, workers } from './uploads.ts'
import { warmUps } from './warm-worker.ts'

/** What has to be known to compare the figures. */
export const fairness = `
Everyone begins with a fresh copy in the page cache, and with nothing left to be written to the disk. Ours flushes what it
publishes before it names it (fsync), and so does "${limit.name}"; createrepo_c and mergerepo_c do not. A warm process
has published ${warmUps} times before, and its clock runs from the snapshot to the last look after the publish; all others are whole
processes. "repokeeper add" also copies the packages into the repository; for the others they lie there. Where packages go as
well, cold is two commands (add, remove), and their times are added.
`

/** @param results of one repository and one change, all contestants */
export function formatContest(results: readonly Result[]): string {
  const [first] = results
  if (first === undefined) return ''
  const { packages, added, removed, runs } = first
  const change = `${added} added${removed === 0 ? '' : `, ${removed} removed`}`
  const rounds = `${runs.length} round${runs.length === 1 ? '' : 's'}`
  const traffic = results.flatMap((result) => formatTraffic(result))
  return `${formatCount(packages)} packages, ${change}; ${rounds}\n${compared(results, [createrepoUpdate.name, createrepoUpdateXml.name])}${traffic.join('')}`
}

/** @param results of the same packages, from nothing */
export function formatFull(results: readonly Result[]): string {
  const [first] = results
  if (first === undefined) return ''
  const head = `${formatCount(first.packages)} small RPM files, metadata from nothing`
  return `${head}\n${compared(results, [createrepoFull.name, createrepoFullXml.name])}`
}

/** Medians, how many times as long each of the peers takes, and the most memory. */
function compared(results: readonly Result[], peers: readonly string[]): string {
  const measured = peers.flatMap((name) => results.filter(({ contestant }) => contestant === name))
  const rows = results.map((result) => {
    const seconds = medianSeconds(result)
    const all = result.runs.map((run) => run.seconds)
    const peak = peakBytes(result)
    return [
      result.contestant,
      formatSeconds(seconds),
      `${formatSeconds(Math.min(...all))} – ${formatSeconds(Math.max(...all))}`,
      ...measured.map((peer) => (peer === result ? '' : formatRatio(medianSeconds(peer) / seconds))),
      peak === undefined ? '—' : formatBytes(peak),
    ]
  })
  const head = [
    '',
    'median',
    'least – most',
    ...measured.map(({ contestant }) => `faster than ${shortName(contestant)}`),
    'peak memory',
  ]
  return table([head, ...rows])
}

function shortName(peer: string): string {
  return peer.replace(/ --update$/, '').replace(/^createrepo_c .*--no-database$/, 'without database')
}

function formatTraffic({ contestant, added, runs }: Result): string[] {
  const traffic = runs.flatMap((run) => (run.traffic === undefined ? [] : [run.traffic]))
  if (traffic.length === 0) return []
  const requests = median(traffic.map((one) => one.requests))
  const sent = median(traffic.map(({ bytesSent }) => bytesSent))
  const received = median(traffic.map(({ bytesReceived }) => bytesReceived))
  const perPackage = median(traffic.map(({ packageBytesReceived }) => packageBytesReceived)) / added
  return [
    `${contestant}: ${formatCount(requests)} requests, ${formatBytes(sent)} sent, ${formatBytes(received)} received; ` +
      `${formatBytes(Math.round(perPackage))} downloaded per package indexed\n`,
  ]
}

export function formatTargets(targets: readonly Target[]): string {
  const rows = targets.map(({ what, wanted, measured, reached }) => [
    what,
    wanted,
    measured ?? 'not measured',
    reached === undefined ? '' : reached ? 'reached' : 'NOT REACHED',
  ])
  return table([['At 60,000 packages and one change', 'target', 'measured', ''], ...rows])
}

export function formatUploads(
  uploads: readonly (UploadFigures & { readonly packages: number; readonly wanted: number })[],
  {
    windows,
    latencyMs,
  }: { readonly windows: { readonly quiet: number; readonly longest: number }; readonly latencyMs: number },
): string {
  const head = ['packages', 'uploads a second', 'uploads', 'publishes', 'lost', 'p50', 'p95', 'longest']
  const rows = uploads.map(({ packages, perSecond, uploads: count, publishes, conflicts, seconds }) => [
    formatCount(packages),
    perSecond.toFixed(1),
    formatCount(count),
    formatCount(publishes),
    formatCount(conflicts),
    ...[0.5, 0.95, 1].map((part) => formatSeconds(quantile(seconds, part))),
  ])
  return (
    `From the end of an upload until a reader sees it: ${workers} workers, batches close after ${windows.quiet} s of quiet or ${windows.longest} s, ` +
    `S3 answers ${latencyMs} ms late\n${table([head, ...rows])}`
  )
}

export function formatImport({ packages, seconds, peakBytes: peak, packageBytes, traffic }: ImportFigures): string {
  const { requests, bytesSent, bytesReceived, packageBytesReceived } = traffic
  return [
    `First import of ${formatCount(packages)} packages: ${formatSeconds(seconds)}, ${formatCount(Math.round(packages / seconds))} a second, start-up and all publishes included`,
    `${formatCount(requests)} requests to S3, ${formatBytes(bytesSent)} sent, ${formatBytes(bytesReceived)} received; ` +
      `${formatBytes(Math.round(packageBytesReceived / packages))} downloaded per package of ${formatBytes(Math.round(packageBytes / packages))}`,
    `peak memory ${peak === undefined ? '—' : formatBytes(peak)}`,
    '',
  ].join('\n')
}
