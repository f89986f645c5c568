import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { readBody, S3Store } from '@repokeeper/object-store'
import { MemoryCache, parseRepositoryRoot, readIndexedSnapshot, realContext } from '@repokeeper/repository'
import { makeKey, openKeySigner, readKeyring, verifyDetached } from '@repokeeper/signing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCloudResources } from '../../../fixtures/cloud-resources.ts'
import { createHandler, type LambdaContext } from '../src/lambda.ts'
import { notificationOf } from './bench.ts'
import { buildSignedPackage } from './signed-package.ts'

const bucket = 'packages'
let directory = ''
let cloud: LocalCloud
let store: S3Store
let rpm: Buffer
beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1')
  directory = await mkdtemp(join(tmpdir(), 'repokeeper-lambda-'))
  cloud = await startLocalCloud({ directory })
  const credentials = { accessKeyId: 'admin', secretAccessKey: 'anything' }
  await createCloudResources(cloud.endpoint, bucket)
  store = new S3Store({ bucket, endpoint: cloud.endpoint, region: 'us-east-1', credentials })
  rpm = await readFile(join(import.meta.dirname, '../../../fixtures/rpms/hello-repokeeper-1.0-1.noarch.rpm'))
})
afterEach(async () => {
  await store.close()
  await cloud.close()
  await rm(directory, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

/** A function as it is when it is cold. */
function newFunction(environment: Record<string, string> = {}) {
  const stream = new PassThrough()
  const metrics: string[] = []
  const call = createHandler({
    environment: {
      REPOKEEPER_ENDPOINT_URL: cloud.endpoint,
      REPOKEEPER_REPOSITORIES: `s3://${bucket}/el9`,
      REPOKEEPER_CACHE_DIR: join(directory, `cache ${Math.random()}`),
      AWS_REGION: 'us-east-1',
      ...environment,
    },
    stream,
    stdout: { write: (text) => metrics.push(text) },
  })
  return { call, metrics, log: () => String(stream.read() ?? '') }
}

/** As Lambda hands it over; bodies by message id. */
function sqsEvent(bodies: Readonly<Record<string, string>>, receiveCount = 1) {
  return {
    Records: Object.entries(bodies).map(([messageId, body]) => ({
      messageId,
      receiptHandle: `handle of ${messageId}`,
      body,
      attributes: { ApproximateReceiveCount: String(receiveCount), SentTimestamp: String(Date.now()) },
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:additions',
      awsRegion: 'us-east-1',
    })),
  }
}

const told = (...keys: string[]) => notificationOf(bucket, ...keys)
const failures = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) })

async function put(...names: readonly string[]): Promise<void> {
  for (const name of names) await store.put(`el9/${name}.rpm`, rpm, { if: 'always' })
}

async function newKey(): Promise<{ readonly revealed: string; readonly publicKey: string }> {
  const key = await makeKey({ userId: 'Alice <alice@example.com>', kind: 'ed25519', now: Date.now() })
  return { revealed: key.revealPrivateKey(), publicKey: key.publicKey }
}

async function listed(): Promise<string[]> {
  const context = realContext({ cache: new MemoryCache(), onEvent: () => {} })
  const { index } = await readIndexedSnapshot({ store, root: parseRepositoryRoot('el9') }, context)
  return index.packages.map(({ href }) => href)
}

async function readRepodata(name: string): Promise<Buffer> {
  const got = await store.get(`el9/repodata/${name}`)
  if (got.kind !== 'found') throw new Error(`${name} is ${got.kind}`)
  return Buffer.from(await readBody(got.body, 2 ** 20))
}

/** What the function has asked of a service. */
function asked(service: 's3' | 'sqs') {
  return cloud.calls.list().filter((call) => call.service === service && call.accessKey === 'key')
}

describe('the function', () => {
  it('publishes what a batch tells, duplicates and all, and leaves the queue to Lambda', async () => {
    await put('a', 'b')
    const { call } = newFunction()
    const { Records } = sqsEvent({
      m1: told('el9/a.rpm'),
      m2: told('el9/b.rpm', 'el9/a.rpm'),
      m3: told('el9/gone.rpm'),
    })
    // The same message twice in one event, and the same event again.
    expect(await call({ Records: [...Records, ...Records.slice(0, 2)] })).toEqual(failures())
    expect(await call({ Records })).toEqual(failures())
    expect(await listed()).toEqual(['a.rpm', 'b.rpm'])
    const swaps = asked('s3').filter(({ operation, key }) => operation === 'PutObject' && key?.endsWith('/repomd.xml'))
    expect(swaps.length).toBe(1)
    expect(asked('sqs')).toEqual([])
  })

  it('removes what is gone', async () => {
    await put('a', 'b')
    const { call } = newFunction()
    await call(sqsEvent({ m1: told('el9/a.rpm', 'el9/b.rpm') }))
    await store.delete('el9/a.rpm')
    expect(await call(sqsEvent({ m2: told('el9/a.rpm') }))).toEqual(failures())
    expect(await listed()).toEqual(['b.rpm'])
  })

  it('gives back what is refused or unreadable, and that alone', async () => {
    await put('a', 'b')
    await store.put('el9/bad.rpm', Buffer.from('no package'), { if: 'always' })
    const { call, log } = newFunction()
    const event = sqsEvent({
      good: told('el9/a.rpm'),
      poison: 'hello',
      bad: told('el9/bad.rpm'),
      both: told('el9/b.rpm', 'el9/bad.rpm'),
      test: JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: bucket }),
      elsewhere: told('fedora/c.rpm'),
    })
    expect(await call(event)).toEqual(failures('poison', 'bad', 'both'))
    expect(await listed()).toEqual(['a.rpm', 'b.rpm'])
    expect(log()).toContain('refused s3://packages/el9/bad.rpm')
  })

  it('lets in what its keyring has signed, gives back the rest, and tells once whose signatures count', async () => {
    const { revealed, publicKey } = await newKey()
    const signer = await openKeySigner({ key: { text: revealed }, now: Date.now })
    await store.put('el9/signed.rpm', await buildSignedPackage('signed', signer), { if: 'always' })
    await put('unsigned')
    const { call, log } = newFunction({
      REPOKEEPER_PACKAGE_POLICY: 'signed',
      REPOKEEPER_KEYRING: 'env:TRUSTED_KEYS',
      TRUSTED_KEYS: publicKey,
    })
    const event = sqsEvent({ m1: told('el9/signed.rpm'), m2: told('el9/unsigned.rpm') })
    expect(await call(event)).toEqual(failures('m2'))
    expect(await call(event)).toEqual(failures('m2'))
    expect(await listed()).toEqual(['signed.rpm'])
    const said = log()
    expect(said).toContain('refused s3://packages/el9/unsigned.rpm: UNSIGNED: it is not signed; sign it (rpmsign')
    expect(said.match(/packages have to be signed by one of these keys: [0-9a-f]{16} Alice/g)?.length).toBe(1)
  })

  it('gives back everything while the store is out, and works when it is back, warm as it is', async () => {
    await put('a')
    const { call } = newFunction()
    expect(await call(sqsEvent({ m1: told('el9/a.rpm') }))).toEqual(failures())
    await put('b')
    const rule = cloud.faults.add({ service: 's3', accessKey: 'key', action: { kind: 'error', status: 503 } })
    expect(await call(sqsEvent({ m2: told('el9/b.rpm'), m3: told('el9/a.rpm') }))).toEqual(failures('m2', 'm3'))
    cloud.faults.remove(rule)
    expect(await call(sqsEvent({ m2: told('el9/b.rpm'), m3: told('el9/a.rpm') }, 2))).toEqual(failures())
    expect(await listed()).toEqual(['a.rpm', 'b.rpm'])
  })

  it('gives back what could not be decided, and publishes the rest', async () => {
    await put('a', 'cold')
    const { call } = newFunction()
    cloud.faults.add({
      accessKey: 'key',
      key: 'el9/cold.rpm',
      action: { kind: 'error', status: 403, code: 'InvalidObjectState' },
    })
    expect(await call(sqsEvent({ m1: told('el9/a.rpm'), m2: told('el9/cold.rpm') }))).toEqual(failures('m2'))
    expect(await listed()).toEqual(['a.rpm'])
  })

  it('loses nothing where two work at once on one repository', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    await put(...names)
    const [one, other] = [newFunction(), newFunction()]
    const tell = async ({ call }: typeof one, some: readonly string[]) => {
      for (const name of some) expect(await call(sqsEvent({ [name]: told(`el9/${name}.rpm`) }))).toEqual(failures())
    }
    await Promise.all([tell(one, names.slice(0, 3)), tell(other, names.slice(3))])
    expect(await listed()).toEqual(names.map((name) => `${name}.rpm`))
  })

  it('keeps from call to call what it has tried and found', async () => {
    await put('a', 'b')
    const { call } = newFunction()
    const probes = () => asked('s3').filter(({ key }) => key?.includes('repokeeper-probe-')).length
    await call(sqsEvent({ m1: told('el9/a.rpm') }))
    const tried = probes()
    expect(tried).toBeGreaterThan(0)
    await call(sqsEvent({ m2: told('el9/b.rpm') }))
    expect(probes()).toBe(tried)
    expect(await listed()).toEqual(['a.rpm', 'b.rpm'])
  })

  it('gives back in time what it cannot finish', async () => {
    await put('a')
    const { call } = newFunction()
    cloud.faults.add({ accessKey: 'key', key: 'el9/a.rpm', action: { kind: 'delay', milliseconds: 600_000 } })
    const context: LambdaContext = { getRemainingTimeInMillis: () => 500 }
    expect(await call(sqsEvent({ m1: told('el9/a.rpm') }), context)).toEqual(failures('m1'))
  })

  it('fails as a whole on a store where two would lose each other’s packages, and on what is no event', async () => {
    await put('a')
    const { call } = newFunction()
    cloud.faults.add({ accessKey: 'key', action: { kind: 'ignoreConditions' } })
    await expect(call(sqsEvent({ m1: told('el9/a.rpm') }))).rejects.toMatchObject({ code: 'CONDITIONS_IGNORED' })
    await expect(call({ detail: {} })).rejects.toThrow('this is no event of SQS')
    await expect(newFunction({ REPOKEEPER_COMPRESSION: 'rar' }).call(sqsEvent({ m1: 'hello' }))).rejects.toThrow(
      'REPOKEEPER_COMPRESSION',
    )
  })

  it('measures what it does, with the queue that the messages are of', async () => {
    await put('a')
    const { call, metrics } = newFunction({ REPOKEEPER_EMF: 'true' })
    await call(sqsEvent({ m1: told('el9/a.rpm') }))
    expect(metrics.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ Queue: 'additions', 'repokeeper.heartbeat': 1, 'repokeeper.packages.added': 1 }),
    )
  })

  it('signs with a key out of its environment, which nothing that it says repeats', async () => {
    await put('a')
    const key = await makeKey({ userId: 'Lambda <lambda@example.com>', kind: 'ed25519', now: Date.now() - 1_000 })
    const PRIVATE_KEY = key.revealPrivateKey()
    const { call, log } = newFunction({ REPOKEEPER_SIGN_KEY: 'env:PRIVATE_KEY', PRIVATE_KEY })
    expect(await call(sqsEvent({ m1: told('el9/a.rpm') }))).toEqual(failures())
    const keyring = readKeyring([{ name: 'its key', bytes: Buffer.from(key.publicKey) }], Date.now())
    const [repomd, signature] = [await readRepodata('repomd.xml'), await readRepodata('repomd.xml.asc')]
    expect(verifyDetached(repomd, signature, { keyring, now: Date.now() })).toMatchObject([{ status: 'ok' }])
    const beside = readKeyring([{ name: 'beside', bytes: await readRepodata('repomd.xml.key') }], Date.now())
    expect(beside.keys.map(({ fingerprint }) => fingerprint)).toEqual([key.describe.fingerprint])
    expect(log()).not.toContain(PRIVATE_KEY.split('\n')[3])
  })

  it('fails as a whole where its key cannot be used, and says why', async () => {
    await put('a')
    const { call } = newFunction({ REPOKEEPER_SIGN_KEY: 'env:PRIVATE_KEY' })
    const running = call(sqsEvent({ m1: told('el9/a.rpm') }))
    await expect(running).rejects.toThrow('the private key is to be in the variable PRIVATE_KEY, which is not set')
  })
})
