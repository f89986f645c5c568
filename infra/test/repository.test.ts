/**
 * The bucket and its queues, as a stack of repository.yaml has them.
 */
import { runInNewContext } from 'node:vm'
import { describe, expect, it, test } from 'vitest'
import { type Combination, combinationsOf } from './combinations.ts'
import { evaluate, listOf, objectOf, type Resource, textOf } from './evaluate.ts'
import { several, statementsIn } from './policies.ts'
import { waitsFor } from './references.ts'
import { type Json, readTemplate } from './template.ts'

const template = readTemplate('repository')
const combinations = combinationsOf('repository')
const bucketArn = 'arn:aws:s3:::my-packages'

describe('a queue', () => {
  const queues = ['additions', 'removals'].map((queue) => `arn:aws:sqs:eu-central-1:123456789012:repo-${queue}`)

  it('is told of packages below the prefix, that come or go, and of nothing else', () => {
    for (const { parameters, stack } of combinations) {
      const prefix = textOf(parameters.Prefix)
      const rules = [{ Name: 'suffix', Value: '.rpm' }, ...(prefix === '' ? [] : [{ Name: 'prefix', Value: prefix }])]
      const told = notificationsOf(resource({ parameters, stack }, 'Bucket'))
      expect(told.map(({ Event, Queue }) => [Event, Queue])).toEqual([
        ['s3:ObjectCreated:*', queues[0]],
        ['s3:ObjectRemoved:*', queues[1]],
        ['s3:LifecycleExpiration:*', queues[1]],
      ])
      for (const { Filter } of told) expect(Filter).toEqual({ S3Key: { Rules: rules } })
    }
  })

  it('takes messages of this bucket alone, and only while it is of this account', () => {
    for (const combination of combinations) {
      const policies = ofType(combination, 'AWS::SQS::QueuePolicy')
      const statements = policies.flatMap(([, { properties }]) => statementsIn(properties.PolicyDocument))
      expect(statements.map(({ Resource }) => Resource)).toEqual(queues)
      for (const { Resource: _, ...statement } of statements) {
        expect(statement).toEqual({
          Effect: 'Allow',
          Principal: { Service: 's3.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Condition: {
            ArnEquals: { 'aws:SourceArn': bucketArn },
            StringEquals: { 'aws:SourceAccount': '123456789012' },
          },
        })
      }
    }
  })

  it('lets the bucket send before the bucket is given its notifications: S3 tries it', () => {
    const first = waitsFor(template, 'Bucket')
    for (const combination of combinations) {
      const policies = ofType(combination, 'AWS::SQS::QueuePolicy')
      const before = policies.filter(([name]) => first.has(name))
      const letting = before.flatMap(([, { properties }]) => resourcesIn(properties.PolicyDocument))
      const told = notificationsOf(resource(combination, 'Bucket')).map(({ Queue }) => textOf(Queue))
      expect(letting).toEqual(expect.arrayContaining(told))
      const applied = before.flatMap(([, { properties }]) => several(properties.Queues))
      expect(applied.map((url) => url.replace(/.*\//, '').replace('repo-', ''))).toEqual(['additions', 'removals'])
    }
  })

  it('is polled long, and gives what nobody can use to a queue that keeps it longer and takes it from this one alone', () => {
    for (const combination of combinations) {
      for (const name of ['Additions', 'Removals']) {
        const { properties: queue } = resource(combination, `${name}Queue`)
        const { properties: deadLetters } = resource(combination, `${name}DeadLetters`)
        expect(queue).toMatchObject({ ReceiveMessageWaitTimeSeconds: 20, SqsManagedSseEnabled: true })
        expect(queue.RedrivePolicy).toEqual({
          deadLetterTargetArn: `arn:aws:sqs:eu-central-1:123456789012:${textOf(deadLetters.QueueName)}`,
          maxReceiveCount: '5',
        })
        expect(deadLetters.RedriveAllowPolicy).toEqual({
          redrivePermission: 'byQueue',
          sourceQueueArns: [`arn:aws:sqs:eu-central-1:123456789012:${textOf(queue.QueueName)}`],
        })
        expect(Number(deadLetters.MessageRetentionPeriod)).toBeGreaterThan(Number(queue.MessageRetentionPeriod))
      }
    }
  })
})

describe('the bucket', () => {
  it('outlives its stack', () => {
    expect(template.Resources.Bucket).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
  })

  it('is encrypted, and by ACL nothing of it is public', () => {
    for (const combination of combinations) {
      const { properties } = resource(combination, 'Bucket')
      const [rule, ...more] = listOf(objectOf(properties.BucketEncryption).ServerSideEncryptionConfiguration)
      const key = textOf(combination.parameters.KmsKeyArn)
      const byDefault = key === '' ? { SSEAlgorithm: 'AES256' } : { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key }
      expect(objectOf(rule).ServerSideEncryptionByDefault).toEqual(byDefault)
      expect(more).toEqual([])
      expect(properties.OwnershipControls).toEqual({ Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] })
    }
  })

  it('is rid of uploads that were never finished, and of old versions where it keeps them', () => {
    for (const combination of combinations) {
      const { properties } = resource(combination, 'Bucket')
      const rules = listOf(objectOf(properties.LifecycleConfiguration).Rules).map(objectOf)
      const isVersioned = combination.parameters.Versioning === 'yes'
      expect(rules.map(({ Id, Status }) => [Id, Status])).toEqual([
        ['abandoned-uploads', 'Enabled'],
        ...(isVersioned ? [['old-versions', 'Enabled']] : []),
      ])
      // What is listed must never expire: only what is left of uploads, and what was overwritten or deleted.
      for (const rule of rules) expect(Object.keys(rule)).not.toContain('ExpirationInDays')
      expect(properties.VersioningConfiguration).toEqual(isVersioned ? { Status: 'Enabled' } : undefined)
    }
  })

  it.each([
    ['a host name without a certificate', { Access: 'cloudfront', DomainName: 'rpms.example.org' }],
    ['a host name for the bucket itself', { DomainName: 'rpms.example.org', CertificateArn: certificate() }],
    ['anonymous readers of what KMS encrypts', { Access: 'public', KmsKeyArn: key() }],
  ])('is not made with %s', (_, parameters) => {
    expect(evaluate(template, { BucketName: 'my-packages', ...parameters })).toBeUndefined()
  })

  it.each([
    ['BucketName', 'My.Packages'],
    ['Prefix', 'el9'],
    ['Prefix', '/el9/'],
    ['Access', 'open'],
    ['KmsKeyArn', 'alias/mine'],
    ['MaxReceiveCount', 1],
  ])('is not made with %s %s', (name, value) => {
    expect(() => evaluate(template, { BucketName: 'my-packages', [name]: value })).toThrow(name)
  })
})

describe('what the stack hands on', () => {
  const places = [
    ['private', 'https://my-packages.s3.eu-central-1.amazonaws.com/el9/'],
    ['public', 'https://my-packages.s3.eu-central-1.amazonaws.com/el9/'],
    ['website', 'http://my-packages.s3-website.eu-central-1.amazonaws.com/el9/'],
    ['cloudfront', 'https://Distribution.DomainName/el9/'],
  ] as const

  it.each(places)('with Access %s begins at %s', (Access, url) => {
    const stack = evaluate(template, { BucketName: 'my-packages', Prefix: 'el9/', Access })
    expect(stack?.outputs).toMatchObject({
      BaseUrl: url,
      RepoFile: `[my-packages]\nname=my-packages\nbaseurl=${url}$basearch/\nenabled=1\ngpgcheck=0\n`,
    })
  })

  it('is what the two programs are called with', () => {
    const outputs = evaluate(template, { BucketName: 'my-packages', Prefix: 'el9/' })?.outputs
    expect(outputs?.UploadCommand).toBe('updatePackages -b my-packages -p el9/x86_64 -o add *.rpm --wait')
    expect(outputs?.WorkerCommand).toBe(
      'repokeeper worker -q https://sqs.eu-central-1.amazonaws.com/123456789012/repo-additions --repository "s3://my-packages/el9/*"',
    )
  })
})

test('CloudFront asks S3 for a plus sign where a client asks for a bare one', () => {
  const stack = evaluate(template, { BucketName: 'my-packages', Access: 'cloudfront' })
  const code = textOf(stack?.resources.get('PlusSigns')?.properties.FunctionCode)
  const event = { request: { uri: '/el9/libstdc++-11.5.0-2.x86_64.rpm', querystring: {} } }
  expect(runInNewContext(`${code}; handler(event)`, { event })).toMatchObject({
    uri: '/el9/libstdc%2B%2B-11.5.0-2.x86_64.rpm',
  })
})

test('CloudFront never keeps repomd.xml, nor the mirrorlist', () => {
  const stack = evaluate(template, { BucketName: 'my-packages', Access: 'cloudfront' })
  const config = objectOf(stack?.resources.get('Distribution')?.properties.DistributionConfig)
  const behaviors = listOf(config.CacheBehaviors).map(objectOf)
  const policyOf = (path: string) =>
    behaviors.find(({ PathPattern }) => fits(textOf(PathPattern), path))?.CachePolicyId ?? 'of packages'
  // "Use managed cache policies": CachingDisabled and CachingOptimized.
  expect(policyOf('/el9/x86_64/repodata/repomd.xml')).toBe('4135ea2d-6df8-44a3-9df3-4b5a84be39ad')
  expect(policyOf('/repodata/repomd.xml.asc')).toBe('4135ea2d-6df8-44a3-9df3-4b5a84be39ad')
  expect(policyOf('/el9/x86_64/mirrorlist')).toBe('4135ea2d-6df8-44a3-9df3-4b5a84be39ad')
  expect(policyOf('/el9/x86_64/repodata/12ab-primary.xml.gz')).toBe('658327ea-f89d-4fab-a63d-7e88639e58f6')
  expect(policyOf('/el9/x86_64/foo-1.0-1.x86_64.rpm')).toBe('of packages')
})

function resource({ stack }: Combination, name: string): Resource {
  const found = stack.resources.get(name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

function ofType({ stack }: Combination, type: string): [string, Resource][] {
  return [...stack.resources].filter(([, other]) => other.type === type)
}

function notificationsOf({ properties }: Resource) {
  return listOf(objectOf(properties.NotificationConfiguration).QueueConfigurations).map(objectOf)
}

function resourcesIn(document: Json | undefined): string[] {
  return statementsIn(document).flatMap(({ Resource }) => several(Resource))
}

function fits(pattern: string, path: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll('.', '\\.'))
  return new RegExp(`^${parts.join('.*')}$`).test(path)
}

function certificate(): string {
  return 'arn:aws:acm:us-east-1:123456789012:certificate/1-2'
}

function key(): string {
  return 'arn:aws:kms:eu-central-1:123456789012:key/1-2'
}
