/**
 * The work of `history`: what the workers of this machine remember.
 */
import { queueName, type Run, readHistory, type UnreadableMessage, type WorkerStart } from '@repokeeper/worker'
import type { Cli } from './cli.ts'
import { CommandError, ExitCode, UsageError } from './failure.ts'
import { historyDirectory, historyPath, isAbsent, queuesWithHistory } from './history-directory.ts'
import type { Output } from './output.ts'
import { enumerate, table } from './text-layout.ts'

interface HistoryOptions {
  readonly json: boolean
  /** Name or URL. Absent: all. */
  readonly queue?: string | undefined
}

interface History {
  readonly queues: readonly string[]
  /** The newest first. */
  readonly runs: readonly (Run & { readonly queue: string })[]
  readonly unreadable: readonly (UnreadableMessage & { readonly queue: string })[]
  /** The last start of each queue's workers. */
  readonly started: readonly (WorkerStart & { readonly queue: string })[]
}

/** @returns the exit code: 0, also where nothing is remembered */
export async function showHistory(cacheDirectory: string, options: HistoryOptions, { output }: Cli): Promise<number> {
  const directory = historyDirectory(cacheDirectory)
  const known = await queuesWithHistory(cacheDirectory).catch((cause: unknown) => {
    throw cannotRead('what is remembered', cause)
  })
  const history = readHistories(cacheDirectory, chosenQueues(options.queue, known))
  if (options.json) output.printJson({ directory, ...history })
  else {
    tellRuns(history, output)
    tellUnreadable(history, output)
    tellStarts(history, output)
  }
  if (history.runs.length + history.unreadable.length === 0) tellNothing(directory, known, history.queues, output)
  return ExitCode.done
}

function chosenQueues(queue: string | undefined, known: readonly string[]): readonly string[] {
  if (queue === undefined) return known
  if (queue === '') throw new UsageError('--queue is empty: give the name or URL of an SQS queue')
  return [queueName(queue)]
}

function readHistories(cacheDirectory: string, queues: readonly string[]): History {
  const runs: (Run & { queue: string })[] = []
  const unreadable: (UnreadableMessage & { queue: string })[] = []
  const started: (WorkerStart & { queue: string })[] = []
  for (const queue of queues) {
    for (const record of readHistoryOf(cacheDirectory, queue)) {
      if (record.kind === 'run') runs.push({ queue, ...record })
      else if (record.kind === 'unreadable') unreadable.push({ queue, ...record })
      else started.push({ queue, ...record })
    }
  }
  return {
    queues,
    started,
    runs: runs.reverse().sort((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt)),
    unreadable: unreadable.reverse().sort((a, b) => Date.parse(b.at) - Date.parse(a.at)),
  }
}

function readHistoryOf(cacheDirectory: string, queue: string) {
  const path = historyPath(cacheDirectory, queue)
  try {
    return readHistory(path)
  } catch (cause) {
    if (isAbsent(cause)) return []
    throw cannotRead(`the history of queue ${queue}`, cause)
  }
}

function cannotRead(what: string, cause: unknown): CommandError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const isDenied = cause instanceof Error && 'code' in cause && (cause.code === 'EACCES' || cause.code === 'EPERM')
  const message = `${what} cannot be read: ${why}${isDenied ? '; ask as the user whose workers they are' : ''}`
  return new CommandError('NO_HISTORY', message, { cause })
}

/** A row for each run, and beneath it why it did not do everything. */
function tellRuns({ queues, runs }: History, output: Output): void {
  if (runs.length === 0) return
  const several = queues.length > 1
  const [header = '', ...rows] = table(rightAligned([titles(several), ...runs.map((run) => cellsOf(run, several))]))
  output.print(header)
  for (const [index, run] of runs.entries()) {
    if (output.isUnread) return
    output.print(rows[index] ?? '')
    for (const line of reasons(run)) output.print(`  ${line}`)
  }
}

const numbers = ['keys', 'added', 'replaced', 'removed', 'refused', 'publishes', 'conflicts', 'duration'] as const

function titles(several: boolean): string[] {
  return ['started (UTC)', ...(several ? ['queue'] : []), 'repository', ...numbers, 'outcome']
}

function cellsOf(run: Run & { readonly queue: string }, several: boolean): string[] {
  const counts = numbers.map((name) => (name === 'duration' ? formatSeconds(run.durationMs) : String(run[name])))
  const place = [...(several ? [run.queue] : []), run.repository]
  return [formatTime(run.startedAt), ...place, ...counts, run.outcome]
}

function* reasons({ refusals, refused, undecided, reason }: Run): Iterable<string> {
  if (reason !== undefined) yield reason
  for (const { key, code, reason, delivery } of refusals) {
    const what = code === 'UNDECIDED' ? 'tried again later' : 'refused'
    yield `${what} ${key}: ${code}: ${reason}${delivery === undefined ? '' : ` (delivery ${delivery})`}`
  }
  const more = refused + undecided - refusals.length
  if (more > 0) yield `and ${more} more, whose reasons are in the log`
}

function tellUnreadable({ queues, runs, unreadable }: History, output: Output): void {
  if (unreadable.length === 0) return
  if (runs.length > 0) output.print('')
  output.print('Messages that nobody could read:')
  const rows = unreadable.map(({ at, queue, messageId, delivery, reason }) => [
    formatTime(at),
    ...(queues.length > 1 ? [queue] : []),
    messageId,
    `delivery ${delivery}`,
    reason,
  ])
  for (const line of table(rows)) output.print(line)
}

/** What a worker was not given it passes over, so that there is no run of it. */
function tellStarts({ runs, unreadable, started }: History, output: Output): void {
  if (started.length === 0) return
  if (runs.length + unreadable.length > 0) output.print('')
  output.print('The last start of each, and the repositories that it keeps:')
  const rows = started.map(({ at, queue, repositories }) => [
    formatTime(at),
    queue,
    repositories?.join(', ') ?? 'whatever its messages name',
  ])
  for (const line of table(rows)) output.print(line)
}

function tellNothing(directory: string, known: readonly string[], queues: readonly string[], output: Output): void {
  const others = known.filter((queue) => !queues.includes(queue))
  const [queue] = queues
  output.tell(`no runs${queues.length === 1 ? ` of queue ${queue}` : ''} are remembered in ${directory}`)
  output.tell(
    others.length > 0
      ? `There are histories of ${enumerate(others)}.`
      : 'Workers write there when they have had something to do: look on their machine, as their user, with their --cache-dir.',
  )
}

/** `2026-11-21 02:23:54`. */
function formatTime(time: string): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ')
}

function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 99_950 ? 1 : 0)} s`
}

/** Numbers end beneath the end of their title. */
function rightAligned(rows: readonly (readonly string[])[]): string[][] {
  const [header = []] = rows
  const isNumber = header.map((title) => numbers.some((name) => name === title))
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row.map((cell, column) => (isNumber[column] === true ? cell.padStart(widths[column] ?? 0) : cell)),
  )
}
