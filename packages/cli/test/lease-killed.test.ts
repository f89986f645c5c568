/**
 * The lease of a worker that is killed while it audits: the others wait for its term, by the clock of the store, and then take turns.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { S3Store } from '@repokeeper/object-store'
import { leaseName } from '@repokeeper/repository'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { expect, onTestFinished, test } from 'vitest'
import { endProcess } from '../../../fixtures/cloud-process.ts'
import { createCloudResources } from '../../../fixtures/cloud-resources.ts'
import { type RunningProgram, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const key = `el9/repodata/${leaseName}`
/** Its term, what clocks may differ by, and a second. */
const termMs = 181_000

test('another takes it after its term, and never two at once', async () => {
  const cloud = await openCloud()
  const auditsOf = (name: string) =>
    cloud.calls.waitFor(({ accessKey, permissions }) => accessKey === name && permissions.some(isListing))
  // The first comes no further than the listing of its audit.
  cloud.faults.add({ ...listings, accessKey: 'first', action: { kind: 'delay', milliseconds: 3_600_000 } })
  const first = startWorker(cloud, 'first')
  await cloud.calls.waitFor(isTaken('first'))
  await endProcess(first, 'SIGKILL')
  expect(first.signalCode).toBe('SIGKILL')

  // Audits take a while, so that the others would meet in them.
  cloud.faults.add({ ...listings, action: { kind: 'delay', milliseconds: 200 } })
  const others = ['second', 'third'] as const
  for (const name of others) startWorker(cloud, name)
  // They come by several times, and leave it alone.
  for (const name of others) await looks(cloud, name, 3)
  expect(leaseCalls(cloud).filter(({ operation }) => operation !== 'GetObject')).toMatchObject([{ accessKey: 'first' }])

  cloud.clock.advance(termMs)
  for (const name of others) await auditsOf(name)
  await Promise.all(others.map((name) => looks(cloud, name, 6)))
  // Each audit by who had it, in the order of the calls.
  let holder: string | undefined
  let takings = 0
  for (const { operation, status, accessKey, key: at, permissions } of cloud.calls.list()) {
    if (!others.some((name) => name === accessKey)) continue
    if (at === key && operation === 'PutObject' && status === 200) {
      // Free, or its own again.
      expect([undefined, accessKey]).toContain(holder)
      if (holder === undefined) takings += 1
      holder = accessKey
    }
    if (permissions.some(isListing)) expect(accessKey).toBe(holder)
    if (at === key && operation === 'DeleteObject' && holder === accessKey) holder = undefined
  }
  expect(takings).toBeGreaterThan(2)
})

const listings = { service: 's3', operation: 'ListObjectsV2' } as const

/** That of an audit: of all packages. */
function isListing({ action, prefix }: { readonly action: string; readonly prefix?: string }): boolean {
  return action === 's3:ListBucket' && prefix === 'el9/'
}

type Call = ReturnType<LocalCloud['calls']['list']>[number]

function isTaken(name: string) {
  return (call: Call) => call.key === key && call.operation === 'PutObject' && call.accessKey === name
}

function leaseCalls(cloud: LocalCloud): Call[] {
  return cloud.calls.list().filter((call) => call.key === key)
}

/** Resolves when it has looked for the lease so many times more. */
async function looks(cloud: LocalCloud, name: string, times: number): Promise<void> {
  let last = cloud.calls.list().at(-1)?.number ?? 0
  for (let look = 0; look < times; look += 1) {
    const { number } = await cloud.calls.waitFor(
      (call) => call.number > last && call.key === key && call.operation === 'GetObject' && call.accessKey === name,
    )
    last = number
  }
}

/** With a repository of one package, published. */
async function openCloud(): Promise<LocalCloud> {
  const directory = await mkdtemp(join(place().directory, 'cloud-'))
  const cloud = await startLocalCloud({ directory })
  onTestFinished(async () => {
    await cloud.close()
    await rm(directory, { recursive: true, force: true })
  })
  await createCloudResources(cloud.endpoint, 'packages')
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
  const store = new S3Store({ endpoint: cloud.endpoint, region: 'us-east-1', bucket: 'packages', credentials })
  await store.put('el9/foo.rpm', buildPackage({ name: 'foo' }), { if: 'always' })
  await store.close()
  const environment = environmentOf(cloud, 'rebuilder')
  expect(await place().repokeeper('rebuild', 's3://packages/el9', { environment })).toMatchObject({ code: 0 })
  return cloud
}

/** One that audits every second, and does nothing else beside its queue. */
function startWorker(cloud: LocalCloud, name: string): RunningProgram {
  const options = ['--repository', 's3://packages/el9', '--audit-interval', '1s', '--gc-interval', '0']
  const worker = place()
    .with(environmentOf(cloud, name))
    .start('worker', '-q', 'packages-add', '--log-level', 'error', ...options)
  worker.stdout.resume()
  worker.stderr.resume()
  onTestFinished(() => endProcess(worker, 'SIGKILL'))
  return worker
}

function environmentOf({ endpoint }: LocalCloud, name: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: name,
    AWS_SECRET_ACCESS_KEY: 'anything',
  }
}
