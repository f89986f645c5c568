import { StatsD } from 'hot-shots'
import type { Measurement, MetricsSink } from './metrics.ts'
import { describeMetric } from './metrics-catalogue.ts'

export interface StatsdOptions {
  readonly host: string
  readonly port: number
  readonly queue: string
  /** A datagram could not be sent. May be called often. */
  readonly onFault: (error: Error) => void
}

/** Below the 1,500 bytes of an Ethernet frame: what is cut up in between is lost with any of its parts. */
const datagramBytesMax = 1_400
const gatherMs = 200

/** Sends the measurements by UDP in the form of DogStatsD, with the tag `queue`; what nobody receives is lost. */
export class StatsdSink implements MetricsSink {
  readonly name = 'StatsD'
  readonly #client: StatsD

  constructor({ host, port, queue, onFault }: StatsdOptions) {
    this.#client = new StatsD({
      host,
      port,
      globalTags: { queue },
      errorHandler: onFault,
      cacheDns: true,
      maxBufferSize: datagramBytesMax,
      bufferFlushInterval: gatherMs,
      // What Datadog's own variables say of a service is not said of a worker's metrics.
      includeDataDogTags: false,
      includeDatadogTelemetry: false,
    })
  }

  take(measurements: readonly Measurement[]): void {
    for (const { name, values } of measurements) {
      const { kind } = describeMetric(name)
      for (const value of values) {
        if (kind === 'count') this.#client.increment(name, value)
        else if (kind === 'gauge') this.#client.gauge(name, value)
        else this.#client.histogram(name, value)
      }
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#client.close(() => resolve()))
  }
}
