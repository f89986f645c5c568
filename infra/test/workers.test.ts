/**
 * The pair on Fargate and on Lambda: what each is told, and how it is stopped, replaced and called.
 */
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { combinationsOf } from './combinations.ts'
import {
  complaintOf,
  evaluate,
  listOf,
  objectOf,
  type ParameterValues,
  type Resource,
  type Stack,
  textOf,
} from './evaluate.ts'
import { expectHealthCheck } from './health-check.ts'
import { type JsonObject, readTemplate } from './template.ts'
import { expectKeys, optionsOf } from './worker-environment.ts'

const pair = [
  ['Additions', 'repo-additions'],
  ['Removals', 'repo-removals'],
] as const

/** Seconds that a worker takes beyond its grace: five until a publish has noticed that it was given up, and the calls that give messages back. */
const givingBackSeconds = 10

describe.each(pair)('on Fargate, %s', (name, queue) => {
  const combinations = combinationsOf('workers')

  it('is told its queue and its repositories, by options that a worker has', () => {
    for (const { parameters, stack } of combinations) {
      const options = optionsOf(environmentOf(container(stack, name)))
      const named = textOf(parameters.Repositories)
      expect(options.queue).toBe(queue)
      expect(options.repositories).toEqual(named === '' ? [`s3://my-packages/${parameters.Prefix}*`] : named.split(','))
    }
  })

  it('is told where the keys lie that sign and verify, by options that a worker has', () => {
    for (const { parameters, stack } of combinations) {
      expectKeys(optionsOf(environmentOf(container(stack, name))), parameters)
    }
  })

  it('is given the time to finish or to give its messages back, and no more than Fargate has', () => {
    for (const { stack } of combinations) {
      const { StopTimeout, ...rest } = container(stack, name)
      const { graceSeconds } = optionsOf(environmentOf(rest))
      expect(Number(StopTimeout)).toBeGreaterThanOrEqual(graceSeconds + givingBackSeconds)
      expect(Number(StopTimeout)).toBeLessThanOrEqual(120)
    }
  })

  it('is two at least, of which none stops before a new one runs', () => {
    const declaration = readTemplate('workers').Parameters.WorkersPerQueue
    if (declaration === undefined) throw new Error('there is no WorkersPerQueue')
    expect(complaintOf(declaration, 1)).toBeDefined()
    for (const { stack } of combinations) {
      const { properties } = resource(stack, `${name}Service`)
      expect(Number(properties.DesiredCount)).toBe(2)
      expect(properties.TaskDefinition).toBe(`${name}Task`)
      expect(properties.DeploymentConfiguration).toMatchObject({ MinimumHealthyPercent: 100, MaximumPercent: 200 })
      expect(properties.AvailabilityZoneRebalancing).toBe('ENABLED')
    }
  })

  it('runs as nobody, and writes its cache alone', () => {
    for (const { stack } of combinations) {
      const worker = container(stack, name)
      const [mount, ...more] = listOf(worker.MountPoints).map(objectOf)
      expect(more).toEqual([])
      expect(worker).toMatchObject({ User: 'node', ReadonlyRootFilesystem: true })
      expect(worker.LinuxParameters).toMatchObject({ Capabilities: { Drop: ['ALL'] } })
      expect(environmentOf(worker).REPOKEEPER_CACHE_DIR).toBe(mount?.ContainerPath)
      expect(listOf(resource(stack, `${name}Task`).properties.Volumes)).toEqual([{ Name: mount?.SourceVolume }])
    }
  })

  it('writes metrics into its log, and answers only in its container', () => {
    for (const { stack } of combinations) {
      const environment = environmentOf(container(stack, name))
      expect(environment).toMatchObject({ REPOKEEPER_HTTP: '127.0.0.1:5000', REPOKEEPER_EMF: 'true' })
    }
  })
})

it('on Fargate is healthy where the worker says so', async () => {
  const checks = combinationsOf('workers').flatMap(({ stack }) =>
    pair.map(([name]) => listOf(objectOf(container(stack, name).HealthCheck).Command).map(textOf)),
  )
  const [check, ...others] = [...new Set(checks.map((command) => JSON.stringify(command)))]
  expect(others, 'each worker has the same').toEqual([])
  const [kind, ...command] = z.array(z.string()).parse(JSON.parse(check ?? ''))
  expect(kind).toBe('CMD')
  await expectHealthCheck(command)
})

describe.each(pair)('on Lambda, %s', (name, queue) => {
  const combinations = combinationsOf('lambda')

  it('is told its repositories, by options that a worker has', () => {
    for (const { parameters, stack } of combinations) {
      const named = textOf(parameters.Repositories)
      expect(functionOptions(stack, name).repositories).toEqual(
        named === '' ? [`s3://my-packages/${parameters.Prefix}*`] : named.split(','),
      )
    }
  })

  it('is told where the keys lie that sign and verify, by options that a worker has', () => {
    for (const { parameters, stack } of combinations) {
      expectKeys(functionOptions(stack, name), parameters)
    }
  })

  it('is given what its queue has gathered, and gives back one by one what it could not publish', () => {
    for (const { stack } of combinations) {
      const { properties } = resource(stack, `${name}Source`)
      expect(properties.FunctionName).toBe(`${name}Function`)
      expect(textOf(properties.EventSourceArn)).toBe(`arn:aws:sqs:eu-central-1:123456789012:${queue}`)
      expect(properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures'])
      // "A batch of more than ten needs a window."
      expect(Number(properties.BatchSize)).toBeGreaterThan(10)
      expect(Number(properties.MaximumBatchingWindowInSeconds)).toBeGreaterThanOrEqual(1)
    }
  })

  it('reads no more of its queue than so many functions can take: what is throttled would count as a fruitless try', () => {
    for (const { stack } of combinations) {
      const { ReservedConcurrentExecutions } = resource(stack, `${name}Function`).properties
      const { ScalingConfig } = resource(stack, `${name}Source`).properties
      expect(ScalingConfig).toEqual({ MaximumConcurrency: ReservedConcurrentExecutions })
    }
  })
})

it('tells with the queues the time that Lambda wants: six times that of a function', () => {
  const { TimeoutSeconds } = readTemplate('lambda').Parameters
  const { VisibilityTimeoutSeconds } = readTemplate('repository').Parameters
  expect(VisibilityTimeoutSeconds?.Description).toContain(String(6 * Number(TimeoutSeconds?.Default)))
})

describe.each(['workers', 'workers-ec2', 'lambda'] as const)(
  '%s.yaml takes no keys that do not go together:',
  (name) => {
    const [{ parameters = {} } = {}] = combinationsOf(name)
    const arn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:one-AbCdEf'

    it.each<[string, ParameterValues]>([
      ['a next key without a day', { SigningKeyArn: arn, NextSigningKeyArn: arn }],
      ['a next key that follows none', { NextSigningKeyArn: arn, NextSigningFrom: '2027-01-31' }],
      ['a day without a next key', { SigningKeyArn: arn, NextSigningFrom: '2027-01-31' }],
      ['a passphrase without a key', { SigningPassphraseArn: arn }],
    ])('%s', (_, keys) => {
      expect(evaluate(readTemplate(name), { ...parameters, ...keys })).toBeUndefined()
    })
  },
)

function functionOptions(stack: Stack, name: string) {
  const variables = objectOf(objectOf(resource(stack, `${name}Function`).properties.Environment).Variables)
  const environment = Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, textOf(value)]))
  // It has no queue of its own: Lambda reads it.
  return optionsOf({ ...environment, REPOKEEPER_QUEUE: 'none' })
}

function container(stack: Stack, name: string): JsonObject {
  const [worker, ...others] = listOf(resource(stack, `${name}Task`).properties.ContainerDefinitions)
  expect(others).toEqual([])
  return objectOf(worker)
}

function environmentOf({ Environment }: JsonObject): Record<string, string> {
  const variables = listOf(Environment).map(objectOf)
  return Object.fromEntries(variables.map(({ Name, Value }) => [textOf(Name), textOf(Value)]))
}

function resource({ resources }: Stack, name: string): Resource {
  const found = resources.get(name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}
