import { appendFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HistoryFile, type HistoryRecord } from '@repokeeper/worker'
import { afterEach, describe, expect, test } from 'vitest'
import { workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const historyDirectory = () => join(place().directory, 'cache', 'history')
afterEach(() => rm(historyDirectory(), { recursive: true, force: true }))

type RunRecord = Extract<HistoryRecord, { kind: 'run' }>

const run: RunRecord = {
  kind: 'run',
  startedAt: '2026-11-21T12:00:02.123Z',
  durationMs: 1_234,
  repository: 's3://packages/el9/',
  keys: 3,
  messages: 2,
  added: 2,
  replaced: 0,
  removed: 0,
  kept: 0,
  absent: 0,
  refused: 1,
  undecided: 0,
  refusals: [{ key: 'el9/bad.rpm', code: 'CUT_OFF', reason: '10 bytes are missing', delivery: 2 }],
  publishes: 1,
  conflicts: 0,
  bytesSent: 1200,
  revision: '18',
  outcome: 'settled',
}
const later: RunRecord = {
  ...run,
  startedAt: '2026-11-21T12:10:00.000Z',
  durationMs: 120_400,
  repository: 's3://packages/fedora/',
  keys: 1_000,
  added: 0,
  refused: 0,
  refusals: [],
  publishes: 0,
  outcome: 'failed',
  reason: 'UNAVAILABLE: the store is out',
}
const unreadable: HistoryRecord = {
  kind: 'unreadable',
  at: '2026-11-21T12:05:00.000Z',
  messageId: 'm1',
  delivery: 2,
  reason: 'the body is not JSON',
}

describe('the history', () => {
  test('is a table, the newest run first, with what was refused beneath its run, and what nobody could read', async () => {
    remember('repo-additions', run, later, unreadable)
    expect(await lines('history')).toEqual([
      'started (UTC)        repository             keys  added  replaced  removed  refused  publishes  conflicts  duration  outcome',
      '2026-11-21 12:10:00  s3://packages/fedora/  1000      0         0        0        0          0          0     120 s  failed',
      '  UNAVAILABLE: the store is out',
      '2026-11-21 12:00:02  s3://packages/el9/        3      2         0        0        1          1          0     1.2 s  settled',
      '  refused el9/bad.rpm: CUT_OFF: 10 bytes are missing (delivery 2)',
      '',
      'Messages that nobody could read:',
      '2026-11-21 12:05:00  m1  delivery 2  the body is not JSON',
    ])
  })

  test('says what is left for later, and how much more there is', async () => {
    const cold = { key: 'el9/cold.rpm', code: 'UNDECIDED', reason: 'ACCESS_DENIED: it is in an archive' }
    remember('repo-additions', { ...run, refused: 30, undecided: 2, refusals: [...run.refusals, cold] })
    expect((await lines('history')).slice(2)).toEqual([
      '  refused el9/bad.rpm: CUT_OFF: 10 bytes are missing (delivery 2)',
      '  tried again later el9/cold.rpm: UNDECIDED: ACCESS_DENIED: it is in an archive',
      '  and 30 more, whose reasons are in the log',
    ])
  })

  test('is of all queues, in the order of time, and names them; or of one, by its name or URL', async () => {
    remember('repo-additions', run)
    remember('repo-removals', later, unreadable)
    const all = await lines('history')
    expect(all[0]).toMatch(/^started \(UTC\) +queue +repository/)
    expect(all.slice(1).map((line) => /repo-\w+/.exec(line)?.[0])).toEqual([
      'repo-removals',
      undefined,
      'repo-additions',
      undefined,
      undefined,
      undefined,
      'repo-removals',
    ])
    const one = await lines('history', '-q', 'repo-additions')
    expect(one).toHaveLength(3)
    expect(await lines('history', '-q', 'https://sqs.eu-central-1.amazonaws.com/123456789012/repo-additions')).toEqual(
      one,
    )
  })

  test('is one document with --json, everything that is remembered in it', async () => {
    remember('repo-additions', run, unreadable)
    remember('repo-removals', later)
    const [document = '', ...others] = await lines('history', '--json')
    expect(others).toEqual([])
    expect(JSON.parse(document)).toEqual({
      directory: historyDirectory(),
      queues: ['repo-additions', 'repo-removals'],
      runs: [
        { queue: 'repo-removals', ...later },
        { queue: 'repo-additions', ...run },
      ],
      unreadable: [{ queue: 'repo-additions', ...unreadable }],
      started: [],
    })
  })

  test('says which repositories the workers were given last', async () => {
    const start = (minute: string, repositories: readonly string[] = []): HistoryRecord => ({
      kind: 'started',
      at: `2026-11-21T12:${minute}:00.000Z`,
      ...(repositories.length > 0 && { repositories }),
    })
    remember(
      'repo-additions',
      start('00', ['s3://old']),
      start('01', ['s3://packages/el9/*', 's3://packages/el8']),
      run,
    )
    remember('repo-removals', start('02'))
    expect((await lines('history')).slice(-4)).toEqual([
      '',
      'The last start of each, and the repositories that it keeps:',
      '2026-11-21 12:01:00  repo-additions  s3://packages/el9/*, s3://packages/el8',
      '2026-11-21 12:02:00  repo-removals   whatever its messages name',
    ])
  })

  test('lets no key steer the terminal, and passes over what is no history', async () => {
    const key = 'el9/\u001b[2J.rpm'
    remember('repo-additions', { ...run, refusals: [{ key, code: 'CUT_OFF', reason: 'cut' }] })
    await appendFile(join(historyDirectory(), 'repo-additions.jsonl'), '{"kind":"run"}\n{"kin')
    await appendFile(join(historyDirectory(), 'notes.txt'), 'mine')
    await appendFile(join(historyDirectory(), '%zz.jsonl'), 'mine')
    const [header, ...rest] = await lines('history')
    expect(header).not.toContain('queue')
    expect(rest.slice(1)).toEqual(['  refused el9/\\u001b[2J.rpm: CUT_OFF: cut'])
  })
})

describe('where nothing is remembered', () => {
  test('it says so, where it looked and what to do, and ends with 0', async () => {
    const { code, stdout, stderr } = await place().repokeeper('history')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain(`no runs are remembered in ${historyDirectory()}\n`)
    expect(stderr).toContain('on their machine, as their user, with their --cache-dir')
    const machine = await place().repokeeper('history', '--json')
    expect(machine.code).toBe(0)
    expect(JSON.parse(machine.stdout)).toEqual({
      directory: historyDirectory(),
      queues: [],
      runs: [],
      unreadable: [],
      started: [],
    })
  })

  test('of one queue it names the others', async () => {
    remember('repo-additions', run)
    expect(await place().repokeeper('history', '-q', 'typo')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(
        /^no runs of queue typo are remembered in .*\nThere are histories of repo-additions\.\n$/,
      ),
    })
  })

  test('because there can be no directory, it says so as well', async () => {
    const { code, stderr } = await place().repokeeper('history', '--cache-dir', '/dev/null')
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('in /dev/null/history\n') })
  })

  test('because it cannot be read, it says which and why, and ends with 1', async () => {
    await mkdir(join(historyDirectory(), 'repo-additions.jsonl'), { recursive: true })
    const { code, stderr } = await place().repokeeper('history')
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^repokeeper: the history of queue repo-additions cannot be read: .*repo-additions\.jsonl is no file$/m,
    )
  })
})

function remember(queue: string, ...records: readonly HistoryRecord[]): void {
  const file = HistoryFile.open(join(historyDirectory(), `${queue}.jsonl`), (error) => {
    throw error
  })
  for (const record of records) file.append(record)
}

async function lines(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await place().repokeeper(...args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.trimEnd().split('\n')
}
