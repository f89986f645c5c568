import { metricsCatalogue } from '@repokeeper/worker'

/** As CloudWatch names one: an alarm or a dashboard that asks for another shows nothing, and says nothing. */
export interface Metric {
  readonly namespace: string
  readonly name: string
  readonly dimensions: readonly string[]
}

/** AWS's own, by namespace, with the dimensions that they have: "Available CloudWatch metrics for Amazon SQS", "… for Lambda functions". */
const ofAws: Readonly<Record<string, { readonly dimensions: readonly string[]; readonly names: readonly string[] }>> = {
  'AWS/SQS': {
    dimensions: ['QueueName'],
    names: [
      'ApproximateAgeOfOldestMessage',
      'ApproximateNumberOfMessagesDelayed',
      'ApproximateNumberOfMessagesNotVisible',
      'ApproximateNumberOfMessagesVisible',
      'NumberOfEmptyReceives',
      'NumberOfMessagesDeleted',
      'NumberOfMessagesReceived',
      'NumberOfMessagesSent',
      'SentMessageSize',
    ],
  },
  'AWS/Lambda': {
    dimensions: ['FunctionName'],
    names: ['ConcurrentExecutions', 'Duration', 'Errors', 'Invocations', 'Throttles'],
  },
}

/** The embedded metric format that workers write into their log. */
const ofWorkers = { dimensions: ['Queue'], names: metricsCatalogue.map(({ name }): string => name) }

export function exists({ namespace, name, dimensions }: Metric): boolean {
  const known = namespace === 'repokeeper' ? ofWorkers : ofAws[namespace]
  return known?.names.includes(name) === true && dimensions.join() === known.dimensions.join()
}

/** As Prometheus has them, the series of histograms each for itself; by the metric's own name. */
export const prometheusSeries: ReadonlyMap<string, string> = new Map(
  metricsCatalogue.flatMap(({ name, kind }) => {
    const series = name.replaceAll('.', '_')
    const endings = { count: ['_total'], gauge: [''], histogram: ['_bucket', '_sum', '_count'] }[kind]
    return endings.map((ending) => [`${series}${ending}`, name] as const)
  }),
)
