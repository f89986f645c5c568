/**
 * Only signed packages, by worker processes on S3 and SQS: what is refused is named with its key, goes the way of a bad package, and is let
 * in once the keyring has its key.
 */
import { readFile } from 'node:fs/promises'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { readBody } from '@repokeeper/object-store'
import type { Run } from '@repokeeper/worker'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { environmentOf } from '../../../../fixtures/cloud-process.ts'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { readRepodataBy } from '../../../../fixtures/repodata-trees.ts'
import { Workplace } from '../run-cli.ts'
import { makeSignedPackages, type SignedPackages } from '../signed-packages.ts'
import { type CloudProcess, startCloudProcess, type WorkerProcess } from './cloud-process.ts'

const root = 'el9/'
const maxReceiveCount = 2

describeWithClients(['gpg', 'rpmsign', 'rpmkeys'], 'a worker with a keyring', () => {
  let made: SignedPackages
  beforeAll(async () => {
    made = await makeSignedPackages()
  })
  afterAll(() => made.room.close())

  it('lists what is signed, and refuses the rest until it knows their keys', async () => {
    const policy = { REPOKEEPER_PACKAGE_POLICY: 'signed', REPOKEEPER_HTTP: '127.0.0.1:0' }
    const cloud = await startCloudProcess({ maxReceiveCount, environment: policy })
    const keyring = made.keyFiles.flatMap((file) => ['--keyring', file])
    const worker = cloud.startWorker(cloud.queues.add, ...keyring)
    cloud.startWorker(cloud.queues.remove, ...keyring)
    await put(cloud, 'replaced.rpm', pathOf('rsa.rpm'))
    await worker.sees(({ event, key }) => event === 'covered' && key === `${root}replaced.rpm`)
    expect(await listed(cloud)).toEqual(['replaced.rpm'])

    await put(cloud, 'replaced.rpm', pathOf('unsigned.rpm'))
    for (const { file, path } of made.packages) await put(cloud, file, path)
    // Of this one the store does not know the digest: it is read to its end.
    await putWithoutDigest(cloud, 'streamed.rpm', pathOf('bad-payload.rpm'))
    await cloud.drained()

    // A payload that is not read is not compared: what is signed is what it was, and clients refuse it.
    const isRefused = (file: string) => file !== 'bad-payload.rpm'
    const refused = made.packages.filter(({ code, file }) => code !== undefined && isRefused(file))
    const letIn = made.packages.filter((one) => !refused.includes(one)).map(({ file }) => file)
    expect(await listed(cloud)).toEqual(letIn.toSorted())
    const expected = [
      ...refused.map(({ file, code, reason }) => ({ key: root + file, code, reason })),
      { key: `${root}replaced.rpm`, code: 'UNSIGNED', reason: /it is not signed/ },
      {
        key: `${root}streamed.rpm`,
        code: 'BAD_DIGEST',
        reason: /digest of its payload|digest of its header and payload/,
      },
    ]
    expectToldAt(worker)
    for (const { key, code, reason } of expected) {
      const tries = worker.log.filter((line) => line.event === 'refused' && line.key === key)
      const told = {
        code,
        reason: expect.stringMatching(reason),
        msg: expect.stringContaining(`refused s3://packages/${key}: ${code}`),
      }
      expect(tries, key).toMatchObject([
        { ...told, receiveCount: 1 },
        { ...told, receiveCount: 2 },
      ])
    }
    const dead = await cloud.messagesIn(cloud.queues.deadLetters)
    expect(dead).toBe(expected.length)
    await expectOnItsPages(worker, 'stranger.rpm')

    const here = new Workplace(cloud.directory, onlyStrings(environmentOf(cloud.endpoint, 'person')))
    const history = await here.repokeeper('history', '-q', cloud.queues.add, '--json')
    const { runs }: { readonly runs: readonly Run[] } = JSON.parse(history.stdout)
    for (const { key, code } of expected) {
      expect(runs.flatMap(({ refusals }) => refusals)).toContainEqual(expect.objectContaining({ key, code }))
    }

    // The key becomes known, and what was given up is sent back.
    await worker.crash()
    const retried = await here.repokeeper(
      'dead-letters',
      'retry',
      '-q',
      cloud.queues.deadLetters,
      '--key',
      'stranger.rpm',
    )
    expect(retried).toMatchObject({ code: 0 })
    const withStranger = [...keyring, '--keyring', await made.room.exportKey('stranger')]
    const audits = ['--audit-interval', '1s', '--batch-longest-wait-seconds', '0.3']
    const next = cloud.startWorker(cloud.queues.add, ...withStranger, ...audits)
    await next.sees(({ event, key }) => event === 'covered' && key === `${root}stranger.rpm`)
    expect(await listed(cloud)).toEqual([...letIn, 'stranger.rpm'].toSorted())
    // What is refused is rightly not listed: no drift, and nothing to heal.
    await next.sees(({ event, notes }) => event === 'audited' && notes === expected.length - 1)
    expect(next.log.filter(({ event }) => event === 'drift')).toEqual([])
  }, 180_000)

  function pathOf(file: string): string {
    return made.packages.find((one) => one.file === file)?.path ?? ''
  }
})

/** Whose signatures count, and which keys are of less use than one thinks: once. */
function expectToldAt({ log }: WorkerProcess): void {
  const text = (event: string) => log.filter((line) => line.event === event).map(({ msg }) => msg)
  expect(text('package-policy')).toEqual([
    expect.stringMatching(
      /^packages have to be signed by one of these keys: [0-9a-f]{16} rsa .*, [0-9a-f]{16} stolen /,
    ),
  ])
  expect(text('keyring-note')).toEqual([
    expect.stringMatching(/expired\.asc: key [0-9a-f]{16}: it expired on 2020-12-31/),
    expect.stringMatching(/stolen\.asc: key [0-9a-f]{16}: it is revoked/),
  ])
}

/** What people and Prometheus see of it. */
async function expectOnItsPages({ log }: WorkerProcess, file: string): Promise<void> {
  const port = log.find(({ event }) => event === 'ops-listening')?.port
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  expect(await ask('/history')).toMatch(
    new RegExp(`${file}.*key [0-9a-f]{16}\\) does not count: its key is not in the keyring`),
  )
  expect(await ask('/metrics')).toMatch(/^repokeeper_\w*refused\w*(\{[^}]*\})? [1-9]/m)
}

async function put({ store }: CloudProcess, name: string, path: string): Promise<void> {
  await store.put(root + name, await readFile(path), { if: 'always' })
}

async function putWithoutDigest({ endpoint, bucket }: CloudProcess, name: string, path: string): Promise<void> {
  const credentials = { accessKeyId: 'person', secretAccessKey: 'anything' }
  const plain = { requestChecksumCalculation: 'WHEN_REQUIRED', forcePathStyle: true } as const
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, ...plain })
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: root + name, Body: await readFile(path) }))
  client.destroy()
}

async function listed({ store }: CloudProcess): Promise<string[]> {
  const entries = await readRepodataBy(async (href) => {
    const got = await store.get(root + href)
    if (got.kind !== 'found') throw new Error(`${href} is ${got.kind}`)
    return readBody(got.body, 2 ** 30)
  })
  return [...entries.keys()].toSorted()
}

function onlyStrings(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && entry[0].startsWith('AWS_'),
    ),
  )
}
