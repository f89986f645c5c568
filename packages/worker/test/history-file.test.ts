import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { levelOf, textOf } from '../src/event-text.ts'
import { type WorkerEventMap, WorkerEvents } from '../src/events.ts'
import { type HistoryRecord, RunHistory } from '../src/history.ts'
import { HistoryFile, readHistory } from '../src/history-file.ts'

let directory = ''
let path = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'repokeeper-history-'))
  path = join(directory, 'history', 'additions.jsonl')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const anyText = fc.string({ unit: 'binary', maxLength: 30 })
const anyTime = fc
  .date({ min: new Date(0), max: new Date(8e12), noInvalidDate: true })
  .map((date) => date.toISOString())
const anyRun: fc.Arbitrary<HistoryRecord> = fc.record(
  {
    kind: fc.constant('run'),
    startedAt: anyTime,
    durationMs: fc.nat(),
    repository: anyText,
    keys: fc.nat(),
    messages: fc.nat(),
    added: fc.nat(),
    replaced: fc.nat(),
    removed: fc.nat(),
    kept: fc.nat(),
    absent: fc.nat(),
    refused: fc.nat(),
    undecided: fc.nat(),
    refusals: fc.array(
      fc.record(
        { key: anyText, code: anyText, reason: anyText, delivery: fc.nat() },
        { requiredKeys: ['key', 'code', 'reason'], noNullPrototype: true },
      ),
      { maxLength: 3 },
    ),
    publishes: fc.nat(),
    conflicts: fc.nat(),
    bytesSent: fc.nat(),
    outcome: fc.constantFrom('settled', 'held', 'failed'),
    revision: anyText,
    reason: anyText,
  },
  {
    requiredKeys: [
      ...([
        'kind',
        'startedAt',
        'durationMs',
        'repository',
        'keys',
        'messages',
        'added',
        'replaced',
        'removed',
      ] as const),
      ...(['kept', 'absent', 'refused', 'undecided', 'refusals', 'publishes', 'conflicts'] as const),
      ...(['bytesSent', 'outcome'] as const),
    ],
    noNullPrototype: true,
  },
)
const anyUnreadable: fc.Arbitrary<HistoryRecord> = fc.record(
  { kind: fc.constant('unreadable'), at: anyTime, messageId: anyText, delivery: fc.nat(), reason: anyText },
  { noNullPrototype: true },
)
const anyRecord = fc.oneof(anyRun, anyUnreadable)

/** What happens to a file of two workers. */
type Step =
  | { readonly kind: 'append'; readonly by: 0 | 1; readonly record: HistoryRecord }
  /** A crash, or a full disk, in the middle of a line. */
  | { readonly kind: 'tear'; readonly record: HistoryRecord; readonly bytes: number }
  | { readonly kind: 'foreign'; readonly line: string }
  | { readonly kind: 'restart'; readonly by: 0 | 1 }

const either = fc.constantFrom(0 as const, 1 as const)
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('append'), by: either, record: anyRecord }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('tear'), record: anyRecord, bytes: fc.integer({ min: 1, max: 80 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('foreign'),
      line: fc.oneof(
        fc.json(),
        fc.constantFrom('{"kind":"run"}', '\u0000\u0000', '[', '{"kind":"unreadable","at":"now"}'),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart'), by: either }) },
)

describe('the file of a history', () => {
  it('tells the last sixty of each kind in their order, whatever two workers write and whatever is torn', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 250, size: 'max' }), (steps) => {
        rmSync(path, { force: true })
        const faults: unknown[] = []
        const open = () => HistoryFile.open(path, (error) => faults.push(error))
        const workers = [open(), open()]
        const written: HistoryRecord[] = []
        for (const step of steps) {
          if (step.kind === 'append') {
            workers[step.by]?.append(step.record)
            written.push(step.record)
          }
          if (step.kind === 'tear')
            appendFileSync(path, Buffer.from(JSON.stringify(step.record)).subarray(0, step.bytes))
          if (step.kind === 'foreign') appendFileSync(path, `\n${step.line}\n`)
          if (step.kind === 'restart') {
            workers[step.by] = open()
            expect(workers[step.by]?.remembered).toEqual(lastSixty(written))
          }
        }
        expect(readHistory(path)).toEqual(lastSixty(written))
        expect(faults).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  it('is trimmed when it is opened, and keeps what a newer version says in a line', () => {
    mkdirSync(join(directory, 'history'))
    const lines = Array.from({ length: 100 }, (_, number) => JSON.stringify({ ...unreadable(number), later: number }))
    writeFileSync(path, `${lines.join('\n')}\nno JSON\n`)
    expect(HistoryFile.open(path, fail).remembered).toEqual(Array.from({ length: 60 }, (_, at) => unreadable(40 + at)))
    expect(readFileSync(path, 'utf8')).toBe(`${lines.slice(40).join('\n')}\n`)
    expect(readdirSync(join(directory, 'history'))).toEqual(['additions.jsonl'])
  })

  it('is trimmed when it has grown beyond a mebibyte, and never grows far beyond what sixty records need', () => {
    const file = HistoryFile.open(path, fail)
    const reason = 'x'.repeat(5_000)
    const sizes: number[] = []
    for (let number = 0; number < 1_000; number += 1) {
      file.append(unreadable(number, reason))
      sizes.push(statSync(path).size)
    }
    const lineBytes = JSON.stringify(unreadable(999, reason)).length + 1
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 ** 20)
    expect(sizes.filter((size, at) => size < (sizes[at - 1] ?? 0)).length).toBe(
      Math.floor((1_000 - 60) / (Math.floor(2 ** 20 / lineBytes) + 1 - 60)),
    )
    expect(readHistory(path)).toEqual(Array.from({ length: 60 }, (_, at) => unreadable(940 + at, reason)))
  })

  it('whose sixty records are larger than that is not written anew at every line', () => {
    const file = HistoryFile.open(path, fail)
    const reason = 'x'.repeat(40_000)
    let trims = 0
    for (let number = 0; number < 300; number += 1) {
      const { ino } = statSync(path)
      file.append(unreadable(number, reason))
      if (statSync(path).ino !== ino) trims += 1
    }
    expect(trims).toBeLessThanOrEqual(300 / 60)
    expect(readHistory(path).length).toBe(60)
  })

  it('that grew enormous by others is read from its end', () => {
    mkdirSync(join(directory, 'history'))
    writeFileSync(path, Buffer.alloc(20 * 2 ** 20, 'x'))
    appendFileSync(path, `\n${JSON.stringify(unreadable(1))}\n`)
    expect(HistoryFile.open(path, fail).remembered).toEqual([unreadable(1)])
    expect(statSync(path).size).toBeLessThan(1_000)
  })

  it('is made again where somebody cleared the cache', () => {
    const file = HistoryFile.open(path, fail)
    file.append(unreadable(1))
    rmSync(join(directory, 'history'), { recursive: true })
    file.append(unreadable(2))
    expect(readHistory(path)).toEqual([unreadable(2)])
  })
})

describe('a history whose file cannot be written', () => {
  it('is kept in memory, says so once with what to do, and again after it went well between', () => {
    // A file where the directory should be: not even root can write below it.
    const place = join(directory, 'history')
    writeFileSync(place, '')
    const events = new WorkerEvents()
    const told: WorkerEventMap['history-unwritable'][] = []
    const file = HistoryFile.open(path, (error) => told.push({ path, error }))
    const history = new RunHistory(events, {
      clock: { now: () => 0 },
      date: () => new Date(0),
      remembered: file.remembered,
      keep: (record) => file.append(record),
    })
    const passOver = () => events.emit('unreadable', { messageId: 'm', receiveCount: 1, reason: 'no' })
    passOver()
    passOver()
    expect(history.unreadable().length).toBe(2)
    expect(told.length).toBe(1)
    const [event] = told
    if (event === undefined) throw new Error('nothing was told')
    expect(textOf('history-unwritable', event)).toMatch(
      /not kept in \/.*additions\.jsonl; .*E(EXIST|NOTDIR).*--cache-dir/,
    )
    expect(levelOf('history-unwritable', event)).toBe('warn')

    rmSync(place)
    passOver()
    expect(readHistory(path).length).toBe(1)
    rmSync(place, { recursive: true })
    writeFileSync(place, '')
    passOver()
    expect(told.length).toBe(2)
  })

  it('or read begins empty', () => {
    mkdirSync(path, { recursive: true })
    const faults: unknown[] = []
    expect(HistoryFile.open(path, (error) => faults.push(error)).remembered).toEqual([])
    expect(faults).toMatchObject([{ code: 'EISDIR' }])
  })

  it.skipIf(process.platform === 'win32')('is not waited for where it is a pipe, which nobody may ever open', () => {
    mkdirSync(join(directory, 'history'))
    execFileSync('mkfifo', [path])
    const faults: unknown[] = []
    const file = HistoryFile.open(path, (error) => faults.push(error))
    file.append({ kind: 'unreadable', at: '2026-11-21T12:00:00.000Z', messageId: 'm', delivery: 1, reason: 'no' })
    expect(faults).toEqual([new Error(`${path} is no file`)])
    expect(() => readHistory(path)).toThrow('is no file')
  })
})

it('a history goes on where the remembered one ended', () => {
  const events = new WorkerEvents()
  const kept: HistoryRecord[] = []
  const remembered = Array.from({ length: 60 }, (_, number) => unreadable(number))
  const history = new RunHistory(events, {
    clock: { now: () => 0 },
    date: () => new Date(0),
    remembered,
    keep: (record) => kept.push(record),
  })
  expect(history.unreadable()[0]).toEqual(unmarked(59))
  expect(kept).toEqual([])
  events.emit('unreadable', { messageId: 'next', receiveCount: 1, reason: 'no' })
  expect(history.unreadable().slice(0, 2)).toEqual([{ ...unmarked(0), messageId: 'next' }, unmarked(59)])
  expect(history.unreadable().at(-1)).toEqual(unmarked(1))
  expect(kept).toEqual([{ ...unreadable(0), messageId: 'next' }])
})

function lastSixty(records: readonly HistoryRecord[]): HistoryRecord[] {
  const last = new Set(
    (['run', 'unreadable'] as const).flatMap((kind) => records.filter((one) => one.kind === kind).slice(-60)),
  )
  return records.filter((record) => last.has(record))
}

function unmarked(number: number, reason = 'no') {
  return { at: '1970-01-01T00:00:00.000Z', messageId: `m${number}`, delivery: 1, reason }
}

function unreadable(number: number, reason?: string): HistoryRecord {
  return { kind: 'unreadable', ...unmarked(number, reason) }
}

function fail(error: unknown): never {
  throw error
}
