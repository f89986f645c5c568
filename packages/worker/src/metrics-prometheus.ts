import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Measurement, MetricsSink } from './metrics.ts'
import { type MetricDescription, type MetricName, metricsCatalogue } from './metrics-catalogue.ts'

/** From a publish of a small repository to an outage that is waited for. */
const secondsBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600]

/** The measurements as Prometheus scrapes them: its text format, all with the label `queue`. */
export class PrometheusSink implements MetricsSink {
  readonly name = 'Prometheus'
  readonly #registry = new Registry()
  readonly #takers: ReadonlyMap<MetricName, (value: number) => void>

  constructor(queue: string) {
    this.#takers = new Map(metricsCatalogue.map((metric) => [metric.name, this.#register(metric, queue)]))
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  take(measurements: readonly Measurement[]): void {
    for (const { name, values } of measurements) {
      for (const value of values) this.#takers.get(name)?.(value)
    }
  }

  async close(): Promise<void> {}

  /** Counts and histograms begin at 0, so that the first of a kind is seen as an increase. */
  #register(metric: MetricDescription, queue: string): (value: number) => void {
    const { kind, description: help } = metric
    const options = { name: prometheusName(metric), help, labelNames: ['queue'] as const, registers: [this.#registry] }
    const labels = { queue }
    switch (kind) {
      case 'count': {
        const counter = new Counter(options)
        counter.inc(labels, 0)
        return (value) => counter.inc(labels, value)
      }
      case 'gauge': {
        const gauge = new Gauge(options)
        return (value) => gauge.set(labels, value)
      }
      case 'histogram': {
        const histogram = new Histogram({ ...options, buckets: secondsBuckets })
        histogram.zero(labels)
        return (value) => histogram.observe(labels, value)
      }
      default:
        return kind satisfies never
    }
  }
}

/** Prometheus, "Metric and label naming": underscores, and counters end in `_total`. */
export function prometheusName({ name, kind }: Pick<MetricDescription, 'name' | 'kind'>): string {
  return `${name.replaceAll('.', '_')}${kind === 'count' ? '_total' : ''}`
}
