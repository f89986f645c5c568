import { describe, expect, it } from 'vitest'
import { bucketSender, letsSend, withSender } from '../src/queue-policy.ts'

const queueArn = 'arn:aws:sqs:eu-central-1:123456789012:repo-additions'
const bucketArn = 'arn:aws:s3:::my-packages'
const sender = bucketSender('my-packages', queueArn)
const usual = {
  Effect: 'Allow',
  Principal: { Service: 's3.amazonaws.com' },
  Action: 'sqs:SendMessage',
  Resource: queueArn,
}
const fromBucket = { ArnEquals: { 'aws:SourceArn': bucketArn } }

describe('a queue policy, as far as it concerns one bucket', () => {
  it.each([
    ['the statement that AWS shows', { ...usual, Condition: fromBucket }],
    [
      'names in other cases',
      { ...usual, Action: 'SQS:SendMessage', Condition: { ArnEquals: { 'AWS:SourceArn': bucketArn } } },
    ],
    [
      'wildcards',
      {
        ...usual,
        Action: ['sqs:*'],
        Resource: '*',
        Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:*:*:my-*' } },
      },
    ],
    ['by account alone', { ...usual, Condition: { StringEquals: { 'aws:SourceAccount': ['123456789012'] } } }],
    ['anybody, but from this bucket', { ...usual, Principal: '*', Condition: fromBucket }],
  ])('lets it send: %s', (_, statement) => {
    expect(letsSend(policyOf(statement), sender)).toEqual({ kind: 'allowed', from: 'this bucket' })
  })

  it.each([
    ['no condition', usual],
    ['everybody', { ...usual, Principal: { AWS: '*' }, Resource: '*' }],
  ])('lets it and others send: %s', (_, statement) => {
    expect(letsSend(policyOf(statement), sender)).toEqual({ kind: 'allowed', from: 'anybody' })
  })

  it.each([
    ['another bucket', { ...usual, Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:::other' } } }],
    ['another account', { ...usual, Condition: { StringEquals: { 'aws:SourceAccount': '210987654321' } } }],
    ['one condition of two', { ...usual, Condition: { ...fromBucket, StringEquals: { 'aws:SourceAccount': '1' } } }],
    [
      'a condition that nobody knows',
      { ...usual, Condition: { ...fromBucket, IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } },
    ],
    ['another queue', { ...usual, Resource: `${queueArn}-2` }],
    ['another action', { ...usual, Action: 'sqs:ReceiveMessage' }],
    ['another service', { ...usual, Principal: { Service: 'sns.amazonaws.com' } }],
    ['a role', { ...usual, Principal: { AWS: 'arn:aws:iam::123456789012:role/x' } }],
  ])('does not let it send: %s', (_, statement) => {
    expect(letsSend(policyOf(statement), sender)).toMatchObject({ kind: 'not allowed' })
  })

  it('lets no allowance stand against a denial', () => {
    const policy = JSON.stringify({ Statement: [usual, { ...usual, Effect: 'Deny', Principal: '*' }] })
    expect(letsSend(policy, sender)).toEqual({ kind: 'not allowed', why: 'its policy denies it' })
  })

  const role = { AWS: 'arn:aws:iam::123456789012:role/x' }
  const denial = { Effect: 'Deny', Principal: '*', Action: 'sqs:*', Resource: '*' }
  const ofOthers = (operator: string, key: string, value: string) => ({
    ...denial,
    Condition: { [operator]: { [key]: value } },
  })

  it.each([
    ['all but a role', { ...denial, Principal: undefined, NotPrincipal: role }],
    ['every action but one', { ...denial, Action: undefined, NotAction: 'sqs:ReceiveMessage' }],
    ['every queue but one', { ...denial, Resource: undefined, NotResource: `${queueArn}-2` }],
    ['all but another account', ofOthers('StringNotEquals', 'aws:SourceAccount', '210987654321')],
    ['all but another bucket', ofOthers('ArnNotLike', 'aws:SourceArn', 'arn:aws:s3:::other-*')],
  ])('sees that it is among those that are denied: %s', (_, statement) => {
    expect(letsSend(policyOf([usual, statement]), sender)).toMatchObject({
      kind: 'not allowed',
      why: 'its policy denies it',
    })
  })

  it.each([
    ['all but S3', { ...denial, Principal: undefined, NotPrincipal: { ...role, Service: 's3.amazonaws.com' } }],
    ['every action but this', { ...denial, Action: undefined, NotAction: ['sqs:SendMessage'] }],
    ['every queue but this', { ...denial, Resource: undefined, NotResource: queueArn }],
    ['all but this account', ofOthers('StringNotEquals', 'aws:SourceAccount', '123456789012')],
    ['all but this bucket', ofOthers('ArnNotEquals', 'aws:SourceArn', bucketArn)],
  ])('sees that it is not among those that are denied: %s', (_, statement) => {
    expect(letsSend(policyOf([usual, statement]), sender)).toMatchObject({ kind: 'allowed' })
  })

  it('takes a condition that only leaves others out for one that lets anybody send', () => {
    const but = { StringNotEquals: { 'aws:SourceAccount': '210987654321' } }
    expect(letsSend(policyOf({ ...usual, Condition: but }), sender)).toEqual({ kind: 'allowed', from: 'anybody' })
  })

  it('says of no policy, and of none that is one, that it allows nothing', () => {
    expect(letsSend(undefined, sender)).toMatchObject({ why: 'the queue has no policy' })
    expect(letsSend('{"Statement":"?"}', sender)).toMatchObject({ why: 'its policy cannot be read' })
  })
})

describe('the statement for a bucket', () => {
  it('lets this bucket of this account send, and no other', () => {
    const policy = withSender(undefined, sender)
    expect(letsSend(policy, sender)).toEqual({ kind: 'allowed', from: 'this bucket' })
    expect(letsSend(policy, bucketSender('other', queueArn))).toMatchObject({ kind: 'not allowed' })
    expect(letsSend(policy, { ...sender, account: '210987654321' })).toMatchObject({ kind: 'not allowed' })
  })

  it('is added to those that there are, whatever else the policy says', () => {
    const before = { Version: '2008-10-17', Id: 'ours', Statement: { ...usual, Sid: 'first', NotAction: 'x' } }
    const after = JSON.parse(withSender(JSON.stringify(before), sender) ?? '')
    expect(after).toMatchObject({ Version: '2008-10-17', Id: 'ours' })
    expect(after.Statement).toEqual([
      before.Statement,
      expect.objectContaining({ Effect: 'Allow', Resource: queueArn }),
    ])
  })

  it('is added to no policy that cannot be read', () => {
    expect(withSender('{', sender)).toBeUndefined()
  })

  it('names buckets as the partition of the queue does', () => {
    const cn = bucketSender('b', 'arn:aws-cn:sqs:cn-north-1:123456789012:q')
    expect(cn).toMatchObject({ bucketArn: 'arn:aws-cn:s3:::b', account: '123456789012' })
  })
})

function policyOf(statement: unknown): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statement })
}
