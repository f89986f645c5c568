/**
 * What `doctor` looks at between the bucket and the workers: notifications, and the queues that they go to.
 */
import type { BucketNotifications, S3Bucket } from '@repokeeper/object-store'
import {
  bucketSender,
  isTold,
  letsSend,
  notificationFor,
  openQueueDesk,
  type QueueDesk,
  type QueuePurpose,
  type QueueState,
  receiveCountMin,
  type Sender,
  untold,
  withSender,
} from '@repokeeper/worker'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { type Looked, looking, type OnFinding } from './finding.ts'
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

const purposes: readonly QueuePurpose[] = ['additions', 'removals']
/** A receive that does not say how long gets this; workers say it. */
const visibilitySecondsMin = 30

export async function examineQueues(
  repository: OpenRepository,
  scene: QueueScene,
  connection: Connection,
  onFinding: OnFinding,
  cli: Cli,
): Promise<void> {
  const { root } = repository.location
  let notifications: BucketNotifications | undefined
  if (scene.bucket !== undefined) {
    await looking({ check: 'notifications' }, onFinding, async () => {
      notifications = await scene.bucket?.readNotifications()
    })
  }
  const wanted = scene.queues.length > 0 ? scene.queues : concernedQueues(notifications, root)
  const isForeign = !isAmazons(queueConnection(connection, cli).endpointUrl)
  await looking({ check: 'queues' }, onFinding, async () => {
    const { region } = scene
    const desk = await openQueueDesk({ ...queueConnection(connection, cli), region }, scene.queues[0])
    try {
      const states: QueueState[] = []
      for (const queue of new Set(wanted)) {
        await looking({ check: 'queue', subject: queue.split(/[:/]/).at(-1) ?? queue }, onFinding, async () => {
          states.push(await desk.read(queue))
        })
      }
      if (notifications !== undefined) examineNotifications(repository, notifications, states, onFinding)
      for (const state of states) await examineQueue(state, scene.bucketName, { desk, isForeign }, onFinding)
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
  return (notifications?.queues ?? []).flatMap(({ queueArn, prefix, suffix }) => {
    const mayConcern =
      (prefix.startsWith(root) || root.startsWith(prefix)) && ('.rpm'.endsWith(suffix) || suffix.endsWith('.rpm'))
    return mayConcern ? [queueArn] : []
  })
}

function examineNotifications(
  { name, location: { root } }: OpenRepository,
  { queues: rules, toEventBridge }: BucketNotifications,
  states: readonly QueueState[],
  onFinding: OnFinding,
): void {
  const init = `"repokeeper init ${name}" adds what is missing`
  for (const purpose of purposes) {
    const check = `events: ${purpose}`
    const told = states.filter(({ arn }) => isTold(purpose, arn, root, rules))
    if (told.length === 0 && toEventBridge) {
      const message = `no queue is told of all ${purpose} of ${root}*.rpm by the bucket; it tells EventBridge, whose rules are not looked at`
      onFinding({ check, verdict: 'warning', message })
    } else if (told.length === 0) {
      const message = `no ${states.length > 0 ? 'such ' : ''}queue is told of all ${purpose} of ${root}*.rpm`
      onFinding({ check, verdict: 'problem', message, remedy: `Without them nothing is published; ${init}` })
    } else {
      const expirations = told.every(({ arn }) => untold(notificationFor(purpose, arn, root), rules).length > 0)
      const remark = expirations ? ', but not of what a lifecycle rule deletes' : ''
      const message = `${root}*.rpm goes to ${told.map((state) => state.name).join(', ')}${remark}`
      onFinding({ check, verdict: 'ok', message })
    }
  }
  for (const { name: queue, arn } of states) {
    if (rules.some(({ queueArn }) => queueArn === arn) || toEventBridge) continue
    const message = 'the bucket tells it nothing'
    onFinding({ check: 'queue', subject: queue, verdict: 'problem', message, remedy: `Check its name; ${init}` })
  }
}

async function examineQueue(
  state: QueueState,
  bucket: string,
  { desk, isForeign }: { readonly desk: QueueDesk; readonly isForeign: boolean },
  onFinding: OnFinding,
): Promise<void> {
  const looked = { check: 'queue', subject: state.name }
  let found = 0
  const find: OnFinding = (finding) => {
    found += 1
    onFinding(finding)
  }
  examinePolicy(looked, state, bucket, isForeign, find)
  await looking(looked, find, () => examineDeadLetters(looked, state, desk, find))
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
  bucket: string,
  isForeign: boolean,
  onFinding: OnFinding,
): void {
  const sender = bucketSender(bucket, state.arn)
  const verdict = letsSend(state.policy, sender)
  if (verdict.kind === 'not allowed') {
    const message = `the bucket may not send to it: ${verdict.why}`
    const remedy = isForeign ? "Servers other than Amazon's need not ask for that" : policyRemedy(state, sender)
    onFinding({ ...looked, verdict: isForeign ? 'warning' : 'problem', message, remedy })
  } else if (verdict.from === 'anybody') {
    const message = 'its policy lets the buckets of anybody send to it'
    const remedy = 'Say whose, by the conditions aws:SourceArn and aws:SourceAccount'
    onFinding({ ...looked, verdict: 'warning', message, remedy })
  }
}

function policyRemedy({ policy }: QueueState, sender: Sender): string {
  return letsSend(withSender(policy, sender), sender).kind === 'allowed'
    ? 'Allow s3.amazonaws.com sqs:SendMessage for this bucket; "repokeeper init" does'
    : 'One statement more does not help: change those that are there'
}

async function examineDeadLetters(
  looked: Looked,
  { redrive }: QueueState,
  desk: QueueDesk,
  onFinding: OnFinding,
): Promise<void> {
  if (redrive === undefined) {
    const message = 'it has no dead-letter queue: what nobody can use comes back until it expires'
    onFinding({ ...looked, verdict: 'problem', message, remedy: 'Give it a RedrivePolicy; "repokeeper init" does' })
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
    const remedy = `"repokeeper dead-letters list -q ${deadLetters.name}" shows them`
    onFinding({ ...looked, verdict: 'warning', message, remedy })
  }
}
