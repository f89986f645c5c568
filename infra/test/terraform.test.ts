/**
 * The Terraform files beside the template that they stand for. Terraform itself would want the provider from its registry to say more than
 * whether they can be read (linters.test.ts).
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { leastPower, secretReads } from '../../fixtures/least-power.ts'
import { combinationsOf } from './combinations.ts'
import { exists } from './metrics.ts'
import { leastPermissions } from './policies.ts'
import { folder, readTemplate } from './template.ts'

const text = globSync('*.tf', { cwd: join(folder, 'terraform') })
  .map((name) => readFileSync(join(folder, 'terraform', name), 'utf8'))
  .join('\n')
  .replaceAll(/^\s*#.*$/gm, '')

/** `resource "a" "b" { … }` and the like: what stands between its line and the brace at the same place. */
const blocks = [...text.matchAll(/^(\w+)((?: "\w+")*) \{(\}$|\n.*?^\}$)/gms)].map(
  ([, kind = '', labels = '', body = '']) => ({
    kind,
    address: labels.replaceAll('"', '').trim().replaceAll(' ', '.'),
    body,
  }),
)
const of = (kind: string) => blocks.filter((block) => block.kind === kind)
const variables = new Map(of('variable').map(({ address, body }) => [address, body]))

/** Variables for what the template leaves to others: CloudFront, and whoever runs the workers. */
const ofItsOwn: ReadonlySet<string | undefined> = new Set([
  'access',
  'policy_documents',
  'key_arns',
  'key_store_kms_key_arn',
])

describe('the Terraform files', () => {
  it('refer to nothing that they do not declare', () => {
    const locals = of('locals').flatMap(({ body }) =>
      [...body.matchAll(/^ {2}(\w+) +=/gm)].map(([, name]) => `local.${name}`),
    )
    const declared = new Set([
      ...of('resource').map(({ address }) => address),
      ...of('data').map(({ address }) => `data.${address}`),
      ...[...variables.keys()].map((name) => `var.${name}`),
      ...locals,
    ])
    const references = referencesIn(text)
    expect(references.length).toBeGreaterThan(50)
    expect([...new Set(references)].filter((reference) => !declared.has(reference))).toEqual([])
    // Where a variable is checked it is named as well.
    const outside = blocks.flatMap(({ kind, body }) => (kind === 'variable' ? [] : referencesIn(body)))
    const used = (name: string) => outside.filter((reference) => reference === name).length
    expect([...variables.keys()].filter((name) => used(`var.${name}`) === 0)).toEqual([])
    expect(locals.filter((name) => used(name) === 0)).toEqual([])
  })

  it('have the variables of the template, with the defaults that they have there', () => {
    // CloudFront is left to the reader's own modules.
    const { Access, DomainName, CertificateArn, ...parameters } = readTemplate('repository').Parameters
    expect(Access?.AllowedValues).toEqual(['private', 'public', 'website', 'cloudfront'])
    expect([DomainName, CertificateArn].every((parameter) => parameter?.Default === '')).toBe(true)
    const expected = Object.entries(parameters).map(([name, { Default }]) => [snakeCase(name), literalOf(Default)])
    const actual = [...variables].map(([name, body]) => [name, /^ {2}default +=(.*)$/m.exec(body)?.[1]?.trim()])
    expect(actual.filter(([name]) => !ofItsOwn.has(name)).sort()).toEqual(expected.sort())
    for (const [name, body] of variables) expect(body, name).toMatch(/^ {2}description +="?.{15}/m)
  })

  it('bring up the same kinds of things', () => {
    const inTemplate = combinationsOf('repository').flatMap(({ stack }) =>
      [...stack.resources.values()].map(({ type }) => type),
    )
    const kinds = new Set(inTemplate.filter((type) => !type.startsWith('AWS::CloudFront')))
    const counterparts: Readonly<Record<string, string>> = {
      'AWS::SQS::Queue': 'aws_sqs_queue',
      'AWS::SQS::QueuePolicy': 'aws_sqs_queue_policy',
      'AWS::S3::Bucket': 'aws_s3_bucket',
      'AWS::S3::BucketPolicy': 'aws_s3_bucket_policy',
      'AWS::CloudWatch::Alarm': 'aws_cloudwatch_metric_alarm',
      'AWS::CloudWatch::Dashboard': 'aws_cloudwatch_dashboard',
    }
    const types = of('resource').map(({ address }) => address.replace(/\..*/, ''))
    for (const kind of kinds) expect(types, kind).toContain(counterparts[kind])
  })

  it('watch what AWS or a worker measures', () => {
    const dashboard = [...text.matchAll(/of = "([^"]+)", by = "([^"]+)", names = \[([^\]]+)\]/g)]
    expect(dashboard.length).toBeGreaterThan(5)
    const shown = dashboard.flatMap(([, namespace = '', by = '', names = '']) =>
      names.split(', ').map((name) => ({ namespace, name: name.replaceAll('"', ''), dimensions: [by] })),
    )
    const alarmed = of('resource')
      .filter(({ address }) => address.startsWith('aws_cloudwatch_metric_alarm.'))
      .map(({ body }) => ({
        namespace: textIn(body, 'namespace'),
        name: textIn(body, 'metric_name'),
        dimensions: [/^ {2}dimensions += \{ (\w+) = /m.exec(body)?.[1] ?? ''],
      }))
    expect(alarmed).toHaveLength(3)
    expect([...shown, ...alarmed].filter((metric) => !exists(metric))).toEqual([])
  })

  it('let a worker do what it needs, and read the keys that are named, and nothing else', () => {
    const rights = /worker_rights = \{\n(.*?)\n {2}\}/s.exec(text)?.[1] ?? ''
    const allowed = [...rights.matchAll(/^ {4}"([\w:]+)" += (.*)$/gm)].map(([, action = '', on = '']) => [action, on])
    const place = { bucket: 'BUCKET', queueArn: 'QUEUE' }
    // What a listing is allowed on has a condition, and a statement of its own.
    const needed = leastPermissions(leastPower['worker with upkeep'], place, 'PREFIX').filter(
      (one) => !one.includes(' where '),
    )
    const on = (resource: string) =>
      resource === 'QUEUE'
        ? 'values(aws_sqs_queue.events)[*].arn'
        : `["${resource.replace('arn:aws:s3:::BUCKET', '$' + '{local.bucket_arn}').replace('PREFIX', '$' + '{var.prefix}')}"]`
    const expected = needed
      .map((line) => line.split(' on '))
      .map(([action = '', resource = '']) => [action, on(resource)])
    const keys = (service: string) => `[for arn in var.key_arns : arn if can(regex(":${service}:", arn))]`
    const decrypts = 'compact([var.kms_key_arn, length(var.key_arns) == 0 ? "" : var.key_store_kms_key_arn])'
    expect(allowed.sort()).toEqual(
      [
        ...expected,
        ['kms:GenerateDataKey', 'compact([var.kms_key_arn])'],
        ['kms:Decrypt', decrypts],
        [secretReads.secretsmanager, keys('secretsmanager')],
        [secretReads.ssm, keys('ssm')],
      ].sort(),
    )
  })

  it('let the bucket send before it is given its notifications', () => {
    const notification = of('resource').find(({ address }) => address.startsWith('aws_s3_bucket_notification.'))
    expect(notification?.body).toContain('depends_on = [aws_sqs_queue_policy.events]')
  })
})

function referencesIn(code: string): string[] {
  const found = code.matchAll(/(?<![\w."/])((?:data\.)?aws_\w+\.\w+|(?:var|local)\.\w+)/g)
  return [...found].map(([, name = '']) => name)
}

function textIn(body: string, name: string): string {
  return new RegExp(`^ {2}${name} += "(.*)"$`, 'm').exec(body)?.[1] ?? ''
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase()
}

function literalOf(value: string | number | undefined): string | undefined {
  if (value === 'yes') return 'true'
  if (value === 'no') return 'false'
  return value === undefined ? undefined : JSON.stringify(value)
}
