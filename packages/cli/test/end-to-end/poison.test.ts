/**
 * Packages that can never be indexed: each is tried as often as its queue says and no more, says why at every try, ends in the dead-letter queue,
 * and holds up nobody.
 */
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { type PutBody, readBody } from '@repokeeper/object-store'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import type { Run, UnreadableMessage } from '@repokeeper/worker'
import { expect, it } from 'vitest'
import { readRepodataBy } from '../../../../fixtures/repodata-trees.ts'
import { Workplace } from '../run-cli.ts'
import { type CloudProcess, startCloudProcess, type WorkerProcess } from './cloud-process.ts'

const root = 'el9/'
const maxReceiveCount = 3

const whole = buildPackage({ name: 'whole', files: [{ path: '/a', content: 'x'.repeat(5000) }] })

interface Poison {
  readonly name: string
  readonly body: PutBody
  readonly code: string
  readonly reason: RegExp
}

/** Of each kind one, with what is said of it. */
const poisons: readonly Poison[] = [
  {
    name: 'no-package.rpm',
    body: Buffer.from('this is no RPM'),
    code: 'NOT_AN_RPM',
    reason: /begins with 74686973, not with edabeedb/,
  },
  {
    name: 'cut-in-header.rpm',
    body: whole.subarray(0, 300),
    code: 'CUT_OFF',
    reason: /it has 300 bytes, its headers alone need/,
  },
  {
    name: 'cut-in-payload.rpm',
    body: whole.subarray(0, -10),
    code: 'CUT_OFF',
    reason: /10 bytes of its payload are missing/,
  },
  {
    name: 'huge-header.rpm',
    body: withHugeHeader(129 * 2 ** 20),
    code: 'TOO_LARGE',
    reason: /its headers are \d+ bytes long, more than the 134217728 that are read/,
  },
]
const mixed = notificationOf(`${root}good.rpm`, `${root}no-package.rpm`)

it('are tried as often as the queue says, with the reason each time, and end in the dead-letter queue', async () => {
  const cloud = await startCloudProcess({ maxReceiveCount })
  const worker = cloud.startWorker(cloud.queues.add)
  cloud.startWorker(cloud.queues.remove)
  await poison(cloud)
  // Others come while these are being tried again.
  await worker.sees(({ event }) => event === 'refused')
  await cloud.store.put(`${root}later.rpm`, buildPackage({ name: 'later' }), { if: 'always' })
  await cloud.drained()

  await expectTheGoodListed(cloud)
  const dead = await cloud.deadLetters()
  for (const { name, code, reason } of poisons) {
    const notice = `"key":"${root}${name}"`
    const tries = worker.log.filter(({ event, key }) => event === 'refused' && key === `${root}${name}`)
    // What the mixed message names as well is tried for it, too.
    const own = tries.filter(({ messageId }) => messageId === tries[0]?.messageId)
    expect(own).toMatchObject(
      [1, 2, 3].map((receiveCount) => ({ receiveCount, code, reason: expect.stringMatching(reason) })),
    )
    expect(dead.filter((body) => body !== mixed && body.includes(notice)).length, name).toBe(1)
  }
  expect(dead.length).toBe(poisons.length + 2)
  expect(dead).toEqual(expect.arrayContaining([mixed, 'this is no JSON']))
  expect(worker.log.filter(({ event }) => event === 'unreadable')).toMatchObject(
    [1, 2, 3].map((receiveCount) => ({ receiveCount, reason: expect.stringContaining('JSON') })),
  )
  // Nobody else was delivered more than once, but what the mixed message names as well.
  const again = worker.log.filter(({ event, receiveCount }) => event === 'received' && receiveCount !== 1)
  const ofPoison = new Set(
    worker.log.filter(({ event }) => event === 'refused' || event === 'unreadable').map(({ messageId }) => messageId),
  )
  expect(again.filter(({ messageId }) => !ofPoison.has(messageId))).toEqual([])
}, 180_000)

it('are in the history, each try with its reason, also those of a worker that was killed', async () => {
  const cloud = await startCloudProcess({ maxReceiveCount })
  cloud.startWorker(cloud.queues.remove)
  const killed = cloud.startWorker(cloud.queues.add)
  await poison(cloud)
  // A message is given back when its try has been remembered, and deleted likewise.
  for (const { name } of poisons)
    await givesBack(killed, ({ event, key }) => event === 'refused' && key === root + name)
  await givesBack(killed, ({ event }) => event === 'unreadable')
  await killed.sees(({ event }) => event === 'deleted')
  await killed.crash()
  const next = cloud.startWorker(cloud.queues.add)
  await cloud.drained()

  const { runs, unreadable } = await readHistory(cloud)
  for (const { name, code, reason } of poisons) {
    const own = runs.flatMap(({ refusals }) => refusals).filter(({ key }) => key === root + name)
    for (const refusal of own) expect(refusal).toMatchObject({ code, reason: expect.stringMatching(reason) })
    expect(own.length, name).toBeGreaterThan(1)
    // Two messages name that one, and a run has one refusal of a key.
    if (mixed.includes(name)) continue
    const triesIn = ({ log }: WorkerProcess) =>
      log.filter(({ event, key }) => event === 'refused' && key === root + name).map(({ receiveCount }) => receiveCount)
    expectTries(own.toReversed(), triesIn(killed), triesIn(next))
  }
  const unreadIn = ({ log }: WorkerProcess) =>
    log.filter(({ event }) => event === 'unreadable').map(({ receiveCount }) => receiveCount)
  expectTries(unreadable.toReversed(), unreadIn(killed), unreadIn(next))
  for (const { reason } of unreadable) expect(reason).toContain('JSON')
  expect(runs.reduce((sum, { added }) => sum + added, 0)).toBe(1)
}, 180_000)

it('a key that no client could fetch is passed over at once, and said', async () => {
  const cloud = await startCloudProcess({ maxReceiveCount })
  const worker = cloud.startWorker(cloud.queues.add)
  cloud.startWorker(cloud.queues.remove)
  await cloud.store.put(`${root}bell\u0007.rpm`, buildPackage({ name: 'bell' }), { if: 'always' })
  await cloud.store.put(`${root}good.rpm`, buildPackage({ name: 'good' }), { if: 'always' })
  await cloud.store.put(`${root}later.rpm`, buildPackage({ name: 'later' }), { if: 'always' })
  await cloud.drained()
  await expectTheGoodListed(cloud)
  expect(worker.log.filter(({ event }) => event === 'passed-over')).toMatchObject([
    {
      level: 'warn',
      key: `${root}bell\u0007.rpm`,
      why: 'not safe as a location',
      msg: expect.stringContaining('\\u0007'),
    },
  ])
  expect(await cloud.deadLetters()).toEqual([])
}, 180_000)

async function poison(cloud: CloudProcess): Promise<void> {
  const { store, sqs, queues } = cloud
  const QueueUrl = cloud.queueUrl(queues.add)
  await store.put(`${root}good.rpm`, buildPackage({ name: 'good' }), { if: 'always' })
  for (const { name, body } of poisons) await store.put(`${root}${name}`, body, { if: 'always' })
  for (const MessageBody of ['this is no JSON', mixed]) {
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))
  }
}

async function expectTheGoodListed(cloud: CloudProcess): Promise<void> {
  const listed = await readRepodataBy((href) => read(cloud, `${root}${href}`))
  expect([...listed.keys()].toSorted()).toEqual(['good.rpm', 'later.rpm'])
}

/** Waits for the first line that is the one, and until its message is visible again. */
async function givesBack(worker: WorkerProcess, isTheOne: (line: Record<string, unknown>) => boolean): Promise<void> {
  await worker.sees(isTheOne)
  const messageId = worker.log.find(isTheOne)?.messageId
  await worker.sees((line) => line.event === 'released' && line.messageId === messageId)
}

/**
 * Each try once, in order. What the killed worker was about when it died it may have told and not remembered; not so its first try, nor what
 * its successor did.
 */
function expectTries(
  remembered: readonly { readonly delivery?: number }[],
  ofKilled: readonly unknown[],
  ofNext: readonly unknown[],
): void {
  const deliveries = remembered.map(({ delivery }) => delivery)
  expect(deliveries).toEqual(
    [...new Set([...ofKilled, ...ofNext])].filter((one) => deliveries.some((it) => it === one)),
  )
  expect(deliveries).toEqual(expect.arrayContaining([1, ...ofNext]))
  expect(deliveries.length).toBeGreaterThan(1)
}

async function readHistory({ directory, queues }: CloudProcess) {
  const { code, stdout, stderr } = await new Workplace(directory).repokeeper('history', '-q', queues.add, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const history: { readonly runs: readonly Run[]; readonly unreadable: readonly UnreadableMessage[] } =
    JSON.parse(stdout)
  return history
}

/** A package whose header has a store of so many bytes: an index entry, and zeros. */
function withHugeHeader(storeBytes: number): PutBody {
  const start = Buffer.concat([whole.subarray(0, headerStart(whole)), headerIntroduction(1, storeBytes)])
  const size = start.length + 16 + storeBytes
  return {
    size,
    async *open() {
      yield start
      const zeros = new Uint8Array(2 ** 20)
      for (let left = size - start.length; left > 0; left -= zeros.length) {
        yield zeros.subarray(0, Math.min(left, zeros.length))
      }
    },
  }
}

/** rpm's lib/header.c: magic, four bytes reserved, the number of index entries, the bytes of the store. */
function headerIntroduction(entries: number, storeBytes: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.set([0x8e, 0xad, 0xe8, 0x01])
  bytes.writeUInt32BE(entries, 8)
  bytes.writeUInt32BE(storeBytes, 12)
  return bytes
}

/** Behind lead and signature, which is padded to eight bytes. */
function headerStart(rpm: Uint8Array): number {
  const view = new DataView(rpm.buffer, rpm.byteOffset)
  const signatureEnd = 96 + 16 + 16 * view.getUint32(104) + view.getUint32(108)
  return Math.ceil(signatureEnd / 8) * 8
}

function notificationOf(...keys: string[]): string {
  return JSON.stringify({
    Records: keys.map((key) => ({
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: 'packages' }, object: { key: encodeURIComponent(key) } },
    })),
  })
}

async function read({ store }: CloudProcess, key: string): Promise<Uint8Array> {
  const got = await store.get(key)
  if (got.kind !== 'found') throw new Error(`${key} is ${got.kind}`)
  return readBody(got.body, 2 ** 30)
}
