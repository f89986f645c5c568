/**
 * Each role may do what its part needs, by fixtures/least-power.ts, and nothing else: a test of the command line runs every part with exactly that.
 */
import { describe, expect, it } from 'vitest'
import { leastPower, secretReads } from '../../fixtures/least-power.ts'
import { writesGenerations } from '../../fixtures/needs.ts'
import type { Part } from '../../fixtures/permissions.ts'
import { type Combination, combinationsOf } from './combinations.ts'
import { objectOf, type ParameterValues, pseudo, textOf } from './evaluate.ts'
import { leastPermissions, permission, permissionsOf, statementsIn } from './policies.ts'
import type { TemplateName } from './template.ts'

const log = permissionsOn('Log.Arn', ['logs:CreateLogStream', 'logs:PutLogEvents'])
const worker = leastPower['worker with generations']

/** "Configuring an Amazon SQS event source", permissions of the execution role: Lambda reads and deletes in the function's name. */
const readByLambda = ['sqs:GetQueueAttributes', 'sqs:ReceiveMessage', 'sqs:DeleteMessage']
const lambdaFunction: Pick<Part, 'needs'> = {
  needs: [
    ...leastPower['add worker'].needs.filter(({ action, on }) => on !== 'QUEUE' || readByLambda.includes(action)),
    ...writesGenerations,
  ],
}

interface Expected {
  readonly part?: Pick<Part, 'needs'>
  /** What the queue's name ends with. */
  readonly queues?: readonly string[]
  /** Beside it: what the place where it runs asks for. */
  readonly others: (combination: Combination) => readonly string[]
  readonly trusted: string
}

const ours = `${pseudo['AWS::Region']}:${pseudo['AWS::AccountId']}`
const onFargate = { trusted: 'ecs-tasks.amazonaws.com' }

const roles: readonly (readonly [TemplateName, string, Expected])[] = [
  ['workers', 'AdditionsRole', { ...onFargate, part: worker, queues: ['additions'], others: () => [] }],
  ['workers', 'RemovalsRole', { ...onFargate, part: worker, queues: ['removals'], others: () => [] }],
  [
    'workers',
    'ExecutionRole',
    { ...onFargate, others: ({ parameters }) => [...log, ...imagePermissions(textOf(parameters.ImageRepositoryArn))] },
  ],
  [
    'workers-ec2',
    'Role',
    {
      part: worker,
      queues: ['additions', 'removals'],
      others: () => [...log, permission('s3:GetObject', 'arn:aws:s3:::my-code/repokeeper-1.tar.gz')],
      trusted: 'ec2.amazonaws.com',
    },
  ],
  [
    'repo-server',
    'Role',
    {
      others: ({ parameters: { BucketName, Directory, KmsKeyArn, PublicKeyParameter } }) => [
        ...log,
        permission('s3:GetObject', 'arn:aws:s3:::my-code/repokeeper-1.tar.gz'),
        ...leastPermissions(leastPower.pull, { bucket: textOf(BucketName), queueArn: '' }, `${textOf(Directory)}/`),
        ...(KmsKeyArn === '' ? [] : permissionsOn(textOf(KmsKeyArn), ['kms:Decrypt'])),
        ...(PublicKeyParameter === ''
          ? []
          : permissionsOn(`arn:aws:ssm:${ours}:parameter${textOf(PublicKeyParameter)}`, ['ssm:GetParameter'])),
      ],
      trusted: 'ec2.amazonaws.com',
    },
  ],
  ...(['additions', 'removals'] as const).map(
    (queue) =>
      [
        'lambda',
        queue === 'additions' ? 'AdditionsRole' : 'RemovalsRole',
        { part: lambdaFunction, queues: [queue], others: () => log, trusted: 'lambda.amazonaws.com' },
      ] as const,
  ),
  [
    'publisher',
    'Role',
    {
      part: leastPower.add,
      others: () => [],
      trusted: 'arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com',
    },
  ],
]

describe.each(roles)('%s.yaml: %s', (name, role, { part, queues = [], others, trusted }) => {
  const combinations = combinationsOf(name)

  it('may do what its part needs, and nothing else', () => {
    for (const combination of combinations) {
      const { parameters, stack } = combination
      const { BucketName: bucket, Prefix: prefix, KmsKeyArn: key } = parameters
      const keyPermissions =
        key === '' || part === undefined ? [] : permissionsOn(textOf(key), ['kms:Decrypt', 'kms:GenerateDataKey'])
      const secretPermissions = part === worker || part === lambdaFunction ? keyPermissionsOf(parameters) : []
      const needed = (queues.length === 0 && part !== undefined ? [''] : queues).flatMap((queue) => {
        const queueArn = `arn:aws:sqs:${pseudo['AWS::Region']}:${pseudo['AWS::AccountId']}:repo-${queue}`
        return leastPermissions(part ?? { needs: [] }, { bucket: textOf(bucket), queueArn }, textOf(prefix))
      })
      const expected = new Set([...needed, ...others(combination), ...keyPermissions, ...secretPermissions])
      expect(permissionsOf(stack, role)).toEqual([...expected].sort())
    }
  })

  it('is taken on by nobody but whom it is for', () => {
    for (const { stack } of combinations) {
      const document = stack.resources.get(role)?.properties.AssumeRolePolicyDocument
      const statements = statementsIn(typeof document === 'string' ? JSON.parse(document) : document)
      expect(statements.flatMap(({ Principal }) => Object.values(objectOf(Principal)))).toEqual([trusted])
    }
  })
})

it('looks at every role of every template', () => {
  const names = [...new Set(roles.map(([name]) => name))]
  const all = names.flatMap((name) => {
    const [{ stack }] = combinationsOf(name) as [Combination]
    return [...stack.resources].flatMap(([role, { type }]) => (type === 'AWS::IAM::Role' ? [`${name} ${role}`] : []))
  })
  expect(all.sort()).toEqual(roles.map(([name, role]) => `${name} ${role}`).sort())
})

it('lets a pipeline in by its token only: of this project, and for this audience', () => {
  for (const { stack } of combinationsOf('publisher')) {
    const document = textOf(stack.resources.get('Role')?.properties.AssumeRolePolicyDocument)
    expect(statementsIn(JSON.parse(document)).map(({ Action, Condition }) => ({ Action, Condition }))).toEqual([
      {
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: { 'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com' },
          StringLike: { 'token.actions.githubusercontent.com:sub': 'repo:org/name:ref:refs/heads/main' },
        },
      },
    ])
  }
})

const readersBy: Readonly<Record<string, readonly unknown[]>> = {
  private: [],
  public: ['*'],
  website: ['*'],
  cloudfront: [{ Service: 'cloudfront.amazonaws.com' }],
}

it('has S3 answer to CloudFront, to everybody or to nobody, below the prefix', () => {
  for (const { parameters, stack } of combinationsOf('repository')) {
    const statements = statementsIn(stack.resources.get('BucketPolicy')?.properties.PolicyDocument)
    const readable = `arn:aws:s3:::my-packages/${textOf(parameters.Prefix)}*`
    const readers = statements.filter(({ Effect }) => Effect === 'Allow')
    for (const { Action, Resource } of readers) expect([Action, Resource]).toEqual(['s3:GetObject', readable])
    const byWhom = readersBy[textOf(parameters.Access)] ?? []
    expect(readers.map(({ Principal }) => Principal)).toEqual(byWhom)
    const blocks = objectOf(stack.resources.get('Bucket')?.properties.PublicAccessBlockConfiguration)
    const isOpen = byWhom.includes('*')
    expect(blocks).toEqual({
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: !isOpen,
      RestrictPublicBuckets: !isOpen,
    })
  }
})

it('has S3 refuse plain HTTP, but for its website, which speaks nothing else', () => {
  for (const { parameters, stack } of combinationsOf('repository')) {
    const statements = statementsIn(stack.resources.get('BucketPolicy')?.properties.PolicyDocument)
    const denied = {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: ['arn:aws:s3:::my-packages', 'arn:aws:s3:::my-packages/*'],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    }
    expect(statements.filter(({ Effect }) => Effect === 'Deny')).toEqual(
      parameters.Access === 'website' ? [] : [denied],
    )
  }
})

/** Of keys that sign and verify: to read exactly those that the worker is told of, by the one call that reads such a one. */
function keyPermissionsOf(parameters: ParameterValues): string[] {
  const { KeyStore = 'secretsmanager', KeyStoreKmsKeyArn = '' } = parameters
  const named = ['SigningKeyArn', 'SigningPassphraseArn', 'NextSigningKeyArn', 'KeyringArn'].flatMap((name) => {
    const arn = textOf(parameters[name] ?? '')
    return arn === '' ? [] : [arn]
  })
  const action = KeyStore === 'ssm' ? secretReads.ssm : secretReads.secretsmanager
  const decrypts = named.length > 0 && KeyStoreKmsKeyArn !== ''
  return [
    ...named.map((arn) => permission(action, arn)),
    ...(decrypts ? [permission('kms:Decrypt', textOf(KeyStoreKmsKeyArn))] : []),
  ]
}

function permissionsOn(resource: string, actions: readonly string[]): string[] {
  return actions.map((action) => permission(action, resource))
}

/** "Amazon ECS task execution IAM role": of a private registry. */
function imagePermissions(repositoryArn: string): string[] {
  if (repositoryArn === '') return []
  const actions = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']
  return [...permissionsOn(repositoryArn, actions), permission('ecr:GetAuthorizationToken', '*')]
}
