import type { Measurement, MetricsSink } from './metrics.ts'
import { describeMetric } from './metrics-catalogue.ts'

export interface EmfOptions {
  readonly queue: string
  readonly date: () => Date
  /** One line without its end. */
  readonly write: (line: string) => void
}

/** CloudWatch, "Specification: Embedded metric format": an array of values has at most 100. */
const valuesMax = 100

/** Writes the measurements as lines of JSON, of which CloudWatch Logs makes metrics by itself. */
export class EmfSink implements MetricsSink {
  readonly name = 'embedded metric format'
  readonly #options: EmfOptions

  constructor(options: EmfOptions) {
    this.#options = options
  }

  take(measurements: readonly Measurement[]): void {
    const { queue, date, write } = this.#options
    let left = measurements
    while (left.length > 0) {
      write(JSON.stringify(documentOf(left, queue, date())))
      left = left
        .map(({ name, values }) => ({ name, values: values.slice(valuesMax) }))
        .filter(({ values }) => values.length > 0)
    }
  }

  async close(): Promise<void> {}
}

/** The root has the metadata, the dimension, and for each metric that the metadata names a number or an array of them. */
function documentOf(measurements: readonly Measurement[], queue: string, now: Date): Readonly<Record<string, unknown>> {
  const Metrics = measurements.map(({ name }) => ({
    Name: name,
    Unit: describeMetric(name).unit === 'seconds' ? 'Seconds' : 'Count',
  }))
  return {
    _aws: {
      Timestamp: now.getTime(),
      CloudWatchMetrics: [{ Namespace: 'repokeeper', Dimensions: [['Queue']], Metrics }],
    },
    Queue: queue,
    ...Object.fromEntries(
      measurements.map(({ name, values }) => [name, values.length === 1 ? values[0] : values.slice(0, valuesMax)]),
    ),
  }
}
