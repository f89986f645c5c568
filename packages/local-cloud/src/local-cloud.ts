import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { AdminDoor } from './admin.ts'
import { CallLog } from './call-log.ts'
import { type Clock, createClock } from './clock.ts'
import { Door } from './door.ts'
import { type FaultRule, Faults } from './faults.ts'
import { createRandom } from './random.ts'
import { S3Service } from './s3/s3-service.ts'
import { Store } from './s3/store.ts'
import { Queues } from './sqs/queues.ts'
import { SqsService } from './sqs/sqs-service.ts'

export interface LocalCloudOptions {
  /** Buckets and queues live here, and are there again at the next start. Made where it is missing. One process at a time. */
  readonly directory: string
  /** Default: 127.0.0.1. Anybody who reaches it may do anything: there are no secrets here. */
  readonly host?: string
  /** Default: 0, any that is free. */
  readonly port?: number
  /** Default: the machine's time. The caller's own is not closed. */
  readonly clock?: Clock
  /** Rules that hold from the start. */
  readonly faults?: readonly FaultRule[]
  /** What chance there is comes from it: the same seed, the same faults. Default: 1. */
  readonly seed?: number
  /** In ARNs of queues. Default: us-east-1. */
  readonly region?: string
  /** Bytes of each part of a multipart upload but the last. Default: 5 MiB, as S3's. */
  readonly partBytesMin?: number
  /** S3 takes a bare `+` in a URL's path for a space. Default: true. */
  readonly plusIsSpace?: boolean
  /** Names under which `BUCKET.NAME` is a bucket. Default: localhost, s3.localhost, s3.amazonaws.com. */
  readonly virtualHosts?: readonly string[]
}

/** A running S3 and SQS. */
export interface LocalCloud {
  /** `http://127.0.0.1:PORT`, for both services. */
  readonly endpoint: string
  readonly faults: Faults
  readonly calls: CallLog
  readonly clock: Clock
  /** Ends every connection, and saves what is in the queues. */
  close(): Promise<void>
}

const virtualHostsDefault = ['localhost', 's3.localhost', 's3.amazonaws.com']

/** @throws Error where the directory holds something else, or the port is taken */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const { directory, host = '127.0.0.1', port = 0, seed = 1, region = 'us-east-1' } = options
  const clock = options.clock ?? createClock()
  const faults = new Faults(seed, options.faults)
  const calls = new CallLog()
  await mkdir(directory, { recursive: true })
  const queues = await Queues.open({
    path: join(directory, 'queues.json'),
    clock,
    region,
    faults,
    random: createRandom(seed),
  })
  const store = await Store.open(join(directory, 'buckets'), {
    clock,
    partBytesMin: options.partBytesMin ?? 5 * 2 ** 20,
    target: {
      exists: (arn) => queues.findByArn(arn) !== undefined,
      deliver(arn, body) {
        const queue = queues.findByArn(arn)
        if (queue !== undefined) queues.send(queue, { body, senderId: 's3.amazonaws.com' })
      },
    },
  })
  const door = new Door({
    clock,
    faults,
    calls,
    s3: new S3Service(store, {
      hosts: options.virtualHosts ?? virtualHostsDefault,
      plusIsSpace: options.plusIsSpace ?? true,
    }),
    sqs: new SqsService(queues, clock),
    admin: new AdminDoor(clock, faults, calls),
  })
  // An upload may take as long as it takes; a client's idle connection should not be closed under its next request.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 75_000, maxHeaderSize: 32 * 1024 })
  server.on('request', (incoming, outgoing) => {
    // Node would say the machine's time; whoever asks what time it is here means the clock that objects are stamped by.
    outgoing.setHeader('date', new Date(clock.now()).toUTCString())
    void door.answer(incoming, outgoing)
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  const boundPort = typeof address === 'object' && address !== null ? address.port : port
  return {
    endpoint: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    faults,
    calls,
    clock,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      await queues.close()
      if (options.clock === undefined) clock.close()
    },
  }
}
