/**
 * What a worker answers, made up: a good day, and a bad one.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { statusPage } from '@repokeeper/worker/status-page'

/** By path, what is answered as JSON. */
export interface WorkerAnswers {
  status: unknown
  history: unknown
  scheduledJobs: unknown
}

const queue = 'repo-additions'
const daysShown = 21

export function goodDay(now: Date): WorkerAnswers {
  const repository = 's3://my-packages/el9/x86_64/'
  return {
    status: {
      version: '0.1.0',
      queue,
      startedAt: before(now, 6 * 86_400),
      now: now.toISOString(),
      ready: { ok: true, reasons: [] },
      publishing: [{ bucket: 'my-packages', root: 'el9/x86_64/', keys: 12, since: before(now, 2) }],
      held: 0,
      queueDepth: { visible: 3, inFlight: 12, delayed: 0, oldestAgeSeconds: 4, deadLetters: 0, asOf: before(now, 3) },
      latency: { p50Seconds: 3.4, p95Seconds: 8.9, count: 1_284 },
      perDay: daysBefore(now),
      refused: [
        {
          at: before(now, 5_400),
          key: 'el9/x86_64/capstan-0.7.1-1.el9.x86_64.rpm',
          code: 'NOT_AN_RPM',
          reason: 'it is no RPM package: it begins with 3c68746d, not with edabeedb',
        },
      ],
      repositories: [
        {
          bucket: 'my-packages',
          root: 'el9/x86_64/',
          packages: 12_408,
          revision: '1795199874',
          publishedAt: before(now, 41),
        },
        {
          bucket: 'my-packages',
          root: 'el9/aarch64/',
          packages: 11_961,
          revision: '1795199412',
          publishedAt: before(now, 840),
        },
        {
          bucket: 'my-packages',
          root: 'el8/x86_64/',
          packages: 9_307,
          revision: '1794912003',
          publishedAt: before(now, 288_000),
        },
      ],
    },
    history: {
      queue,
      runs: [
        runOf(now, 41, repository, { added: 4, replaced: 1 }),
        runOf(now, 840, 's3://my-packages/el9/aarch64/', { added: 3 }),
        runOf(now, 2_210, repository, { added: 37, replaced: 2, removed: 6, keys: 45 }),
        runOf(now, 5_400, repository, { added: 11, refused: 1, keys: 12 }),
        runOf(now, 9_300, 's3://my-packages/el9/aarch64/', { added: 11, removed: 2 }),
        runOf(now, 11_400, repository, {
          outcome: 'held',
          reason: 's3://my-packages answers 503: it is tried again in 8 s',
        }),
      ],
    },
    scheduledJobs: [
      jobOf('heartbeat', null, 60, before(now, 30), before(now, -30)),
      jobOf('audit', repository, 21_600, before(now, 4_000), before(now, -17_600)),
      jobOf('clean-up', repository, 21_600, before(now, 9_000), before(now, -12_600)),
      { ...jobOf('second look', repository, 60, before(now, 30), null), isRunning: true },
    ],
  }
}

/** @param text stands in every place that a bucket or a queue could put a text into */
export function badDay(now: Date, text: string): WorkerAnswers {
  const good = goodDay(now)
  const status = {
    ...(good.status as Record<string, unknown>),
    queue: text,
    ready: { ok: false, reasons: [text] },
    publishing: [{ bucket: text, root: text, keys: 1, since: now.toISOString() }],
    held: 4,
    queueDepth: {
      visible: 4_210,
      inFlight: 0,
      delayed: 0,
      oldestAgeSeconds: null,
      deadLetters: 3,
      asOf: now.toISOString(),
    },
    latency: { p50Seconds: null, p95Seconds: null, count: 0 },
    perDay: [],
    refused: [{ at: now.toISOString(), key: text, code: text, reason: text }],
    repositories: [{ bucket: text, root: text, packages: 1, revision: text, publishedAt: null }],
  }
  return {
    status,
    history: { queue: text, runs: [runOf(now, 10, text, { outcome: 'failed', reason: text })] },
    scheduledJobs: [{ ...jobOf(text, text, 60, null, null), lastOutcome: text }],
  }
}

export interface ServedStatus {
  readonly origin: string
  /** What is answered from now on; `undefined` hangs up. */
  answers: WorkerAnswers | undefined
  close(): Promise<void>
}

/** As the worker serves it, with its policy. */
export async function serveStatus(first: WorkerAnswers): Promise<ServedStatus> {
  const served: { answers: WorkerAnswers | undefined } = { answers: first }
  const server = createServer((request, response) => {
    if (request.url === '/') {
      const { html, contentSecurityPolicy } = statusPage
      response.writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': contentSecurityPolicy,
      })
      response.end(html)
    } else if (served.answers === undefined) request.socket.destroy()
    else {
      const answer = new Map(Object.entries(served.answers)).get((request.url ?? '').slice(1))
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer ?? {}))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(served, {
    origin: `http://127.0.0.1:${port}`,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve()).closeAllConnections()),
  })
}

function before(now: Date, seconds: number): string {
  return new Date(now.getTime() - seconds * 1_000).toISOString()
}

function daysBefore(now: Date) {
  return Array.from({ length: daysShown }, (_, index) => {
    const day = before(now, (daysShown - 1 - index) * 86_400).slice(0, 10)
    const isWeekend = [0, 6].includes(new Date(day).getUTCDay())
    const busy = isWeekend ? 0.2 : 1
    return {
      day,
      added: Math.round(busy * (60 + ((index * 37) % 90))),
      replaced: Math.round(busy * ((index * 11) % 20)),
      removed: Math.round(busy * ((index * 23) % 40)),
    }
  })
}

function runOf(now: Date, seconds: number, repository: string, parts: Record<string, unknown>) {
  const none = { added: 0, replaced: 0, removed: 0, kept: 0, absent: 0, refused: 0, undecided: 0 }
  const run = { startedAt: before(now, seconds), durationMs: 640 + (seconds % 900), repository, keys: 5, messages: 5 }
  return {
    ...run,
    ...none,
    refusals: [],
    publishes: 1,
    conflicts: 0,
    bytesSent: 8_000_000,
    outcome: 'settled',
    ...parts,
  }
}

function jobOf(
  name: string,
  repository: string | null,
  intervalSeconds: number,
  last: string | null,
  nextAt: string | null,
) {
  return {
    name,
    repository,
    intervalSeconds,
    lastStartedAt: last,
    lastEndedAt: last,
    lastOutcome: 'done',
    nextAt,
    isRunning: false,
  }
}
