import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { CreateQueueCommand, GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { MemoryStore, StoreError } from '@repokeeper/object-store'
import { RepositoryError } from '@repokeeper/repository'
import { SigningError } from '@repokeeper/signing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { type WorkerEventName, WorkerEvents } from '../src/events.ts'
import { OpsServer, type OpsSources } from '../src/ops-server.ts'
import { readWorkerOptions } from '../src/options.ts'
import type { Reconcile } from '../src/reconcile.ts'
import { runWorker, type WorkerIo, type WorkerStages } from '../src/run.ts'
import { WatchedSigner } from '../src/watched-signer.ts'
import { coverAll, latch, notification } from './bench.ts'

let directory = ''
let cloud: LocalCloud
let client: SQSClient
let queueUrl = ''
beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1')
  directory = await mkdtemp(join(tmpdir(), 'repokeeper-ops-'))
  cloud = await startLocalCloud({ directory })
  client = new SQSClient({ endpoint: cloud.endpoint, region: 'us-east-1' })
  const dead = await client.send(new CreateQueueCommand({ QueueName: 'dead' }))
  const asked = { QueueUrl: dead.QueueUrl, AttributeNames: ['QueueArn' as const] }
  const { Attributes } = await client.send(new GetQueueAttributesCommand(asked))
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 3 })
  const created = await client.send(new CreateQueueCommand({ QueueName: 'additions', Attributes: { RedrivePolicy } }))
  queueUrl = created.QueueUrl ?? ''
  await client.send(new SendMessageCommand({ QueueUrl: dead.QueueUrl, MessageBody: 'a dead letter' }))
})
afterEach(async () => {
  client.destroy()
  await cloud.close()
  await rm(directory, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

async function send(body: string): Promise<void> {
  await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }))
}

/** A worker with its endpoint open. */
async function run(flags: Record<string, unknown>, stages: Partial<WorkerStages> = {}, io: Partial<WorkerIo> = {}) {
  const given = { queue: 'additions', endpointUrl: cloud.endpoint, batchQuietSeconds: '0.05', http: '127.0.0.1:0' }
  const outcome = readWorkerOptions({ flags: { ...given, logFormat: 'json', ...flags }, environment: {} })
  if (outcome.kind === 'problems') throw new Error(outcome.problems.join('\n'))
  const events = new WorkerEvents()
  const signals = new EventEmitter()
  const stream = new PassThrough()
  const next = (awaited: WorkerEventName) =>
    new Promise<void>((resolve) => {
      const end = events.subscribe((name) => {
        if (name !== awaited) return
        end()
        resolve()
      })
    })
  const listening = new Promise<number>((resolve) => {
    events.subscribe((name, event) => {
      if (name === 'ops-listening' && 'port' in event) resolve(event.port)
    })
  })
  const started = next('started')
  const exitCode = runWorker(
    outcome.options,
    {
      openBucket: (name) => new MemoryStore({ name: `s3://${name}` }),
      reconcile: publishAll,
      probeConditions: async () => ({ kind: 'honoured' }),
      ...stages,
    },
    { stream, signals, events, exit: () => {}, ...io },
  )
  const port = await Promise.race([listening, exitCode.then(() => 0)])
  const get = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init)
  const json = async <T = unknown>(path: string, schema: z.ZodType<T> = z.any()) =>
    schema.parse(await (await get(path)).json())
  const stop = async () => {
    signals.emit('SIGTERM', 'SIGTERM')
    return await exitCode
  }
  return { exitCode, next, started, get, json, stop, log: () => String(stream.read() ?? '') }
}

const Ready = z.object({ ok: z.boolean(), reasons: z.array(z.string()) })
const Status = z.looseObject({
  now: z.string(),
  ready: Ready,
  latency: z.looseObject({ p50Seconds: z.number().nullable() }),
})
const History = z.object({
  queue: z.string(),
  started: z.unknown(),
  runs: z.array(z.unknown()),
  unreadable: z.array(z.unknown()),
})
const Jobs = z.array(z.looseObject({ nextAt: z.string().nullable(), lastEndedAt: z.string().nullable() }))

const publishAll: Reconcile = async (location, keys, context) => {
  const repository = `${location.store.name}/${location.root}`
  context.onEvent({ kind: 'published', repository, revision: '17', packages: 4, bytesSent: 1000, milliseconds: 700 })
  return await coverAll(location, keys, context)
}

/** Ten seconds ago. */
function earlier(...keys: readonly string[]): string {
  const { Records } = JSON.parse(notification(...keys)) as { Records: object[] }
  const eventTime = new Date(Date.now() - 10_000).toISOString()
  return JSON.stringify({ Records: Records.map((record) => ({ ...record, eventTime })) })
}

const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

describe('the endpoint of a worker', () => {
  it('tells what it does and has done, in the form that the status page reads', async () => {
    const refusing: Reconcile = async (location, keys, context) => {
      const { verdicts } = await publishAll(location, keys, context)
      const refused = { kind: 'refused', code: 'BAD', reason: 'no lead' } as const
      return {
        verdicts: new Map([...verdicts].map(([key, verdict]) => [key, key.includes('bad') ? refused : verdict])),
      }
    }
    const worker = await run({ repositories: 's3://packages/el9' }, { reconcile: refusing })
    const settled = worker.next('batch-settled')
    await send(earlier('el9/a.rpm', 'el9/b.rpm'))
    await settled
    const refused = worker.next('released')
    await send(earlier('el9/bad.rpm'))
    await refused
    const status = await worker.json('/status', Status)
    expect(status).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      queue: 'additions',
      startedAt: isoTime,
      now: isoTime,
      ready: { ok: true, reasons: [] },
      publishing: [],
      held: 0,
      queueDepth: {
        visible: expect.any(Number),
        inFlight: expect.any(Number),
        delayed: 0,
        oldestAgeSeconds: null,
        deadLetters: 1,
        asOf: isoTime,
      },
      latency: { p50Seconds: expect.any(Number), p95Seconds: expect.any(Number), count: 2 },
      perDay: [{ day: status.now.slice(0, 10), added: 2, replaced: 0, removed: 0 }],
      refused: [{ at: isoTime, key: 'el9/bad.rpm', code: 'BAD', reason: 'no lead', delivery: 1 }],
      repositories: [{ bucket: 'packages', root: 'el9/', packages: 4, revision: '17', publishedAt: isoTime }],
    })
    expect(status.latency.p50Seconds).toBeGreaterThanOrEqual(10)
    expect(status.latency.p50Seconds).toBeLessThan(3_600)

    const { queue, started, runs } = await worker.json('/history', History)
    expect(queue).toBe('additions')
    expect(started).toEqual({ at: isoTime, repositories: ['s3://packages/el9'] })
    expect(runs.at(-1)).toMatchObject({
      batch: expect.stringMatching(/^[0-9a-f]{8}-1$/),
      startedAt: isoTime,
      repository: 's3://packages/el9/',
      added: 2,
      bytesSent: 1000,
      revision: '17',
      outcome: 'settled',
    })
    expect(await (await worker.get('/metrics')).text()).toContain(
      'repokeeper_packages_added_total{queue="additions"} 2\n',
    )
    expect(await worker.stop()).toBe(0)
    await expect(worker.get('/healthz'), 'closed with the worker').rejects.toThrow()
  })

  it('says what is published just now, and since when the oldest message waits', async () => {
    const publish = latch()
    const worker = await run(
      {},
      {
        reconcile: async (...args) => {
          await publish.opened
          return await publishAll(...args)
        },
      },
    )
    const begun = worker.next('batch-started')
    await send(earlier('el9/a.rpm', 'el9/b.rpm'))
    await begun
    const status = await worker.json('/status')
    expect(status).toMatchObject({
      publishing: [{ bucket: 'packages', root: 'el9/', keys: 2, since: isoTime }],
      held: 1,
      queueDepth: { visible: 0, inFlight: 1, oldestAgeSeconds: expect.any(Number) },
      latency: { p50Seconds: null, p95Seconds: null, count: 0 },
    })
    const deleted = worker.next('deleted')
    publish.open()
    await deleted
    expect(await worker.json('/status')).toMatchObject({ publishing: [], held: 0 })
    await worker.stop()
  })

  it('is not ready while it looks for its queue, says why, and is alive all the same', async () => {
    cloud.faults.add({ operation: 'GetQueueUrl', action: { kind: 'error', status: 503 } })
    const worker = await run({})
    const answer = await worker.get('/readyz')
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { ok: false, reasons: ['the worker has not found its queue yet'] },
    ])
    expect((await worker.get('/healthz')).status).toBe(200)
    await worker.stop()
  })

  it('is not ready while the bucket or the queue is out, with the reason, and is once they are back', async () => {
    const store = new MemoryStore({ name: 's3://packages' })
    const out = new StoreError('UNAVAILABLE', 's3://packages is out; try http://me:secret@s3 later', { store: 'x' })
    const head = vi.spyOn(store, 'head').mockRejectedValue(out)
    const action = { kind: 'error', status: 500, code: 'InternalError' } as const
    const rule = cloud.faults.add({ operation: 'GetQueueAttributes', action, from: 2 })
    let now = 0
    const clock = { now: () => now, after: (ms: number, act: () => void) => later(ms, act), random: () => 0.5 }
    const worker = await run({ repositories: 's3://packages/el9' }, { openBucket: () => store }, { clock })
    await worker.started
    const { ok, reasons } = await worker.json('/readyz', Ready)
    expect(ok).toBe(false)
    expect(reasons).toEqual([
      expect.stringContaining('cannot be reached for queue "additions"'),
      'UNAVAILABLE: s3://packages is out; try http://s3 later',
    ])
    head.mockRestore()
    cloud.faults.remove(rule)
    expect((await worker.json('/readyz', Ready)).ok, 'an answer is believed for a while').toBe(false)
    now += 15_000
    expect(await worker.json('/readyz')).toEqual({ ok: true, reasons: [] })
    await worker.stop()
  })

  it('says which keys are held in an outage', async () => {
    let isOut = true
    const worker = await run(
      {},
      {
        reconcile: async (...args) => {
          if (isOut) throw new StoreError('UNAVAILABLE', 'no answer', { store: 's3://packages' })
          return await publishAll(...args)
        },
      },
      { clock: { now: () => performance.now(), after: (ms, act) => later(Math.min(ms, 200), act), random: () => 0 } },
    )
    const held = worker.next('batch-held')
    await send(notification('el9/a.rpm'))
    await held
    const { status } = await worker.get('/readyz')
    expect(status).toBe(503)
    expect((await worker.json('/status', Status)).ready.reasons).toContain(
      's3://packages/el9/: 1 key is held: UNAVAILABLE: no answer',
    )
    await worker.stop()
    isOut = false
  })

  it('is not ready while nothing is signed, also when no message waits for it', async () => {
    let [now, isOut, expires] = [0, true, 4_000_000_000]
    const clock = { now: () => now, after: (ms: number, act: () => void) => later(ms, act), random: () => 0.5 }
    const signer = new WatchedSigner({
      publicKey: Buffer.from(''),
      sign: async () => {
        if (isOut) throw new SigningError('SIGNING_FAILED', 'the card was pulled out')
        return Buffer.from('signature')
      },
      verify: async () => true,
      keys: () => [{ fingerprint: 'ab', keyId: 'ab12', kind: 'RSA 4096', userId: 'Harbour', expires }],
    })
    const worker = await run({}, { signer }, { clock })
    await worker.started
    expect(await worker.json('/readyz')).toEqual({ ok: true, reasons: [] })
    await expect(signer.sign(Buffer.from('<repomd/>'))).rejects.toThrow('card')
    const reasons = ['nothing is signed, and so nothing published: SIGNING_FAILED: the card was pulled out']
    expect(await worker.json('/readyz')).toEqual({ ok: false, reasons })
    expect((await worker.get('/readyz')).status).toBe(503)
    isOut = false
    expect((await worker.json('/readyz', Ready)).ok, 'a card is not touched at every question').toBe(false)
    now += 60_000
    expect(await worker.json('/readyz')).toEqual({ ok: true, reasons: [] })
    expires = 1_700_000_000
    const over = ['nothing is signed, and so nothing published: key ab12 expired on 2023-11-14']
    expect(await worker.json('/readyz')).toEqual({ ok: false, reasons: over })
    await worker.stop()
  })

  it('is not ready either when the messages of a repository that is not signed here are given back', async () => {
    const reconcile: Reconcile = async () => {
      throw new RepositoryError('SIGNED', 'it is signed, and no key was given', 's3://packages/el9/')
    }
    const clock = { now: () => performance.now(), after: later, random: () => 0 }
    const worker = await run({}, { reconcile }, { clock: { ...clock, now: () => 100_000 * performance.now() } })
    const failed = worker.next('batch-failed')
    await send(notification('el9/a.rpm'))
    await failed
    expect((await worker.json('/readyz', Ready)).reasons).toContainEqual(expect.stringContaining('no key was given'))
    await worker.stop()
  })

  it('says at the start which key is over soon, and measures how long it lasts', async () => {
    const expires = Date.parse('2026-12-01T00:00:00Z') / 1000
    const keyring = { keys: [{ keyId: 'ab12', userId: 'Harbour', expires }], notes: [], acceptsWeak: false }
    const worker = await run({}, { keyring }, { date: () => new Date('2026-11-28T00:00:00Z') })
    await worker.started
    expect(worker.log()).toContain('key ab12 of Harbour in the keyring expires on 2026-12-01')
    const metrics = await (await worker.get('/metrics')).text()
    expect(metrics).toContain('repokeeper_keyring_key_expires_seconds{queue="additions"} 259200\n')
    expect(metrics).not.toMatch(/^repokeeper_signing_key_expires_seconds\{/m)
    await worker.stop()
  })

  it('asks the queue only when somebody looks, and then once for all who do within a quarter of a minute', async () => {
    const worker = await run({})
    await worker.started
    const asked = () => cloud.calls.list().filter(({ operation }) => operation === 'GetQueueAttributes').length
    const atStart = asked()
    for (const path of ['/healthz', '/metrics', '/history', '/scheduledJobs']) await worker.get(path)
    expect(asked()).toBe(atStart)
    await worker.get('/status')
    const once = asked()
    expect(once).toBeGreaterThan(atStart)
    await Promise.all(['/status', '/status', '/readyz', '/status'].map((path) => worker.get(path)))
    expect(asked()).toBe(once)
    await worker.stop()
  })

  it('tells the depth of its queue also where the dead-letter queue may not be asked', async () => {
    cloud.faults.add({ operation: '*', queue: 'dead', action: { kind: 'error', status: 403, code: 'AccessDenied' } })
    const worker = await run({})
    await worker.started
    expect(await worker.json('/status')).toMatchObject({
      ready: { ok: true },
      queueDepth: { visible: 0, inFlight: 0, delayed: 0, deadLetters: null, asOf: isoTime },
    })
    await worker.stop()
  })

  it('lists what is done now and then: of each repository when it was, how it went, and when it is next', async () => {
    let now = 0
    const timers = new Set<{ readonly at: number; readonly act: () => void }>()
    const clock = {
      now: () => now,
      after: (ms: number, act: () => void) => {
        const timer = { at: now + ms, act }
        timers.add(timer)
        return () => void timers.delete(timer)
      },
      random: () => 0.5,
    }
    const worker = await run(
      { repositories: 's3://packages/el9', auditInterval: '6h', gcInterval: '0' },
      { audit: async () => Promise.reject(new Error('no listing')) },
      { clock },
    )
    await worker.started
    const failed = worker.next('upkeep-failed')
    now = 4 * 3_600_000
    for (const timer of [...timers]) {
      if (timer.at > now) continue
      timers.delete(timer)
      timer.act()
    }
    await failed
    await vi.waitFor(async () => expect((await worker.json('/scheduledJobs', Jobs))[1]?.nextAt).not.toBeNull())
    const jobs = await worker.json('/scheduledJobs', Jobs)
    expect(jobs).toEqual([
      {
        name: 'heartbeat',
        repository: null,
        intervalSeconds: 60,
        lastStartedAt: isoTime,
        lastEndedAt: isoTime,
        lastOutcome: 'done',
        nextAt: isoTime,
        isRunning: false,
      },
      {
        name: 'audit',
        repository: 's3://packages/el9/',
        intervalSeconds: 21_600,
        lastStartedAt: isoTime,
        lastEndedAt: isoTime,
        lastOutcome: 'failed',
        nextAt: isoTime,
        isRunning: false,
      },
    ])
    const { nextAt, lastEndedAt } = jobs[1] ?? {}
    expect(Date.parse(nextAt ?? '') - Date.parse(lastEndedAt ?? '')).toBeCloseTo(21_600_000, -3)
    await worker.stop()
  })

  it('that cannot be opened ends the worker with 1, since whoever listens there may go, and says what to do', async () => {
    const first = await run({})
    const { port } = new URL((await first.get('/healthz')).url)
    const second = await run({ http: `127.0.0.1:${port}` })
    expect(await second.exitCode).toBe(1)
    expect(second.log()).toContain(`--http 127.0.0.1:${port} cannot be opened: something else listens there`)
    await first.stop()
  })
})

function later(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms)
  return () => clearTimeout(timer)
}

/** Connections that have sent this and read nothing, one after the other. */
async function holdOpen(port: number, howMany: number, text: string): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let index = 0; index < howMany; index += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    socket.write(text)
    sockets.push(socket)
  }
  return sockets
}

describe('the server of the endpoint', () => {
  const sources: OpsSources = {
    ready: async () => ({ ok: true, reasons: [] }),
    metrics: async () => ({ contentType: 'text/plain', text: 'm 1\n' }),
    history: () => [],
    scheduledJobs: () => [],
    status: async () => {
      throw new Error('broken at https://me:secret@host/')
    },
    packages: undefined,
    page: undefined,
  }
  const page = {
    html: '<!doctype html><p>hi',
    contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'; a-src b",
  }

  async function open(changed: Partial<OpsSources> = {}) {
    const server = await OpsServer.open({ host: '127.0.0.1', port: 0 }, { ...sources, ...changed })
    const { port } = server.address
    return { server, port, ask: (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init) }
  }

  it.each(['/healthz', '/readyz', '/metrics', '/history', '/scheduledJobs', '/', '/nothing'])(
    'keeps the answer of %s from being stored, sniffed, framed, run, or read by other origins',
    async (path) => {
      const { server, ask } = await open({ page })
      const answer = await ask(path, { headers: { Origin: 'https://elsewhere.example' } })
      const { headers } = answer
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect(headers.get('access-control-allow-origin')).toBeNull()
      await server.close()
    },
  )

  it('shows the page that it is given, under its own policy', async () => {
    const { server, ask } = await open({ page })
    const answer = await ask('/')
    expect(await answer.text()).toBe(page.html)
    expect(answer.headers.get('content-security-policy')).toBe(page.contentSecurityPolicy)
    await server.close()
  })

  it('has no page and no search where none is given', async () => {
    const { server, ask } = await open()
    for (const path of ['/', '/packages']) expect((await ask(path)).status).toBe(404)
    await server.close()
  })

  it('answers HEAD without a body, and nothing that would change something', async () => {
    const { server, ask } = await open()
    const head = await ask('/metrics', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '4', ''])
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await ask('/healthz', { method })
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'GET, HEAD'])
    }
    await server.close()
  })

  it('answers what breaks with 500, without a secret', async () => {
    const { server, ask } = await open()
    const answer = await ask('/status')
    expect([answer.status, await answer.json()]).toEqual([500, { error: 'broken at https://host/' }])
    await server.close()
  })

  it('answers whoever comes while others hold their connections and ask nothing: those that came first go', async () => {
    const { server, port, ask } = await open()
    const half = await holdOpen(port, 40, 'GET /healthz HTTP/1.1\r\n')
    expect(await (await ask('/healthz')).json()).toEqual({ ok: true })
    // 31 of them, and the one who asked.
    await vi.waitFor(() => expect(half.map(({ destroyed }) => destroyed)).toEqual(half.map((_, index) => index < 9)))
    await server.close()
  })

  it('answers whoever comes while others ask and do not read', async () => {
    const { server, port, ask } = await open({ page: { ...page, html: 'x'.repeat(8 * 2 ** 20) } })
    await holdOpen(port, 40, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    expect((await ask('/healthz')).status).toBe(200)
    await server.close()
  })

  it('closes for nobody a connection for which an answer is being made', async () => {
    const made = latch()
    const asked = vi.fn(() => made.opened)
    const { server, port, ask } = await open({ status: asked })
    const waiting = Array.from({ length: 32 }, () => ask('/status'))
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(32))
    await holdOpen(port, 20, 'GET')
    made.open()
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array.from({ length: 32 }, () => 200))
    await server.close()
  })

  it('refuses a head that has no end, and closes while somebody holds a connection', async () => {
    const { server, port, ask } = await open()
    expect((await ask('/healthz', { headers: { 'X-Long': 'x'.repeat(20_000) } })).status).toBe(431)
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n')
    const ended = new Promise((resolve) => socket.on('close', resolve).on('error', () => {}))
    await server.close()
    await ended
  })
})
