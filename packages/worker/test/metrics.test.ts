import { createSocket } from 'node:dgram'
import type { KeyVerdict } from '@repokeeper/repository'
import { describe, expect, it } from 'vitest'
import { HeldMessages } from '../src/held-messages.ts'
import { Metrics, type MetricsSink } from '../src/metrics.ts'
import { metricsCatalogue } from '../src/metrics-catalogue.ts'
import { EmfSink } from '../src/metrics-emf.ts'
import { PrometheusSink } from '../src/metrics-prometheus.ts'
import { StatsdSink } from '../src/metrics-statsd.ts'
import type { Reconcile } from '../src/reconcile.ts'
import { type BenchOptions, bench, coverAll, notification } from './bench.ts'

const startOfTime = Date.UTC(2026, 10, 21, 12)

/** A worker that is measured; its time of day goes with its clock. */
function measured(sinks: readonly MetricsSink[], options: BenchOptions = {}) {
  const made = bench(options)
  const date = () => new Date(startOfTime + made.clock.now())
  const held = new HeldMessages(made.parts.events)
  const metrics = new Metrics(made.parts.events, { sinks, held, keys: () => [], clock: made.clock, date })
  return { ...made, metrics, date }
}

/** One of each: a publish that was lost to another and then landed. */
const everything: Reconcile = async (_location, keys, { onEvent }) => {
  const repository = 's3://packages/el9/'
  onEvent({ kind: 'lost the race', repository, attempt: 1, waitMilliseconds: 5 })
  onEvent({ kind: 'published', repository, revision: '17', packages: 4, bytesSent: 1000, milliseconds: 700 })
  const changes = ['added', 'replaced', 'removed', 'kept', 'absent'] as const
  const verdicts = [...keys].map((key): readonly [string, KeyVerdict] => {
    const change = changes.find((name) => key.includes(name))
    if (change === undefined) return [key, { kind: 'refused', code: 'BAD', reason: 'no lead' }]
    return [key, { kind: 'covered', change }]
  })
  return { verdicts: new Map(verdicts) }
}

/** What happened to these keys, so many seconds after the start of time. */
function eventAt(seconds: number, ...keys: readonly string[]): string {
  const { Records } = JSON.parse(notification(...keys)) as { Records: object[] }
  const eventTime = new Date(startOfTime + seconds * 1000).toISOString()
  return JSON.stringify({ Records: Records.map((record) => ({ ...record, eventTime })) })
}

/** One run in which everything happens: two seconds of a batch after the first change. */
async function runOnce({ worker, queue, clock }: ReturnType<typeof measured>): Promise<void> {
  worker.start()
  queue.send('m1', eventAt(-5, 'el9/added.rpm', 'el9/added-2.rpm', 'el9/replaced.rpm'))
  queue.send('m2', eventAt(-3.5, 'el9/removed.rpm', 'el9/kept.rpm', 'el9/absent.rpm', 'el9/bad.rpm'))
  queue.send('m3', 'hello')
  await clock.pass(2_000)
}

/** `name{labels} value` lines by what stands before the value. */
function parseMetrics(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, sample, value] = /^([a-z_]+(?:\{(?:[a-z_]+="[^"\\]*",?)*\})?) ([0-9.e+-]+|NaN|\+Inf)$/.exec(line) ?? []
    if (sample === undefined) throw new Error(`this is no sample: ${line}`)
    samples.set(sample, Number(value))
  }
  return samples
}

describe('Prometheus', () => {
  it('counts what a run did, and how long each change waited for the publish that covers it', async () => {
    const sink = new PrometheusSink('additions')
    const made = measured([sink], { reconcile: everything })
    await runOnce(made)
    sink.take(made.metrics.gauges())
    const samples = parseMetrics(await sink.text())
    const of = (name: string) => samples.get(`repokeeper_${name}{queue="additions"}`)
    expect({
      heartbeat: of('heartbeat_total'),
      added: of('packages_added_total'),
      replaced: of('packages_replaced_total'),
      removed: of('packages_removed_total'),
      refused: of('packages_refused_total'),
      publishes: of('publish_seconds_count'),
      publishSeconds: of('publish_seconds_sum'),
      waits: of('event_to_published_seconds_count'),
      waitedSeconds: of('event_to_published_seconds_sum'),
      conflicts: of('conflicts_total'),
      upkeepFailures: of('upkeep_failures_total'),
      lastSuccess: of('last_success_timestamp_seconds'),
    }).toEqual({
      heartbeat: 1,
      added: 2,
      replaced: 1,
      removed: 1,
      refused: 1,
      publishes: 1,
      publishSeconds: 0.7,
      // 5 and 3.5 s before the start, published 2 s after it. What was so already has waited for nobody.
      waits: 4,
      waitedSeconds: 3 * 7 + 5.5,
      conflicts: 1,
      upkeepFailures: 0,
      lastSuccess: startOfTime / 1000 + 2,
    })
    expect(of('unreadable_total')).toBeGreaterThanOrEqual(1)
    await made.worker.stop()
    await made.metrics.close()
  })

  it('never has a wait below zero, however far the clocks of store and worker differ', async () => {
    const sink = new PrometheusSink('additions')
    const made = measured([sink])
    made.worker.start()
    made.queue.send('m1', eventAt(3_600, 'el9/added.rpm'))
    await made.clock.pass(2_000)
    const samples = parseMetrics(await sink.text())
    expect(samples.get('repokeeper_event_to_published_seconds_sum{queue="additions"}')).toBe(0)
    expect(samples.get('repokeeper_event_to_published_seconds_count{queue="additions"}')).toBe(1)
    await made.worker.stop()
    await made.metrics.close()
  })

  it('has a heartbeat every minute without any run, and says how many messages are held', async () => {
    const sink = new PrometheusSink('additions')
    const made = measured([sink], { windows: { quietMs: 600_000, longestWaitMs: 600_000, keysMax: 9 } })
    made.worker.start()
    made.queue.send('m1', notification('el9/a.rpm'))
    // The first after half a minute, by the bench's chance.
    await made.clock.pass(150_000)
    const samples = parseMetrics(await sink.text())
    expect(samples.get('repokeeper_heartbeat_total{queue="additions"}')).toBe(3)
    expect(samples.get('repokeeper_messages_held{queue="additions"}')).toBe(1)
    await made.worker.stop()
    expect(made.metrics.gauges()[0]).toEqual({ name: 'repokeeper.messages_held', values: [0] })
    await made.metrics.close()
  })
})

describe('DogStatsD', () => {
  it('receives counts, gauges and histograms with the queue as a tag, on a real socket', async () => {
    const server = createSocket('udp4')
    const lines = new Set<string>()
    const wanted = [
      'repokeeper.packages.added:2|c|#queue:additions',
      'repokeeper.packages.refused:1|c|#queue:additions',
      'repokeeper.heartbeat:1|c|#queue:additions',
      'repokeeper.publish.seconds:0.7|h|#queue:additions',
      'repokeeper.event_to_published.seconds:5.5|h|#queue:additions',
      `repokeeper.last_success_timestamp.seconds:${startOfTime / 1000 + 2}|g|#queue:additions`,
    ]
    const arrived = new Promise<void>((resolve) =>
      server.on('message', (datagram) => {
        for (const line of datagram.toString().split('\n')) lines.add(line)
        if (wanted.every((line) => lines.has(line))) resolve()
      }),
    )
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
    const faults: Error[] = []
    const { port } = server.address()
    const sink = new StatsdSink({ host: '127.0.0.1', port, queue: 'additions', onFault: (error) => faults.push(error) })
    const made = measured([sink], { reconcile: everything })
    await runOnce(made)
    await made.worker.stop()
    await made.metrics.close()
    await arrived
    server.close()
    expect(faults).toEqual([])
  })
})

describe('the embedded metric format', () => {
  it('is a line of JSON by the rules of its specification, for every run and minute', async () => {
    const lines: string[] = []
    const sink = new EmfSink({
      queue: 'additions',
      date: () => new Date(startOfTime),
      write: (line) => lines.push(line),
    })
    const made = measured([sink], { reconcile: everything })
    await runOnce(made)
    await made.worker.stop()
    await made.metrics.close()
    const documents = lines.map((line) => readEmf(line))
    const values = (name: string) => documents.flatMap(({ metrics }) => metrics.get(name)?.values ?? [])
    expect(values('repokeeper.packages.added')).toEqual([2])
    expect(values('repokeeper.publish.seconds')).toEqual([0.7])
    expect(values('repokeeper.event_to_published.seconds')).toEqual([7, 7, 7, 5.5])
    expect(values('repokeeper.conflicts')).toEqual([1])
    expect(documents.every(({ namespace, queue }) => namespace === 'repokeeper' && queue === 'additions')).toBe(true)
    expect(documents.find(({ metrics }) => metrics.has('repokeeper.publish.seconds'))?.metrics).toEqual(
      new Map([['repokeeper.publish.seconds', { values: [0.7], unit: 'Seconds' }]]),
    )
  })

  it('holds no more than a hundred values of one metric in a line, and loses none', () => {
    const lines: string[] = []
    const sink = new EmfSink({ queue: 'q', date: () => new Date(startOfTime), write: (line) => lines.push(line) })
    const values = Array.from({ length: 250 }, (_, at) => at)
    sink.take([
      { name: 'repokeeper.heartbeat', values: [1] },
      { name: 'repokeeper.event_to_published.seconds', values },
    ])
    const documents = lines.map((line) => readEmf(line))
    const metric = 'repokeeper.event_to_published.seconds'
    expect(documents.map(({ metrics }) => metrics.get(metric)?.values.length)).toEqual([100, 100, 50])
    expect(documents.flatMap(({ metrics }) => metrics.get(metric)?.values ?? [])).toEqual(values)
    expect(documents.flatMap(({ metrics }) => metrics.get('repokeeper.heartbeat')?.values ?? [])).toEqual([1])
  })
})

it('a sink that fails is said once, and neither stops the work nor the other sinks', async () => {
  const broken: MetricsSink = {
    name: 'broken',
    take: () => {
      throw new Error('the disk is full')
    },
    close: async () => {},
  }
  const sink = new PrometheusSink('additions')
  const made = measured([broken, sink], { reconcile: coverAll })
  await runOnce(made)
  await made.clock.pass(120_000)
  expect(made.queue.deleted).toContain('m1')
  expect(made.eventsNamed('metrics-failed')).toMatchObject([{ sink: 'broken' }])
  expect(parseMetrics(await sink.text()).get('repokeeper_packages_added_total{queue="additions"}')).toBeGreaterThan(0)
  await made.worker.stop()
  await made.metrics.close()
})

it('every metric of the catalogue is known to Prometheus by the one name that its kind gives it', async () => {
  const text = await new PrometheusSink('q').text()
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type])
  const typeOf = { count: 'counter', gauge: 'gauge', histogram: 'histogram' } as const
  expect(types).toEqual(
    metricsCatalogue.map(({ name, kind }) => [
      `${name.replaceAll('.', '_')}${kind === 'count' ? '_total' : ''}`,
      typeOf[kind],
    ]),
  )
  // Counts and histograms are there before anything happened.
  expect(parseMetrics(text).get('repokeeper_conflicts_total{queue="q"}')).toBe(0)
})

interface EmfDocument {
  readonly namespace: unknown
  readonly queue: unknown
  readonly metrics: ReadonlyMap<string, { readonly values: readonly number[]; readonly unit: unknown }>
}

/**
 * CloudWatch, "Specification: Embedded metric format": root node, metadata object, MetricDirective, dimension sets, MetricDefinition.
 * @throws Error where a line breaks one of its rules
 */
function readEmf(line: string): EmfDocument {
  const must = (rule: string, holds: boolean): void => {
    if (!holds) throw new Error(`${rule}: ${line}`)
  }
  must('one line', !line.includes('\n'))
  must('at most 256 KB', Buffer.byteLength(line) <= 256 * 1024)
  const root = JSON.parse(line) as Record<string, unknown> & {
    _aws: { Timestamp: number; CloudWatchMetrics: Record<string, unknown>[] }
  }
  const { Timestamp, CloudWatchMetrics } = root._aws
  must('the metadata has two members', Object.keys(root._aws).toSorted().join() === 'CloudWatchMetrics,Timestamp')
  must('milliseconds since 1970', Number.isInteger(Timestamp) && Math.abs(Timestamp - startOfTime) < 86_400_000)
  must('directives', Array.isArray(CloudWatchMetrics) && CloudWatchMetrics.length === 1)
  const { Namespace, Dimensions, Metrics } = CloudWatchMetrics[0] as {
    Namespace: unknown
    Dimensions: string[][]
    Metrics: { Name: string; Unit?: string }[]
  }
  must('a namespace', typeof Namespace === 'string')
  must(
    'at most 30 keys in a dimension set',
    Dimensions.every((keys) => keys.length <= 30),
  )
  must(
    'a dimension is a text at the root',
    Dimensions.flat().every((key) => typeof root[key] === 'string'),
  )
  must('1 to 100 metrics', Metrics.length >= 1 && Metrics.length <= 100)
  must('no metric twice', new Set(Metrics.map(({ Name }) => Name)).size === Metrics.length)
  const metrics = new Map<string, { values: number[]; unit: unknown }>()
  for (const { Name, Unit } of Metrics) {
    must('a name of 1 to 1024 characters', Name.length >= 1 && Name.length <= 1024)
    must('a unit of MetricDatum', ['Seconds', 'Count', 'None'].includes(Unit ?? 'None'))
    const values = [root[Name]].flat()
    must('a number or an array of at most 100', values.length >= 1 && values.length <= 100)
    must(
      'numbers',
      values.every((value) => typeof value === 'number' && Number.isFinite(value)),
    )
    metrics.set(Name, { values: values as number[], unit: Unit })
  }
  const known = new Set(['_aws', ...Dimensions.flat(), ...metrics.keys()])
  must(
    'nothing else at the root',
    Object.keys(root).every((key) => known.has(key)),
  )
  return { namespace: Namespace, queue: root.Queue, metrics }
}
