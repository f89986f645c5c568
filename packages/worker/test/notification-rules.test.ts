import type { NotificationRule } from '@repokeeper/object-store'
import { describe, expect, it } from 'vitest'
import { findOverlap, isTold, notificationFor, queuesTold, untold } from '../src/notification-rules.ts'

const arn = 'arn:aws:sqs:eu-central-1:123456789012:repo-additions'
const wanted = notificationFor('additions', arn, 'el9/x86_64/')
const rule = (change: Partial<NotificationRule>): NotificationRule => ({
  id: 'theirs',
  target: 'queue',
  arn,
  events: ['s3:ObjectCreated:*'],
  prefix: '',
  suffix: '.rpm',
  ...change,
})

describe('a queue is told of every package', () => {
  it.each([
    ['of the whole bucket', rule({})],
    ['of all objects', rule({ suffix: '' })],
    ['of the repository', rule({ prefix: 'el9/x86_64/' })],
    ['of what lies around it', rule({ prefix: 'el9/' })],
    ['of a prefix that ends within a name', rule({ prefix: 'el9/x86' })],
    [
      'by the name of each event',
      rule({ events: ['Put', 'Post', 'Copy', 'CompleteMultipartUpload'].map((kind) => `s3:ObjectCreated:${kind}`) }),
    ],
  ])('by a rule %s', (_, present) => {
    expect(untold(wanted, [present])).toEqual([])
  })

  it.each([
    ['of another queue', rule({ arn: `${arn}-2` })],
    ['of a part of the repository', rule({ prefix: 'el9/x86_64/Packages/' })],
    ['of another repository', rule({ prefix: 'el8/' })],
    ['of other files', rule({ suffix: 'src.rpm' })],
    ['of other events', rule({ events: ['s3:ObjectRemoved:*'] })],
    ['of uploads in one piece only', rule({ events: ['s3:ObjectCreated:Put'] })],
  ])('but not by a rule %s', (_, present) => {
    expect(untold(wanted, [present])).toEqual(['s3:ObjectCreated:*'])
  })

  it('of removals also where nobody deletes by a lifecycle rule', () => {
    const removals = notificationFor('removals', arn, '')
    const present = [rule({ events: ['s3:ObjectRemoved:*'] })]
    expect(untold(removals, present)).toEqual(['s3:LifecycleExpiration:*'])
    expect(isTold('removals', arn, '', present)).toBe(true)
    expect(isTold('removals', arn, '', [])).toBe(false)
  })
})

describe('the queues of a repository are those that are told', () => {
  const told = (...present: NotificationRule[]): string[] => queuesTold('additions', 'el9/x86_64/', present)

  it('of every package and of nothing else', () => {
    expect(told(rule({}), rule({ arn: 'arn:b', prefix: 'el9/' }))).toEqual([arn, 'arn:b'])
  })

  it.each([
    ['of all files', rule({ suffix: '' })],
    ['of another repository', rule({ prefix: 'el8/' })],
    ['as no queue', rule({ target: 'topic' })],
  ])('not those that are told %s', (_, present) => {
    expect(told(present)).toEqual([])
  })
})

describe('a rule stands in the way of another', () => {
  it.each([
    ['for the same keys', rule({ arn: 'arn:other', prefix: 'el9/x86_64/' }), true],
    ['for all keys', rule({ arn: 'arn:other', suffix: '' }), true],
    ['for some of its keys', rule({ arn: 'arn:other', prefix: 'el9/x86_64/Packages/', suffix: 'c.rpm' }), true],
    ['for one of its events', rule({ arn: 'arn:other', events: ['s3:ObjectCreated:Copy'] }), true],
    ['though it leads to a topic', rule({ arn: 'arn:other', target: 'topic' }), true],
    ['but not for other keys', rule({ arn: 'arn:other', prefix: 'el8/' }), false],
    ['but not for other files', rule({ arn: 'arn:other', suffix: '.xml' }), false],
    ['but not for other events', rule({ arn: 'arn:other', events: ['s3:ObjectRemoved:*'] }), false],
  ])('%s', (_, present, stands) => {
    expect(findOverlap(wanted, [present])).toEqual(stands ? present : undefined)
  })
})
