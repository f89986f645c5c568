/** What a worker measures. Dashboards and alarms rely on these names: one that is to change is a new one beside the old. */
export interface MetricDescription {
  readonly name: `repokeeper.${string}`
  /** A count adds up, a gauge is what holds now, a histogram is how values are spread. */
  readonly kind: 'count' | 'gauge' | 'histogram'
  readonly unit: 'count' | 'seconds'
  readonly description: string
}

export const metricsCatalogue = [
  {
    name: 'repokeeper.heartbeat',
    kind: 'count',
    unit: 'count',
    description: 'one for every run and one every minute: a worker that is silent is gone',
  },
  {
    name: 'repokeeper.packages.added',
    kind: 'count',
    unit: 'count',
    description: 'packages that were not listed and are now',
  },
  {
    name: 'repokeeper.packages.replaced',
    kind: 'count',
    unit: 'count',
    description: 'packages that were listed and have other content now',
  },
  {
    name: 'repokeeper.packages.removed',
    kind: 'count',
    unit: 'count',
    description: 'packages that were listed and are gone',
  },
  {
    name: 'repokeeper.packages.refused',
    kind: 'count',
    unit: 'count',
    description:
      'objects that are no usable packages, not signed as they have to be, or rejected by an inbox, once for each run that looked at them',
  },
  {
    name: 'repokeeper.publish.seconds',
    kind: 'histogram',
    unit: 'seconds',
    description: 'a publish that landed, from its snapshot to its repomd.xml',
  },
  {
    name: 'repokeeper.event_to_published.seconds',
    kind: 'histogram',
    unit: 'seconds',
    description:
      'a change, from the time that the store gives its event to the publish that covers it; 0 where the clocks differ so far',
  },
  {
    name: 'repokeeper.conflicts',
    kind: 'count',
    unit: 'count',
    description: 'publishes that were lost to another worker and done again',
  },
  {
    name: 'repokeeper.unreadable',
    kind: 'count',
    unit: 'count',
    description: 'messages, or records of them, that nobody can read, once for each delivery',
  },
  {
    name: 'repokeeper.messages_held',
    kind: 'gauge',
    unit: 'count',
    description: 'messages that are received and neither deleted nor given back',
  },
  {
    name: 'repokeeper.last_success_timestamp.seconds',
    kind: 'gauge',
    unit: 'seconds',
    description:
      'the last time, in seconds since 1970, that a run settled, or the queue was found empty with no message held',
  },
  {
    name: 'repokeeper.signing_key_expires.seconds',
    kind: 'gauge',
    unit: 'seconds',
    description:
      'how long the first of the keys that sign, now or next, still lasts; negative where it is over, absent where none ever is',
  },
  {
    name: 'repokeeper.keyring_key_expires.seconds',
    kind: 'gauge',
    unit: 'seconds',
    description:
      'how long the first of the keys of the keyring still lasts that are not over; absent where none ever is',
  },
  {
    name: 'repokeeper.upkeep_failures',
    kind: 'count',
    unit: 'count',
    description: 'audits, clean-ups and second looks that could not be done',
  },
] as const satisfies readonly MetricDescription[]

export type MetricName = (typeof metricsCatalogue)[number]['name']

export function describeMetric(name: MetricName): MetricDescription {
  const described = metricsCatalogue.find((metric) => metric.name === name)
  // Every name is of the table.
  if (described === undefined) throw new Error(`${name} is not in the catalogue`)
  return described
}
