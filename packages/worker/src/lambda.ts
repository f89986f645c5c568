/**
 * The worker as a function of AWS Lambda: an event of SQS in, the ids of the messages that are to come again out. Imported as
 * `@repokeeper/worker/lambda`.
 *
 * It neither receives nor deletes: Lambda does, by the response. What is refused, unreadable or could not be decided comes again
 * after the queue's visibility timeout, and goes the way of its redrive policy. The mapping of the queue to the function has to
 * have `ReportBatchItemFailures`. Audits, clean-ups and second looks are the affair of a worker that runs.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore, probeConditions } from '@repokeeper/object-store'
import { DiskCache, realContext, reconcileInbox } from '@repokeeper/repository'
import { Buckets } from './buckets.ts'
import { systemClock } from './clock.ts'
import { type BatchResponse, EventQueue } from './event-queue.ts'
import { WorkerEvents } from './events.ts'
import { generationsOf } from './generations-settings.ts'
import { HeldMessages } from './held-messages.ts'
import { expiringSoon, type WatchedKey, watchedKeys } from './key-expiry.ts'
import { logEvents } from './log.ts'
import { Metrics } from './metrics.ts'
import { outwardSinks } from './metrics-sinks.ts'
import { inboxesOf, readWorkerOptions, type WorkerOptions } from './options.ts'
import { type KeyringSummary, openPackagePolicyIfSaid } from './package-policy-settings.ts'
import { settingsOf, tellKeyring } from './run.ts'
import { openSigningIfSaid } from './signing-settings.ts'
import { createWorker } from './worker.ts'
import type { Worker, WorkerParts } from './worker-parts.ts'

/** What Lambda tells beside the event. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number
}

export type LambdaHandler = (event: unknown, context?: LambdaContext) => Promise<BatchResponse>

export interface LambdaIo {
  /** The worker's own variables, `REPOKEEPER_…`: `REPOSITORIES`, `SINGLE_WRITER`, `COMPRESSION`, `EMF` and so on, and `CACHE_DIR`. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where the log goes. */
  readonly stream: NodeJS.WritableStream
  /** Where metrics go with `REPOKEEPER_EMF`. */
  readonly stdout: { write(text: string): unknown }
}

/** Of the 512 MB that a function has in /tmp where nobody chose more. */
const cacheBytesMax = 384 * 2 ** 20
/** Before its time is up a function gives up, and says what is left: of one that is cut off all comes again. */
const lastMs = 8_000

/** The function that Lambda calls. */
export const handler: LambdaHandler = createHandler({
  environment: process.env,
  stream: process.stderr,
  stdout: process.stdout,
})

/** A function with what it keeps from one call to the next: buckets, what is known of their repositories, and documents on disk. */
export function createHandler(io: LambdaIo): LambdaHandler {
  let kept: Promise<Kept> | undefined
  let isTold = false
  return async (event, context) => {
    const queue = EventQueue.read(event)
    kept ??= open(io.environment)
    // Without its disk, say, there is nothing to keep.
    const warm = await kept.catch((error: unknown) => {
      kept = undefined
      throw error
    })
    const wasTold = isTold
    isTold = true
    return await work(queue, warm, io, context, wasTold)
  }
}

interface Kept {
  readonly options: WorkerOptions
  readonly buckets: Buckets
  readonly parts: Pick<WorkerParts, 'openBucket' | 'reconcile' | 'probeConditions'>
  readonly keyring: KeyringSummary | undefined
  readonly keys: () => readonly WatchedKey[]
}

async function open(environment: LambdaIo['environment']): Promise<Kept> {
  const options = readOptions(environment)
  const directory = environment.REPOKEEPER_CACHE_DIR || join(tmpdir(), 'repokeeper')
  const cache = await DiskCache.open({ directory, bytesMax: cacheBytesMax })
  const { endpointUrl, region, compression, openChecksum } = options
  const secrets = { environment, region }
  const signing = await openSigningIfSaid(options, secrets, Date.now)
  const { policy: packagePolicy, keyring } = await openPackagePolicyIfSaid(options, secrets, Date.now)
  const generations = generationsOf(options)
  const publishing = { cache, documents: { compression, openChecksum }, signing, packagePolicy, generations }
  const connection = {
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
    ...(region === undefined ? {} : { region }),
  }
  const inboxes = inboxesOf(options)
  const parts: Kept['parts'] = {
    openBucket: (bucket) => openStore({ kind: 's3', bucket, prefix: '' }, connection),
    reconcile: (location, keys, { joining, ...context }) =>
      reconcileInbox(location, keys, inboxes, realContext({ ...context, ...publishing }), { joining }),
    probeConditions: (store, prefix) => probeConditions(store, prefix, { random: Math.random }),
  }
  const signer = signing.kind === 'signed' ? signing.signer : undefined
  const keys = () => watchedKeys(signer, keyring)
  return {
    options,
    parts,
    keyring,
    keys,
    buckets: new Buckets({ ...settingsOf(options), ...parts, clock: systemClock }),
  }
}

/** AWS's own variables for endpoints are left to the SDK: they may name another one for S3. */
function readOptions(environment: LambdaIo['environment']): WorkerOptions {
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SQS, ...rest } = environment
  const flags = { queue: environment.REPOKEEPER_QUEUE || 'lambda', once: true }
  const outcome = readWorkerOptions({ flags, environment: rest })
  if (outcome.kind === 'options') return outcome.options
  throw new Error(`the environment of this function cannot be used: ${outcome.problems.join('; ')}`)
}

async function work(
  queue: EventQueue,
  { options, parts, buckets, keyring, keys }: Kept,
  { stream, stdout }: LambdaIo,
  context: LambdaContext | undefined,
  isTold: boolean,
): Promise<BatchResponse> {
  const events = new WorkerEvents()
  const endLog = logEvents(events, { level: options.logLevel, format: 'json', stream })
  const date = () => new Date()
  if (!isTold) tellKeys(events, { keyring, keys, now: date() })
  const held = new HeldMessages(events)
  const sinks = outwardSinks({ options, events, date, stdout }, queue.name)
  const metrics = new Metrics(events, { sinks, held, keys, clock: systemClock, date })
  // As many as Lambda hands over.
  const messagesMax = queue.deliveries.length + 1
  const settings = { ...settingsOf(options), messagesMax, graceMs: 0 }
  const worker = createWorker({ ...parts, buckets, queue, clock: systemClock, events }, settings)
  const cancel = stopInTime(worker, context)
  try {
    worker.start()
    const end = await worker.finished
    if (end.kind === 'failed') throw end.error
    return queue.response
  } finally {
    cancel()
    await metrics.close()
    held.close()
    endLog()
  }
}

/** Once for each start of a function, which is several times a day. */
function tellKeys(
  events: WorkerEvents,
  { keyring, keys, now }: Pick<Kept, 'keyring' | 'keys'> & { readonly now: Date },
): void {
  if (keyring !== undefined) tellKeyring(events, keyring)
  for (const key of expiringSoon(keys(), now)) events.emit('key-expires', { ...key, now })
}

function stopInTime(worker: Worker, context: LambdaContext | undefined): () => void {
  if (context === undefined) return () => {}
  const leftMs = context.getRemainingTimeInMillis()
  return systemClock.after(Math.max(leftMs - lastMs, leftMs / 2), () => void worker.stop())
}
