import { count } from '@repokeeper/repodata'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import type { WorkerEventMap, WorkerEventName } from './events.ts'
import { expiryText } from './key-expiry.ts'
import { outageHint, outageSubject } from './outage-text.ts'

export type EventLevel = 'debug' | 'info' | 'warn' | 'error'

type EventTexts = {
  readonly [E in WorkerEventName]: readonly [EventLevel, (event: WorkerEventMap[E]) => string]
}

/** Of a keyring, which may be that of a whole distribution. */
const keysToldMax = 5

/** How each event is logged: a sentence for people; its fields go beside it. */
const eventTexts: EventTexts = {
  started: [
    'info',
    ({ queue, once, repositories, inboxes = [] }) => {
      const from = inboxes.length === 0 ? '' : `, and for what is put into an inbox: ${shown(inboxes.join(', '))}`
      return `${once ? 'emptying' : 'listening to'} queue ${queue}, for ${shown(repositories?.join(', ') ?? 'any repository')}${from}`
    },
  ],
  'queue-advice': ['warn', ({ queue, advice }) => `queue ${queue}: ${advice}`],
  'package-policy': [
    'info',
    ({ keys, acceptsWeak }) =>
      `packages have to be signed by one of these keys: ${keysText(keys)}${acceptsWeak ? '; weak signatures count, too' : ''}`,
  ],
  'keyring-note': [
    'warn',
    ({ file, keyId, reason }) =>
      `keyring ${shown(file)}: ${keyId === undefined ? '' : `key ${keyId}: `}${shown(reason)}`,
  ],
  'key-expires': ['warn', ({ now, ...key }) => shown(expiryText(key, now))],
  'store-untried': [
    'warn',
    ({ bucket, error }) =>
      `s3://${bucket} could not be tried and is tried again when a message comes: ${messageOf(error)}`,
  ],
  polled: ['debug', ({ messages }) => `the queue has answered with ${count(messages, 'message')}`],
  received: ['debug', ({ messageId }) => `received message ${messageId}`],
  'received-again': ['debug', ({ messageId }) => `received message ${messageId} again while it is held`],
  'test-event': ['info', () => "received S3's test event: notifications arrive"],
  'passed-over': ['debug', ({ bucket, key, why }) => `passed over ${shown(`s3://${bucket}/${key}`)}: ${why}`],
  unreadable: [
    'error',
    ({ messageId, receiveCount, reason }) =>
      `message ${messageId} cannot be read (delivery ${receiveCount}) and is left to the dead-letter queue: ${shown(reason)}`,
  ],
  'locate-failed': [
    'error',
    ({ bucket, key, error }) =>
      `the repository of ${shown(`s3://${bucket}/${key}`)} cannot be told: ${messageOf(error)}`,
  ],
  'batch-started': [
    'debug',
    ({ batch, bucket, root, keys, messages }) =>
      `s3://${bucket}/${root}: looking at ${count(keys, 'key')} of ${count(messages, 'message')} (batch ${batch})`,
  ],
  'batch-settled': [
    'info',
    ({ bucket, root, changes, refused, durationMs }) =>
      `s3://${bucket}/${root}: ${countsText({ ...changes, refused })} in ${Math.round(durationMs)} ms`,
  ],
  'batch-held': [
    'error',
    ({ bucket, root, keys, error, retrySeconds }) =>
      `s3://${bucket}/${root}: ${count(keys, 'key is', 'keys are')} held and tried again in ${retrySeconds} s: ${messageOf(error)}${outageHint(error)}`,
  ],
  'batch-failed': [
    'error',
    ({ bucket, root, keys, error }) =>
      `s3://${bucket}/${root}: ${count(keys, 'key is', 'keys are')} tried again later: ${messageOf(error)}${outageHint(error)}`,
  ],
  repository: ['debug', (event) => repositoryText(event)],
  refused: [
    'error',
    ({ bucket, key, code, reason, messageId, receiveCount }) =>
      `refused ${shown(`s3://${bucket}/${key}`)}: ${code}: ${shown(reason)} (message ${messageId}, delivery ${receiveCount})`,
  ],
  undecided: [
    'warn',
    ({ bucket, key, error }) => `${shown(`s3://${bucket}/${key}`)} is tried again later: ${messageOf(error)}`,
  ],
  covered: [
    'debug',
    ({ messageId, batch, bucket, key, change }) =>
      `${shown(`s3://${bucket}/${key}`)} of message ${messageId} is ${change} (batch ${batch})`,
  ],
  deleted: ['debug', ({ messageId, batches }) => `deleted message ${messageId}${batchesText(batches)}`],
  'delete-failed': [
    'warn',
    ({ messageId, code, message }) =>
      `message ${messageId} is done but could not be deleted and comes back, which does no harm: ${code}: ${message}`,
  ],
  released: [
    'debug',
    ({ messageId, afterSeconds, batches }) =>
      `message ${messageId} is delivered again in ${afterSeconds} s${batchesText(batches)}`,
  ],
  'release-failed': [
    'warn',
    ({ messageId, code, message }) =>
      `message ${messageId} could not be given back and comes back when its visibility timeout is over: ${code}: ${message}`,
  ],
  'extend-failed': [
    'warn',
    ({ messageId, code, message, final }) =>
      `message ${messageId} could not be kept from other workers${final ? '' : ' and is tried again'}, which does no harm: ${code}: ${message}`,
  ],
  'receive-failed': [
    'error',
    ({ message, whatToDo, retrySeconds }) => `${message} ${whatToDo} Next try in ${retrySeconds} s.`,
  ],
  'receive-recovered': ['info', ({ failures }) => `the queue answers again after ${count(failures, 'failure')}`],
  'receive-paused': [
    'warn',
    ({ seconds, outage, error }) =>
      `${outageSubject(outage)}: nothing is received for ${seconds} s: ${messageOf(error)}${outageHint(error)}`,
  ],
  drift: [
    'warn',
    ({ bucket, root, path, problem, remedy, healing }) =>
      `${shown(`s3://${bucket}/${root}${path}`)}: ${shown(problem)}; ` +
      (healing ? 'no notification told so: it is brought into line now' : shown(remedy)),
  ],
  audited: [
    'info',
    ({ bucket, root, findings, healing, durationMs }) =>
      `s3://${bucket}/${root}: audited in ${Math.round(durationMs)} ms: ` +
      (findings === 0
        ? 'bucket and metadata agree'
        : `${findings} found to differ, ${healing} of them brought into line now` +
          (healing < findings ? `; for the others: repokeeper audit s3://${bucket}/${root} --repair` : '')),
  ],
  'cleaned-up': [
    'info',
    ({ bucket, root, objects, bytes }) =>
      `s3://${bucket}/${root}: ${count(objects, 'superseded object')} deleted (${formatBytes(bytes)})`,
  ],
  'site-written': [
    'info',
    ({ bucket, root, files, written, deleted }) =>
      `s3://${bucket}/${root}: pages for people: ${written} of ${count(files, 'file')} written, ${deleted} deleted`,
  ],
  'looked-again': [
    'warn',
    ({ bucket, root, keys }) =>
      `s3://${bucket}/${root}: looked again at ${count(keys, 'key')} in the stead of a publisher that was killed, or very slow, after its publish`,
  ],
  'left-to-others': [
    'info',
    ({ job, bucket, root, theirs }) =>
      `s3://${bucket}/${root}: the ${job} is left to later, for another worker is at the ${shown(theirs)}`,
  ],
  'upkeep-failed': [
    'warn',
    ({ job, bucket, root, error }) =>
      `s3://${bucket}/${root}: the ${job} could not be done and is tried again later: ${messageOf(error)}`,
  ],
  'history-unwritable': [
    'warn',
    ({ path, error }) =>
      `the history of the runs is not kept in ${shown(path)}; the work goes on: ${messageOf(error)}${outageHint(error)}`,
  ],
  'ops-listening': [
    'info',
    ({ host, port }) => `operations endpoint at http://${host.includes(':') ? `[${host}]` : host}:${port}/status`,
  ],
  'metrics-failed': [
    'warn',
    ({ sink, error }) => `measurements do not arrive (${sink}); the work goes on: ${messageOf(error)}`,
  ],
  stopping: [
    'info',
    ({ publishing, held }) =>
      `stopping: ${count(publishing, 'publish', 'publishes')} under way, ${count(held, 'message')} held`,
  ],
  stopped: ['info', ({ givenBack }) => `stopped: ${count(givenBack, 'message')} given back`],
  drained: [
    'info',
    ({ left, untried }) =>
      (left === 0
        ? 'the queue is empty and everything is published'
        : `published; ${count(left, 'message is', 'messages are')} left in the queue`) +
      (untried.length === 0 ? '' : `; but nothing is known of ${untried.join(', ')}, which could not be tried`),
  ],
  failed: ['error', ({ error }) => messageOf(error)],
}

const toldAsWarning: ReadonlySet<string> = new Set(['warning', 'signature mended', 'generation mended', 'rejected'])

export function levelOf<E extends WorkerEventName>(name: E, event: WorkerEventMap[E]): EventLevel {
  if (name === 'passed-over' && 'why' in event) return passedOverLevels[event.why] ?? 'debug'
  if (name === 'repository' && 'kind' in event && toldAsWarning.has(event.kind)) return 'warn'
  if (name === 'audited' && 'findings' in event && event.findings > 0) return 'warn'
  return eventTexts[name][0]
}

/** A key that lies outside may be one that a person forgot to configure: its event is gone, so it is said. */
const passedOverLevels: Readonly<Record<string, EventLevel>> = {
  'not safe as a location': 'warn',
  'outside the configured roots': 'warn',
}

export function textOf<E extends WorkerEventName>(name: E, event: WorkerEventMap[E]): string {
  return eventTexts[name][1](event)
}

/** Of an error and what caused it, shortest first told: what happened, without stack. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return shown(String(error))
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : ''
  return shown(`${code}${error.message === '' ? error.name : error.message}`)
}

function repositoryText(event: WorkerEventMap['repository']): string {
  const { repository, kind, bucket: _bucket, root: _root, batch, ...fields } = event
  const rest = Object.entries(fields).map(([name, value]) => `${name} ${shown(String(value))}`)
  return `${repository}: ${[kind, ...rest].join(', ')}${batch === undefined ? '' : ` (batch ${batch})`}`
}

function keysText(keys: WorkerEventMap['package-policy']['keys']): string {
  const told = keys.slice(0, keysToldMax).map(({ keyId, userId }) => `${keyId} ${shown(userId)}`)
  const more = keys.length > keysToldMax ? ` and ${keys.length - keysToldMax} more` : ''
  return `${told.join(', ')}${more}`
}

function batchesText(batches: readonly string[]): string {
  return batches.length === 0 ? '' : ` (batch ${batches.join(', ')})`
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  return parts.length === 0 ? 'nothing to do' : parts.map(([what, count]) => `${count} ${what}`).join(', ')
}

/** What came from outside, on one line and without what a terminal would obey, and no longer than anybody reads. */
function shown(text: string): string {
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) =>
    JSON.stringify(character)
      .slice(1, -1)
      .replace(/^[\u007f-\u009f]$/, '?'),
  )
  return line.length > 500 ? `${line.slice(0, 500)}…` : line
}
