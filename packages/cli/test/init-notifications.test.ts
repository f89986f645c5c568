/** What no server of this machine does: a policy that is known late, and an event that is not known at all. */
import { type QueueNotification, type S3Bucket, StoreError } from '@repokeeper/object-store'
import type { QueueState } from '@repokeeper/worker'
import { expect, test } from 'vitest'
import { setUpNotifications } from '../src/init-notifications.ts'
import type { SetupStep } from '../src/init-queues.ts'

const notYet = 'Unable to validate the following destination configurations'

test('tries again while S3 does not know the policy of a new queue yet, and only so often', async () => {
  const late = bucketThat((attempt) => (attempt < 4 ? notYet : undefined))
  const { steps, pauses } = await setUp(late.bucket)
  expect(pauses).toEqual([5_000, 5_000, 5_000, lookBackMs])
  expect(steps.map(({ outcome }) => outcome)).toEqual(['created', 'created'])
  const never = bucketThat(() => notYet)
  await expect(setUp(never.bucket)).rejects.toThrow(notYet)
  expect(never.tries).toHaveLength(14)
})

test('does without the event of expirations on a server that does not know it', async () => {
  const { bucket, tries } = bucketThat((_, rules) =>
    JSON.stringify(rules).includes('LifecycleExpiration') ? 'A specified event is not supported' : undefined,
  )
  expect((await setUp(bucket)).pauses).toEqual([lookBackMs])
  expect(tries.at(-1)?.map(({ events }) => events)).toEqual([['s3:ObjectCreated:*'], ['s3:ObjectRemoved:*']])
})

test('gives up at once where S3 says anything else', async () => {
  const { bucket, tries } = bucketThat(() => 'MalformedXML')
  await expect(setUp(bucket)).rejects.toThrow('MalformedXML')
  expect(tries).toHaveLength(1)
})

test('writes again what somebody else took out, alone, until it stays', async () => {
  const { bucket, tries, rules } = bucketThat(() => undefined)
  const others = { queueArn: 'arn:aws:sqs:eu-central-1:123456789012:others', prefix: 'el8/', suffix: '.rpm' }
  let overwrites = 0
  const shared = {
    ...bucket,
    addNotifications: async (added: readonly QueueNotification[]) => {
      await bucket.addNotifications(added)
      overwrites += 1
      // Read before ours came: the first time none of ours stays, then one.
      if (overwrites <= 2)
        rules.splice(0, rules.length - (overwrites - 1), { ...others, events: ['s3:ObjectCreated:*'] })
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

/** @param answer what it says to each try, or `undefined` */
function bucketThat(answer: (attempt: number, rules: readonly QueueNotification[]) => string | undefined) {
  const tries: (readonly QueueNotification[])[] = []
  const rules: QueueNotification[] = []
  const bucket = {
    readNotifications: async () => ({ queues: [...rules], toEventBridge: false }),
    addNotifications: async (added: readonly QueueNotification[]) => {
      tries.push(added)
      const refusal = answer(tries.length, added)
      if (refusal !== undefined) throw new StoreError('FAILED', refusal, { store: 's3://b' })
      rules.push(...added)
    },
  }
  return { bucket, tries, rules }
}

async function setUp(bucket: Pick<S3Bucket, 'readNotifications' | 'addNotifications'>) {
  const steps: SetupStep[] = []
  const pauses: number[] = []
  await setUpNotifications({
    bucket,
    root: 'el9/',
    queues: { additions: queue('additions'), removals: queue('removals') },
    dryRun: false,
    pause: async (milliseconds) => pauses.push(milliseconds),
    random: () => 0.25,
    onStep: (step) => steps.push(step),
  })
  return { steps, pauses }
}

function queue(name: string): Pick<QueueState, 'arn'> {
  return { arn: `arn:aws:sqs:eu-central-1:123456789012:${name}` }
}
