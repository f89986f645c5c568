import { PassThrough } from 'node:stream'
import { StoreError } from '@repokeeper/object-store'
import { SigningError } from '@repokeeper/signing'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { WorkerEvents } from '../src/events.ts'
import { type LogOptions, logEvents } from '../src/log.ts'
import { outageOf } from '../src/outage.ts'
import { bench, coverAll, notification } from './bench.ts'

const LogLine = z.object({
  event: z.string(),
  messageId: z.string().optional(),
  batch: z.string().optional(),
  batches: z.array(z.string()).optional(),
})

function log(options: Partial<LogOptions> & { readonly isTTY?: boolean } = {}) {
  const stream = Object.assign(new PassThrough(), options.isTTY === undefined ? {} : { isTTY: options.isTTY })
  const events = new WorkerEvents()
  const end = logEvents(events, { level: 'info', format: 'auto', stream, ...options })
  return {
    events,
    end,
    lines: () =>
      String(stream.read() ?? '')
        .split('\n')
        .filter(Boolean),
  }
}

const failed = {
  batch: 'b-1',
  bucket: 'packages',
  root: 'el9/',
  keys: 3,
  error: new Error('no answer from https://user:password@s3.local/b?X-Amz-Signature=abcdef&x=1', {
    cause: new Error('ECONNREFUSED'),
  }),
}

describe('the log', () => {
  it('is JSON with the fields of the event where no terminal is', () => {
    const { events, lines } = log()
    events.emit('released', { messageId: 'm1', afterSeconds: 20, batches: ['b-1'] })
    events.emit('unreadable', { messageId: 'm1', receiveCount: 2, reason: 'the body is not JSON' })
    const [line, ...others] = lines()
    expect(others).toEqual([])
    expect(JSON.parse(line ?? '')).toMatchObject({
      level: 'error',
      event: 'unreadable',
      messageId: 'm1',
      receiveCount: 2,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      msg: expect.stringContaining(
        'message m1 cannot be read (delivery 2) and is left to the dead-letter queue: the body is not JSON',
      ),
    })
  })

  it('is a sentence on a terminal', () => {
    const { events, lines } = log({ isTTY: true })
    events.emit('batch-settled', {
      batch: 'b-1',
      bucket: 'packages',
      root: 'el9/',
      changes: { added: 3, replaced: 0, removed: 1, kept: 0, absent: 0 },
      refused: 1,
      durationMs: 411.6,
    })
    expect(lines()).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d s3:\/\/packages\/el9\/: 3 added, 1 removed, 1 refused in 412 ms$/),
    ])
  })

  it('says at the start which inboxes the worker takes', () => {
    const { events, lines } = log({ isTTY: true })
    events.emit('started', { queue: 'additions', once: false, inboxes: ['inbox/=repo/', 'other/=el9/'] })
    expect(lines()).toEqual([
      expect.stringMatching(/for any repository, and for what is put into an inbox: inbox\/=repo\/, other\/=el9\/$/),
    ])
  })

  it.each([
    [undefined, 'listening to queue additions, for any repository'],
    [['s3://packages/el9/*', 's3://other'], 'listening to queue additions, for s3://packages/el9/*, s3://other'],
  ])('says at the start which repositories the worker was given: %j', (repositories, text) => {
    const { events, lines } = log({ isTTY: true })
    events.emit('started', { queue: 'additions', once: false, ...(repositories && { repositories }) })
    expect(lines()).toEqual([expect.stringContaining(text)])
  })

  it.each(['json', 'text'] as const)(
    'as %s never has a password, a signature or a stack, and names the causes',
    (format) => {
      const { events, lines } = log({ format })
      events.emit('batch-failed', failed)
      const written = lines().join('\n')
      expect(written).toContain('no answer from https://s3.local/b')
      expect(written).not.toMatch(/password|abcdef|at .*\.ts:/)
      if (format === 'json') expect(JSON.parse(written)).toMatchObject({ causes: ['ECONNREFUSED'] })
    },
  )

  it.each([
    [
      new StoreError('UNAVAILABLE', 's3://b: no answer', { store: 's3://b' }),
      'the store is out: .*: s3://b: no answer$',
    ],
    [
      Object.assign(new Error("ENOSPC: no space left on device, write '/cache/draft-1'"), {
        code: 'ENOSPC',
        syscall: 'write',
      }),
      "this machine's disk is out: .*'/cache/draft-1' \\(make room there, .*--cache-dir\\)$",
    ],
    [
      Object.assign(new Error("EROFS: read-only file system, open '/cache/x'"), { code: 'EROFS', syscall: 'open' }),
      "this machine's disk is out: .*'/cache/x' \\(let this user write there, .*--cache-dir\\)$",
    ],
    [
      new SigningError('SIGNING_FAILED', 'it said: no card'),
      'what signs is out: .*: it said: no card \\(nothing is published until it',
    ],
  ])('says what is out, where, and what to do: %s', (error, text) => {
    const { events, lines } = log({ isTTY: true })
    const outage = outageOf(error)
    if (outage === undefined) throw new Error('it is none')
    events.emit('receive-paused', { seconds: 5, outage, error })
    expect(lines()).toEqual([expect.stringMatching(text)])
  })

  it.each([
    [1, '1 key is held and tried again', '1 message is left', 'answers again after 1 failure$'],
    [2, '2 keys are held and tried again', '2 messages are left', 'answers again after 2 failures$'],
  ])('counts as people do: %i', (number, held, left, failures) => {
    const { events, lines } = log({ isTTY: true })
    events.emit('batch-held', { ...failed, keys: number, retrySeconds: 5 })
    events.emit('drained', { left: number, untried: [] })
    events.emit('receive-recovered', { failures: number })
    expect(lines()).toEqual([held, left, failures].map((text) => expect.stringMatching(text)))
  })

  it('obeys nothing that a key says to the terminal', () => {
    const { events, lines } = log({ format: 'text', level: 'debug' })
    events.emit('passed-over', {
      messageId: 'm1',
      bucket: 'b',
      key: 'a\u001b[2J\nfake line\u009b.rpm',
      why: 'not safe as a location',
    })
    const written = lines()
    expect(written.length).toBe(1)
    expect(written[0]).toMatch(/warn: passed over s3:\/\/b\/a\\u001b\[2J\\nfake line\?\.rpm/)
  })

  it('tells by the id of a batch which messages, plan and publish belong together', async () => {
    const { worker, queue, clock, parts } = bench({
      reconcile: async (location, keys, context) => {
        const repository = 's3://packages/el9/'
        context.onEvent({ kind: 'planned', repository, added: keys.size, replaced: 0, removed: 0 })
        context.onEvent({ kind: 'published', repository, revision: '1', packages: 1, bytesSent: 1, milliseconds: 1 })
        return await coverAll(location, keys, context)
      },
    })
    const stream = new PassThrough()
    logEvents(parts.events, { level: 'debug', format: 'json', stream })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(5_000)
    queue.send('m2', notification('el9/b.rpm'))
    await clock.pass(5_000)
    await worker.stop()
    const lines = String(stream.read())
      .split('\n')
      .filter(Boolean)
      .map((line) => LogLine.parse(JSON.parse(line)))
    const batchOf = (messageId: string) => lines.find((line) => line.messageId === messageId && line.batch)?.batch
    const told = (batch: string | undefined) =>
      lines.filter((line) => line.batch === batch || line.batches?.includes(batch ?? '')).map(({ event }) => event)
    const [first, second] = [batchOf('m1'), batchOf('m2')]
    expect(first).not.toBe(second)
    const whole = ['batch-started', 'repository', 'repository', 'covered', 'batch-settled', 'deleted']
    expect([told(first), told(second)]).toEqual([whole, whole])
  })

  it('ends when it is ended', () => {
    const { events, end, lines } = log()
    end()
    events.emit('stopped', { givenBack: 0 })
    expect(lines()).toEqual([])
  })

  it('that cannot be written keeps nobody from the work', () => {
    const full = Object.assign(new PassThrough(), {
      write: () => {
        throw new Error('full')
      },
    })
    const { events } = log({ stream: full })
    expect(() => events.emit('stopped', { givenBack: 0 })).not.toThrow()
  })
})
