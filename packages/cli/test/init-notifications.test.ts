/** What no server of this machine does: a policy that is known late, an event that is not known at all, and rules to other targets than queues. */
import type { NotificationRule, NotificationsAdded, QueueNotification, S3Bucket } from '@repokeeper/object-store'
import { notificationFor } from '@repokeeper/worker'
import { expect, test } from 'vitest'
import { type NotificationSetup, setUpNotifications } from '../src/init-notifications.ts'
import type { SetupStep } from '../src/init-queues.ts'

const notYet: NotificationsAdded = { kind: 'target refused', reason: 'Unable to validate the following destination' }

test('tries again while S3 does not know the policy of a new queue yet, and only so often', async () => {
  const late = bucketThat((attempt) => (attempt < 4 ? notYet : undefined))
  const { steps, pauses } = await setUp(late.bucket)
  expect(pauses).toEqual([5_000, 5_000, 5_000, lookBackMs])
  expect(steps.map(({ outcome }) => outcome)).toEqual(['created', 'created'])
  const never = bucketThat(() => notYet)
  await expect(setUp(never.bucket)).rejects.toThrow(notYet.reason)
  expect(never.tries).toHaveLength(14)
})

const stays = 'a package that a lifecycle rule deletes stays listed until an audit finds it'

test('does without the event of expirations on a server that does not know it, and says so', async () => {
  const { bucket, tries } = bucketThat((_, rules) =>
    JSON.stringify(rules).includes('LifecycleExpiration')
      ? { kind: 'unknown event', reason: 'A specified event is not supported' }
      : undefined,
  )
  const { pauses, steps } = await setUp(bucket)
  expect(pauses).toEqual([lookBackMs])
  expect(tries.at(-1)?.map(({ events }) => events)).toEqual([['s3:ObjectCreated:*'], ['s3:ObjectRemoved:*']])
  expect(steps.map(({ details }) => details)).toEqual([
    undefined,
    expect.stringContaining(`without s3:LifecycleExpiration:* (which this server does not know): ${stays}`),
  ])
})

test('gives up at once where the server knows none of the events', async () => {
  const { bucket, tries } = bucketThat(() => ({ kind: 'unknown event', reason: 'no event is supported' }))
  await expect(setUp(bucket)).rejects.toThrow('no event is supported')
  expect(tries).toHaveLength(2)
})

test.each(['queue', 'topic', 'function'] as const)(
  'leaves out expirations that go to a %s already, and says whose they are and what follows',
  async (target) => {
    const { bucket, tries, rules } = bucketThat(() => undefined)
    const arn = 'arn:aws:sns:eu-central-1:123456789012:sweeps'
    rules.push({ id: 'sweeps', target, arn, events: ['s3:LifecycleExpiration:Delete'], prefix: '', suffix: '' })
    const { steps } = await setUp(bucket)
    expect(tries.map((added) => added.map(({ events }) => events))).toEqual([
      [['s3:ObjectCreated:*'], ['s3:ObjectRemoved:*']],
    ])
    const sends = `the bucket sends s3:LifecycleExpiration:Delete of * to ${arn} (rule "sweeps")`
    expect(steps.map(({ outcome, details }) => [outcome, details])).toEqual([
      ['created', undefined],
      ['created', expect.stringContaining(`without s3:LifecycleExpiration:* (${sends}): ${stays}`)],
    ])
    // The second run has nothing to add, and says it again.
    const again = await setUp(bucket)
    expect(again.steps.map(({ outcome, details }) => [outcome, details])).toEqual([
      ['there already', undefined],
      ['there already', expect.stringContaining(`without s3:LifecycleExpiration:*: ${stays}`)],
    ])
  },
)

test.each(['topic', 'function'] as const)(
  'refuses before it writes where a %s has these events of all objects',
  async (target) => {
    const { bucket, tries, rules } = bucketThat(() => undefined)
    const arn = 'arn:aws:sns:eu-central-1:123456789012:all'
    rules.push({ id: 'all', target, arn, events: ['s3:ObjectCreated:*'], prefix: '', suffix: '' })
    await expect(setUp(bucket)).rejects.toThrow(
      `sends s3:ObjectCreated:* of * to ${arn} (rule "all") already, and S3 takes no second rule for the same events of the same keys. Narrow that rule to other keys than el9/*.rpm. (how to narrow all)`,
    )
    expect(tries).toEqual([])
  },
)

test('ends with what the server says where it sees an overlap that the rules do not show', async () => {
  const { bucket } = bucketThat(() => ({ kind: 'overlap', reason: 'Configurations overlap. An event is shared' }))
  await expect(setUp(bucket)).rejects.toMatchObject({
    code: 'NOTIFICATION_REFUSED',
    message: expect.stringContaining('Configurations overlap'),
  })
})

test('has nothing to add where a queue that was deleted was told already', async () => {
  const { bucket, tries, rules } = bucketThat(() => undefined)
  for (const purpose of ['additions', 'removals'] as const)
    rules.push(asRule(notificationFor(purpose, arnOf(purpose), 'el9/')))
  const { steps } = await setUp(bucket, { additions: undefined, removals: undefined })
  expect(steps.map(({ outcome }) => outcome)).toEqual(['there already', 'there already'])
  expect(tries).toEqual([])
})

test('writes again what somebody else took out, alone, until it stays', async () => {
  const { bucket, tries, rules } = bucketThat(() => undefined)
  const arn = arnOf('others')
  const others = { id: 'others', target: 'queue', arn, prefix: 'el8/', suffix: '.rpm' } as const
  let overwrites = 0
  const shared = {
    ...bucket,
    addNotifications: async (added: readonly QueueNotification[]) => {
      const outcome = await bucket.addNotifications(added)
      overwrites += 1
      // Read before ours came: the first time none of ours stays, then one.
      if (overwrites <= 2)
        rules.splice(0, rules.length - (overwrites - 1), { ...others, events: ['s3:ObjectCreated:*'] })
      return outcome
    },
  }
  const { steps } = await setUp(shared)
  expect(tries.map((added) => added.length)).toEqual([2, 2, 1])
  expect(rules.map(({ prefix }) => prefix)).toEqual(['el8/', 'el9/', 'el9/'])
  expect(steps.map(({ outcome }) => outcome)).toEqual(['created', 'created'])
})

test('gives up where somebody takes it out again and again, and says so', async () => {
  const { bucket, tries, rules } = bucketThat(() => undefined)
  const forgetful = {
    ...bucket,
    readNotifications: async () => {
      rules.splice(0)
      return await bucket.readNotifications()
    },
  }
  await expect(setUp(forgetful)).rejects.toMatchObject({ code: 'NOTIFICATION_LOST' })
  expect(tries).toHaveLength(10)
})

/** What `setUp` waits before it looks back, with its chance. */
const lookBackMs = 500

/** @param answer what it says to each try; `undefined` where it does it */
function bucketThat(answer: (attempt: number, rules: readonly QueueNotification[]) => NotificationsAdded | undefined) {
  const tries: (readonly QueueNotification[])[] = []
  const rules: NotificationRule[] = []
  const bucket = {
    readNotifications: async () => ({ rules: [...rules], toEventBridge: false }),
    addNotifications: async (added: readonly QueueNotification[]): Promise<NotificationsAdded> => {
      tries.push(added)
      const refusal = answer(tries.length, added)
      if (refusal === undefined) rules.push(...added.map(asRule))
      return refusal ?? { kind: 'added' }
    },
  }
  return { bucket, tries, rules }
}

function asRule({ queueArn: arn, ...filter }: QueueNotification): NotificationRule {
  return { id: 'made-up', target: 'queue', arn, ...filter }
}

async function setUp(
  bucket: Pick<S3Bucket, 'readNotifications' | 'addNotifications'>,
  queues: NotificationSetup['queues'] = {
    additions: { arn: arnOf('additions') },
    removals: { arn: arnOf('removals') },
  },
) {
  const steps: SetupStep[] = []
  const pauses: number[] = []
  await setUpNotifications({
    bucket,
    root: 'el9/',
    names: { additions: 'additions', removals: 'removals' },
    queues,
    narrow: ({ id }) => `(how to narrow ${id})`,
    dryRun: false,
    pause: async (milliseconds) => pauses.push(milliseconds),
    random: () => 0.25,
    onStep: (step) => steps.push(step),
  })
  return { steps, pauses }
}

function arnOf(name: string): string {
  return `arn:aws:sqs:eu-central-1:123456789012:${name}`
}
