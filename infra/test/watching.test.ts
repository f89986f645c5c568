/**
 * Alarms and dashboards ask for metrics that somebody measures: of one that nobody does they show nothing, and say nothing.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { metricsCatalogue } from '@repokeeper/worker'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { combinationsOf } from './combinations.ts'
import { listOf, objectOf, type Stack, textOf } from './evaluate.ts'
import { exists, type Metric, prometheusSeries } from './metrics.ts'
import { folder, type Json } from './template.ts'

/** A metric with the values of its dimensions. */
interface Watched extends Metric {
  readonly by: string
  readonly of: readonly string[]
}

describe('CloudWatch', () => {
  const stacks = (['repository', 'lambda'] as const).flatMap((name) => combinationsOf(name))

  it('watches what AWS or a worker measures', () => {
    for (const { stack } of stacks) {
      const watched = [...alarmed(stack), ...shown(stack)]
      expect(watched.length).toBeGreaterThan(1)
      expect(watched.filter((metric) => !exists(metric))).toEqual([])
    }
  })

  it('watches queues and functions that the stack has', () => {
    for (const { stack } of stacks) {
      const names = [...stack.resources.values()].flatMap(({ properties: { QueueName } }) => QueueName ?? [])
      const functions = [...stack.resources].flatMap(([name, { type }]) =>
        type === 'AWS::Lambda::Function' ? [name] : [],
      )
      for (const { by, of } of [...alarmed(stack), ...shown(stack)]) {
        expect([...names, ...functions], by).toEqual(expect.arrayContaining([...of]))
      }
    }
  })

  it('alarms about dead letters, about the age of the oldest message, and about silence where somebody should speak', () => {
    for (const { parameters, stack } of combinationsOf('repository')) {
      const alarms = alarmed(stack).map(({ name, of }) => `${name} ${of}`)
      const queues = ['repo-additions', 'repo-removals']
      const heartbeats = parameters.Heartbeats === 'yes' ? queues.map((queue) => `repokeeper.heartbeat ${queue}`) : []
      expect(alarms).toEqual([
        ...queues.map((queue) => `ApproximateNumberOfMessagesVisible ${queue}-dead-letters`),
        ...queues.map((queue) => `ApproximateAgeOfOldestMessage ${queue}`),
        ...heartbeats,
      ])
    }
  })

  it('takes silence for an alarm only of heartbeats', () => {
    for (const { stack } of stacks) {
      for (const [name, { properties }] of alarmsOf(stack)) {
        const expected = name.endsWith('HeartbeatAlarm') ? 'breaching' : 'notBreaching'
        expect(properties.TreatMissingData, name).toBe(expected)
      }
    }
  })

  it('tells the topic of every alarm, and that it is over', () => {
    for (const { parameters, stack } of stacks) {
      const topics = parameters.AlarmTopicArn === '' ? undefined : [parameters.AlarmTopicArn]
      for (const [name, { properties }] of alarmsOf(stack)) {
        expect([properties.AlarmActions, properties.OKActions], name).toEqual([topics, topics])
      }
    }
  })

  it('shows every alarm of the stack', () => {
    for (const { stack } of combinationsOf('repository')) {
      const [first] = widgetsOf(stack)
      expect(first?.properties.alarms).toEqual(alarmsOf(stack).map(([name]) => `${name}.Arn`))
    }
  })
})

const Dashboard = z.object({
  panels: z.array(
    z.object({
      id: z.number(),
      title: z.string(),
      description: z.string().min(10),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).min(1),
    }),
  ),
  templating: z.object({ list: z.array(z.object({ name: z.string() })) }),
})

describe('Grafana', () => {
  const text = readFileSync(join(folder, 'grafana', 'repokeeper.json'), 'utf8')
  const dashboard = Dashboard.parse(JSON.parse(text))
  const series = [...text.matchAll(/repokeeper_\w+/g)].map(([name]) => name)

  it('asks for series that workers have, and for each of their metrics', () => {
    expect(series.filter((name) => !prometheusSeries.has(name))).toEqual([])
    const shownMetrics = new Set(series.map((name) => prometheusSeries.get(name)))
    expect([...shownMetrics].sort()).toEqual(metricsCatalogue.map(({ name }) => name).sort())
  })

  it('lets the reader choose the queue in every panel, and refers to no other variable', () => {
    const ownVariables = ['datasource', 'queue', '__rate_interval']
    const variables = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name)
    expect(variables.filter((name) => !ownVariables.includes(name) && name !== '__all')).toEqual([])
    const selections = dashboard.panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => expr.match(/repokeeper_\w+(\{[^}]*\})?/g) ?? []),
    )
    expect(selections.filter((selection) => !selection.endsWith('{queue=~"$queue"}'))).toEqual([])
  })

  it('asks for rates of what only climbs, and for quantiles of buckets', () => {
    for (const { expr } of dashboard.panels.flatMap(({ targets }) => targets)) {
      const climbing = expr.match(/repokeeper_\w+_(total|bucket|sum|count)\b/g) ?? []
      const rated = expr.match(/(rate|increase)\(repokeeper_\w+_(total|bucket|sum|count)\b/g) ?? []
      expect(rated.length, expr).toBe(climbing.length)
      expect(expr.includes('_bucket'), expr).toBe(expr.startsWith('histogram_quantile('))
    }
  })

  it('has a place of its own for each panel', () => {
    const places = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    )
    expect(new Set(places).size).toBe(places.length)
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })
})

function alarmsOf({ resources }: Stack) {
  return [...resources].filter(([, { type }]) => type === 'AWS::CloudWatch::Alarm')
}

function alarmed(stack: Stack): Watched[] {
  return alarmsOf(stack).map(([by, { properties }]) => {
    const dimensions = listOf(properties.Dimensions).map(objectOf)
    return {
      by,
      namespace: textOf(properties.Namespace),
      name: textOf(properties.MetricName),
      dimensions: dimensions.map(({ Name }) => textOf(Name)),
      of: dimensions.map(({ Value }) => textOf(Value)),
    }
  })
}

/** "Dashboard body structure and syntax". */
const Widget = z.object({
  type: z.enum(['alarm', 'metric']),
  properties: z.object({
    title: z.string(),
    alarms: z.array(z.string()).optional(),
    metrics: z.array(z.tuple([z.string(), z.string()]).rest(z.json())).default([]),
  }),
})

function widgetsOf({ resources }: Stack): z.output<typeof Widget>[] {
  const body = resources.get('Dashboard')?.properties.DashboardBody
  return body === undefined ? [] : z.object({ widgets: z.array(Widget) }).parse(JSON.parse(textOf(body))).widgets
}

/** A metric of a dashboard is namespace, name, then dimensions by name and value, then how it is drawn. */
function shown(stack: Stack): Watched[] {
  return widgetsOf(stack).flatMap(({ properties }) =>
    properties.metrics.map(([namespace, name, ...rest]) => {
      const pairs = rest.filter((part: Json): part is string => typeof part === 'string')
      return {
        by: properties.title,
        namespace,
        name,
        dimensions: pairs.filter((_, at) => at % 2 === 0),
        of: pairs.filter((_, at) => at % 2 === 1),
      }
    }),
  )
}
