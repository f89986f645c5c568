import type { WorkerEvents } from './events.ts'
import type { MetricsSink } from './metrics.ts'
import { EmfSink } from './metrics-emf.ts'
import { StatsdSink } from './metrics-statsd.ts'
import { parseAddress } from './network-address.ts'
import type { WorkerOptions } from './options.ts'

export interface OutwardSinksOptions {
  readonly options: Pick<WorkerOptions, 'statsd' | 'emf'>
  readonly events: WorkerEvents
  readonly date: () => Date
  /** Where lines of the embedded metric format go. */
  readonly stdout: { write(text: string): unknown }
}

/** Those that the options name. */
export function outwardSinks({ options, events, date, stdout }: OutwardSinksOptions, queue: string): MetricsSink[] {
  const sinks: MetricsSink[] = []
  const address = options.statsd === undefined ? undefined : parseAddress(options.statsd)
  if (address !== undefined) {
    let isSaid = false
    const onFault = (error: Error): void => {
      if (!isSaid) events.emit('metrics-failed', { sink: 'StatsD', error })
      isSaid = true
    }
    sinks.push(new StatsdSink({ ...address, queue, onFault }))
  }
  if (options.emf) sinks.push(new EmfSink({ queue, date, write: (line) => void stdout.write(`${line}\n`) }))
  return sinks
}
