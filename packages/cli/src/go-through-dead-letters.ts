/**
 * The work of `dead-letters`: take what is there, show it, send it back or delete it, and give back the rest.
 */
import { interpretMessage } from '@repokeeper/repository'
import { type DeadLetter, type DeadLetters, openDeadLetters, type Taken } from '@repokeeper/worker'
import { atATime } from './at-a-time.ts'
import type { Cli } from './cli.ts'
import { canAsk, confirm } from './confirm.ts'
import type { Connection } from './connection.ts'
import { CommandError, ExitCode, UsageError } from './failure.ts'
import { globExpression } from './glob.ts'
import { queueConnection } from './queue-connection.ts'
import { count, enumerate, formatSpan, formatTime, table } from './text-layout.ts'

interface DeadLetterOptions {
  readonly queue: string
  /** Patterns; none: all. */
  readonly keys: readonly string[]
  readonly max: number
  readonly to?: string | undefined
  readonly yes: boolean
  readonly json: boolean
}

/** What a message tells of: its keys, or why nobody can read it. */
interface ReadLetter {
  readonly letter: DeadLetter
  readonly keys: readonly string[]
  readonly unreadable: string | undefined
}

type LetterOutcome =
  | { readonly kind: 'returned' | 'dropped' | 'not done'; readonly to?: string }
  | { readonly kind: 'copied' | 'failed'; readonly to?: string; readonly reason: string }

type Outcomes = ReadonlyMap<string, LetterOutcome>

const sendsAtATime = 8

/** @returns the exit code: 1 where a message could not be sent back or deleted */
export async function goThroughDeadLetters(
  action: 'list' | 'retry' | 'drop',
  options: DeadLetterOptions,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const terminal = { input: process.stdin, output: cli.output }
  if (action === 'drop' && !options.yes && !canAsk(terminal)) {
    throw new UsageError('there is nobody to ask: say --yes, and the messages are deleted for good')
  }
  const { signal } = cli.interruption
  const deadLetters = await openDeadLetters(queueConnection(connection, cli), options.queue)
  try {
    refuseRedriving(deadLetters)
    const targetOf = action === 'retry' ? await readTargets(deadLetters, options) : () => undefined
    const taken = await deadLetters.take(options.max, action === 'list' ? 'look' : 'work', signal)
    const chosen = taken.letters.map(read).filter(isChosen(options.keys))
    let outcomes: Outcomes = new Map()
    try {
      if (action === 'list' && !options.json) for (const line of linesOf(chosen)) cli.output.print(line)
      if (action === 'retry') outcomes = await sendBack(deadLetters, chosen, targetOf, signal)
      if (action === 'drop' && chosen.length > 0) {
        const question = `Delete ${count(chosen.length, 'message')} (${aboutOf(chosen)}) of ${deadLetters.queue.name} for good?`
        if (options.yes || (await confirm(question, terminal, signal))) outcomes = await drop(deadLetters, chosen)
      }
    } finally {
      await giveBack(deadLetters, taken, outcomes, cli)
    }
    return report(action, deadLetters, { taken, chosen, outcomes }, options, cli)
  } finally {
    deadLetters.close()
  }
}

/** To receive a message is to count it up, and one that was received too often SQS takes away. @throws CommandError */
function refuseRedriving({ queue: { name, redrive } }: DeadLetters): void {
  if (redrive === undefined) return
  const next = redrive.deadLetterTargetArn.split(':').at(-1)
  throw new CommandError(
    'REDRIVES',
    `${name} has a dead-letter queue of its own, ${next}: a message that is received more than ${redrive.maxReceiveCount} times goes ` +
      `there, and each look is a receive. Was -q ${next} meant? Otherwise take the RedrivePolicy of ${name} away first.`,
  )
}

function read(letter: DeadLetter): ReadLetter {
  const found = interpretMessage(letter.body)
  if (found.kind === 'unreadable') return { letter, keys: [], unreadable: found.reason }
  if (found.kind === 'test-event') return { letter, keys: [], unreadable: undefined }
  return { letter, keys: found.changes.map(({ key }) => key), unreadable: found.unreadable[0] }
}

/** All keys of a message have to match: it goes or stays as a whole. */
function isChosen(patterns: readonly string[]): (read: ReadLetter) => boolean {
  if (patterns.length === 0) return () => true
  const forms = patterns.map((pattern) => ({ expression: globExpression(pattern), whole: pattern.includes('/') }))
  const matches = (key: string): boolean =>
    forms.some(({ expression, whole }) => expression.test(whole ? key : key.slice(key.lastIndexOf('/') + 1)))
  return ({ keys }) => keys.length > 0 && keys.every(matches)
}

type TargetOf = (letter: DeadLetter) => string | undefined

/** Where each message goes: to the queue that it came from, or to the only one that it can have come from. @throws CommandError */
async function readTargets(deadLetters: DeadLetters, { to }: DeadLetterOptions): Promise<TargetOf> {
  if (to !== undefined) return () => to
  const sources = await deadLetters.sources()
  if (sources.length === 0) {
    throw new CommandError(
      'NO_SOURCE_QUEUE',
      `no queue has ${deadLetters.queue.name} as its dead-letter queue: say --to which one the messages go`,
    )
  }
  const only = sources.length === 1 ? sources[0] : undefined
  return ({ source }) => {
    if (source === undefined) return only
    // Another queue than its own may pass it over, and it would be gone.
    return sources.includes(source) ? source : undefined
  }
}

async function sendBack(
  deadLetters: DeadLetters,
  chosen: readonly ReadLetter[],
  targetOf: TargetOf,
  signal: AbortSignal,
): Promise<Outcomes> {
  const outcomes = new Map<string, LetterOutcome>()
  await atATime(chosen, sendsAtATime, async ({ letter }) => {
    const target = targetOf(letter)
    const unknown =
      letter.source === undefined
        ? 'the queue does not say where it came from: say --to which queue it goes'
        : `${letter.source}, where it came from, has another dead-letter queue now: say --to which queue it goes`
    if (signal.aborted) outcomes.set(letter.id, { kind: 'not done' })
    else if (target === undefined) outcomes.set(letter.id, { kind: 'failed', reason: unknown })
    else outcomes.set(letter.id, await deadLetters.sendBack(letter, target))
  })
  return outcomes
}

async function drop(deadLetters: DeadLetters, chosen: readonly ReadLetter[]): Promise<Outcomes> {
  const failures = await deadLetters.drop(chosen.map(({ letter }) => letter))
  const reasons = new Map(failures.map(({ id, message }) => [id, message]))
  return new Map(
    chosen.map(({ letter: { id } }) => {
      const reason = reasons.get(id)
      return [id, reason === undefined ? { kind: 'dropped' } : { kind: 'failed', reason }]
    }),
  )
}

/** Everything that is still there. */
async function giveBack(
  deadLetters: DeadLetters,
  { letters, holdSeconds }: Taken,
  outcomes: Outcomes,
  { output }: Cli,
): Promise<void> {
  const isGone = ({ id }: DeadLetter): boolean => ['returned', 'dropped'].includes(outcomes.get(id)?.kind ?? '')
  const failures = await deadLetters.giveBack(letters.filter((letter) => !isGone(letter)))
  if (failures.length === 0) return
  output.tell(
    `${count(failures.length, 'message')} could not be given back (${failures[0]?.message}): hidden for up to ${formatSpan(holdSeconds * 1_000)}`,
  )
}

function linesOf(chosen: readonly ReadLetter[]): string[] {
  return table(
    chosen.map(({ letter: { sentAt, receiveCount, source }, keys, unreadable }) => [
      sentAt === undefined ? '(time unknown)' : formatTime(sentAt),
      receiveCount === undefined ? '' : `received ${count(receiveCount, 'time')}`,
      source === undefined ? '' : `from ${source}`,
      enumerate([...keys, ...(unreadable === undefined ? [] : [`(unreadable: ${unreadable})`])]) || '(about no object)',
    ]),
  )
}

interface Gone {
  readonly taken: Taken
  readonly chosen: readonly ReadLetter[]
  readonly outcomes: Outcomes
}

function report(
  action: 'list' | 'retry' | 'drop',
  { queue }: DeadLetters,
  { taken, chosen, outcomes }: Gone,
  { json }: DeadLetterOptions,
  { output, interruption }: Cli,
): number {
  const ok = [...outcomes.values()].every(({ kind }) => kind !== 'failed' && kind !== 'not done')
  for (const { letter, keys } of chosen) {
    const outcome = outcomes.get(letter.id)
    const about = keys.length === 0 ? letter.id : enumerate(keys)
    if (outcome?.kind === 'failed') output.tell(`failed ${about}: ${outcome.reason}`)
    if (outcome?.kind === 'copied') {
      output.tell(`${about}: is in ${outcome.to} now, and still in ${queue.name}: ${outcome.reason}`)
    }
  }
  if (interruption.signal.aborted) output.tell('interrupted: the same command again does the rest')
  tellReturned(outcomes, queue.name, output)
  const { left, heldByOthers } = taken
  const lookedAt = taken.letters.length
  if (json) {
    const messages = chosen.map((one) => describe(one, outcomes.get(one.letter.id)))
    output.printJson({ queue: queue.name, ok, lookedAt, left, heldByOthers, messages })
  } else output.print(`${queue.name}: ${verdict(action, lookedAt, chosen, outcomes)}`)
  if (left > 0)
    output.tell(
      `about ${count(left, 'message')} more ${left === 1 ? 'is' : 'are'} in the queue, not looked at (--max, or they came meanwhile)`,
    )
  if (heldByOthers > 0)
    output.tell(`about ${count(heldByOthers, 'message')} cannot be seen now: somebody else holds them`)
  return ok ? ExitCode.done : ExitCode.failed
}

/** What a worker refused once it refuses again, unless something has changed meanwhile. */
function tellReturned(outcomes: Outcomes, queue: string, output: Cli['output']): void {
  const targets = new Set([...outcomes.values()].flatMap(({ kind, to }) => (kind === 'returned' && to ? [to] : [])))
  if (targets.size === 0) return
  const asked = [...targets].map((target) => `"repokeeper history -q ${target}"`).join(' and ')
  output.tell(
    `what workers refuse again comes back to ${queue}; why, say ${asked} on their machine, and their log ("refused")`,
  )
}

function verdict(
  action: 'list' | 'retry' | 'drop',
  lookedAt: number,
  chosen: readonly ReadLetter[],
  outcomes: Outcomes,
): string {
  const of = lookedAt === chosen.length ? '' : ` of the ${lookedAt} that were looked at`
  if (chosen.length === 0) return `no message${of}`
  if (action === 'list') return `${count(chosen.length, 'message')}${of}`
  if (outcomes.size === 0) return 'nothing was deleted'
  const kinds = [
    ['returned', 'sent back'],
    ['dropped', 'deleted'],
    ['copied', 'sent back, and still here'],
    ['failed', 'failed'],
    ['not done', 'not done'],
  ] as const
  const counts = kinds.flatMap(([kind, words]) => {
    const number = [...outcomes.values()].filter((outcome) => outcome.kind === kind).length
    return number === 0 ? [] : [`${number} ${words}`]
  })
  return `${counts.join(', ')}${of}`
}

function aboutOf(chosen: readonly ReadLetter[]): string {
  return enumerate(
    chosen.map(({ letter, keys }) => keys[0] ?? letter.id),
    3,
  )
}

function describe({ letter, keys, unreadable }: ReadLetter, outcome: LetterOutcome | undefined) {
  const { id, sentAt, receiveCount, source, body } = letter
  const { kind: status, ...details } = outcome ?? { kind: undefined }
  return { id, keys, unreadable, sentAt, receiveCount, source, status, ...details, body }
}
