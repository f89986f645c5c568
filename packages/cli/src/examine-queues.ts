/**
 * What `doctor` looks at between the bucket and the workers: notifications, and the queues that they go to.
 */
import type { BucketNotifications, S3Bucket } from '@repokeeper/object-store'
import {
  bucketSender,
  letsSend,
  openQueueDesk,
  type QueueDesk,
  type QueueState,
  receiveCountMin,
  type Sender,
  withSender,
} from '@repokeeper/worker'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import {
  examineNotifications,
  examineWhetherTold,
  initOf,
  type NotificationScene,
  remedyForMissing,
} from './examine-notifications.ts'
import { type Finding, type Looked, looking, type OnFinding } from './finding.ts'
import type { OpenRepository } from './open-repository.ts'
import { queueConnection } from './queue-connection.ts'
import { count } from './text-layout.ts'

interface QueueScene {
  /** `undefined` where it cannot be asked. */
  readonly bucket: S3Bucket | undefined
  readonly bucketName: string
  readonly region: string
  /** Names, URLs or ARNs; none: those of the notifications. */
  readonly queues: readonly string[]
}

/** A receive that does not say how long gets this; workers say it. */
const visibilitySecondsMin = 30

export async function examineQueues(
  repository: OpenRepository,
  scene: QueueScene,
  connection: Connection,
  onFinding: OnFinding,
  cli: Cli,
): Promise<void> {
  const { location, toCopy } = repository
  const { root } = location
  let notifications: BucketNotifications | undefined
  if (scene.bucket !== undefined) {
    await looking({ check: 'notifications' }, onFinding, async () => {
      notifications = await scene.bucket?.readNotifications()
    })
  }
  const told = notifications && { repository, bucketName: scene.bucketName, notifications, connection }
  const wanted = scene.queues.length > 0 ? scene.queues : concernedQueues(notifications, root)
  const isForeign = !isAmazons(queueConnection(connection, cli).endpointUrl)
  await looking({ check: 'queues' }, onFinding, async () => {
    const { region } = scene
    const desk = await openQueueDesk({ ...queueConnection(connection, cli), region }, scene.queues[0])
    try {
      const states: QueueState[] = []
      for (const queue of new Set(wanted)) {
        const looked = { check: 'queue', subject: queue.split(/[:/]/).at(-1) ?? queue }
        await looking(looked, onFinding, async () => {
          const state = await desk.find(queue)
          if (state === undefined) onFinding({ ...looked, ...missing(looked.subject, region, told) })
          else states.push(state)
        })
      }
      if (told !== undefined) examineNotifications(told, onFinding)
      for (const state of states) {
        if (told !== undefined) examineWhetherTold(told, state, onFinding)
        await examineQueue(state, { bucket: scene.bucketName, desk, isForeign, told, toCopy }, onFinding)
      }
    } finally {
      desk.close()
    }
  })
}

/** Also where an endpoint of Amazon's own is named, as that of a VPC. */
function isAmazons(endpointUrl: string | undefined): boolean {
  if (endpointUrl === undefined || !URL.canParse(endpointUrl)) return endpointUrl === undefined
  return /\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/.test(new URL(endpointUrl).hostname)
}

/** Those that are told of anything that is, or is above or below, a package of this repository. */
function concernedQueues(notifications: BucketNotifications | undefined, root: string): string[] {
  return (notifications?.rules ?? []).flatMap(({ target, arn, prefix, suffix }) => {
    const mayConcern =
      target === 'queue' &&
      (prefix.startsWith(root) || root.startsWith(prefix)) &&
      ('.rpm'.endsWith(suffix) || suffix.endsWith('.rpm'))
    return mayConcern ? [arn] : []
  })
}

function missing(queue: string, region: string, told: NotificationScene | undefined): Omit<Finding, 'check'> {
  const remedy = told === undefined ? 'Check its name, the account and the endpoint' : remedyForMissing(told, queue)
  return { verdict: 'problem', message: `there is no queue "${queue}" in ${region}`, remedy }
}

interface QueueSurroundings {
  readonly bucket: string
  readonly desk: QueueDesk
  readonly isForeign: boolean
  /** `undefined` where the bucket cannot be asked what it tells. */
  readonly told: NotificationScene | undefined
  readonly toCopy: OpenRepository['toCopy']
}

async function examineQueue(state: QueueState, surroundings: QueueSurroundings, onFinding: OnFinding): Promise<void> {
  const looked = { check: 'queue', subject: state.name }
  let found = 0
  const find: OnFinding = (finding) => {
    found += 1
    onFinding(finding)
  }
  examinePolicy(looked, state, surroundings, find)
  await looking(looked, find, () => examineDeadLetters(looked, state, surroundings, find))
  if (state.kmsKey !== undefined) {
    const message = `it is encrypted with the key ${state.kmsKey}`
    const remedy = 'The policy of that key has to let s3.amazonaws.com use it (kms:GenerateDataKey, kms:Decrypt)'
    find({ ...looked, verdict: 'warning', message, remedy })
  }
  if (state.waitSeconds === 0) {
    const message = 'long polling is off where a receive does not ask for it (workers do)'
    find({ ...looked, verdict: 'warning', message, remedy: 'Set ReceiveMessageWaitTimeSeconds to 20' })
  }
  const { visibilityTimeoutSeconds: visibility } = state
  if (visibility !== undefined && visibility < visibilitySecondsMin) {
    const message = `its visibility timeout is ${visibility} s where a receive does not ask for another (workers do)`
    find({ ...looked, verdict: 'warning', message, remedy: 'Set VisibilityTimeout to 120' })
  }
  if (found > 0) return
  const message = `policy, dead-letter queue, long polling (${state.waitSeconds} s) and visibility timeout (${visibility} s) are right`
  onFinding({ ...looked, verdict: 'ok', message })
}

function examinePolicy(
  looked: Looked,
  state: QueueState,
  { bucket, isForeign, told }: QueueSurroundings,
  onFinding: OnFinding,
): void {
  const sender = bucketSender(bucket, state.arn)
  const verdict = letsSend(state.policy, sender)
  if (verdict.kind === 'not allowed') {
    const message = `the bucket may not send to it: ${verdict.why}`
    const remedy = isForeign ? "Servers other than Amazon's need not ask for that" : policyRemedy(state, sender, told)
    onFinding({ ...looked, verdict: isForeign ? 'warning' : 'problem', message, remedy })
  } else if (verdict.from === 'anybody') {
    const message = 'its policy lets the buckets of anybody send to it'
    const remedy = 'Say whose, by the conditions aws:SourceArn and aws:SourceAccount'
    onFinding({ ...looked, verdict: 'warning', message, remedy })
  }
}

function policyRemedy({ name, policy }: QueueState, sender: Sender, told: NotificationScene | undefined): string {
  return letsSend(withSender(policy, sender), sender).kind === 'allowed'
    ? `Allow s3.amazonaws.com sqs:SendMessage for this bucket${byInit(told, name)}`
    : 'One statement more does not help: change those that are there'
}

function byInit(told: NotificationScene | undefined, queue: string): string {
  const init = told && initOf(told, queue)
  return init === undefined ? '' : `; "${init}" does`
}

async function examineDeadLetters(
  looked: Looked,
  { name, redrive }: QueueState,
  { desk, told, toCopy }: QueueSurroundings,
  onFinding: OnFinding,
): Promise<void> {
  if (redrive === undefined) {
    const message = 'it has no dead-letter queue: what nobody can use comes back until it expires'
    onFinding({ ...looked, verdict: 'problem', message, remedy: `Give it a RedrivePolicy${byInit(told, name)}` })
    return
  }
  if (redrive.maxReceiveCount < receiveCountMin) {
    const message = `its maxReceiveCount is ${redrive.maxReceiveCount}: a short outage moves good messages to the dead-letter queue`
    onFinding({ ...looked, verdict: 'warning', message, remedy: '5 to 10 is better' })
  }
  const deadLetters = await desk.find(redrive.deadLetterTargetArn)
  if (deadLetters === undefined) {
    const message = `its dead-letter queue ${redrive.deadLetterTargetArn} is not there`
    onFinding({ ...looked, verdict: 'problem', message, remedy: 'Make it, or name another one in the RedrivePolicy' })
  } else if (deadLetters.waiting > 0) {
    const message = `its dead-letter queue holds ${count(deadLetters.waiting, 'message')}`
    const remedy = `"${toCopy('dead-letters', 'list', '-q', deadLetters.name)}" shows them`
    onFinding({ ...looked, verdict: 'warning', message, remedy })
  }
}
