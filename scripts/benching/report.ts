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
import type { PartCopyFigures } from './part-copy.ts'
import type { Target } from './targets.ts'
import { type UploadFigures, type UploadsOptions, workers } from './uploads.ts'
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
  { windows, latencyMs, client }: Pick<UploadsOptions, 'windows' | 'latencyMs' | 'client'>,
): string {
  const head = ['packages', 'uploads a second', 'uploads', 'publishes', 'lost', 'p50', 'p95', 'longest', 'a look']
  const rows = uploads.map(({ packages, perSecond, uploads: count, publishes, conflicts, seconds, lookSeconds }) => [
    formatCount(packages),
    perSecond.toFixed(1),
    formatCount(count),
    formatCount(publishes),
    formatCount(conflicts),
    ...[0.5, 0.95, 1].map((part) => formatSeconds(quantile(seconds, part))),
    formatSeconds(median(lookSeconds)),
  ])
  return (
    `From the end of an upload until ${client === 'dnf' ? 'a run of dnf has listed it' : 'a reader of primary has it'}: ${workers} workers, batches close after ${windows.quiet} s of quiet or ${windows.longest} s, ` +
    `S3 answers ${latencyMs} ms late\n${table([head, ...rows])}`
  )
}

export function formatPartCopy(figures: readonly PartCopyFigures[], latencyMs: number): string {
  const head = ['packages', 'documents', 'upload', 'requests', 'sent', 'round trips', 'here']
  const rows = figures.flatMap(({ packages, documentBytes, whole, copied }) =>
    (
      [
        ['whole', whole],
        ['unchanged parts copied by S3', copied],
      ] as const
    ).map(([name, cost]) => [
      formatCount(packages),
      formatBytes(documentBytes),
      name,
      formatCount(cost.requests),
      formatBytes(cost.bytesSent),
      formatCount(cost.roundTrips),
      formatSeconds(cost.seconds),
    ]),
  )
  const even = figures.map(({ packages, whole, copied }) => {
    const saved = (whole.bytesSent - copied.bytesSent) * 8
    const waited = ((copied.roundTrips - whole.roundTrips) * latencyMs) / 1000
    if (waited <= 0) return `${formatCount(packages)} packages: nothing is copied\n`
    const link = (saved / waited / 1e9).toFixed(1)
    return `${formatCount(packages)} packages: if S3 copied in no time, copying would win below ${link} Gbit/s to S3\n`
  })
  return `Documents after one change, sent to S3 that answers ${latencyMs} ms late\n${table([head, ...rows])}${even.join('')}`
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
