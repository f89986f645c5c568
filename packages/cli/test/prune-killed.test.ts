/**
 * `prune` that is killed in the middle of its deletions: what is deleted is what was planned, the same command does the rest, and by the
 * events the workers bring the metadata to what is left.
 */
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { S3Store } from '@repokeeper/object-store'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { endProcess } from '../../../fixtures/cloud-process.ts'
import { createCloudResources } from '../../../fixtures/cloud-resources.ts'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const repo = 's3://packages/el9'
const versions = Array.from({ length: 30 }, (_, number) => number + 1)
const kept = ['bar-1.0-1.noarch.rpm', ...[28, 29, 30].map(fooFile)].toSorted()
const packages: string[] = []
beforeAll(async () => {
  for (const version of versions) packages.push(await place().rpm({ name: 'foo', version: String(version) }))
  packages.push(await place().rpm({ name: 'bar' }))
})

let cloud: LocalCloud
let store: S3Store
beforeEach(async () => {
  const directory = await mkdtemp(join(place().directory, 'cloud-'))
  cloud = await startLocalCloud({ directory })
  await createCloudResources(cloud.endpoint, 'packages')
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
  store = new S3Store({ endpoint: cloud.endpoint, region: 'us-east-1', bucket: 'packages', credentials })
  return () => rm(directory, { recursive: true, force: true })
})
afterEach(async () => {
  await store.close()
  await cloud.close()
})

test.each([
  ['the same command again, then the workers', [again, workers]],
  ['the workers, then the same command again', [workers, again, workers]],
])('%s', async (_, steps) => {
  expect(await as('uploader').repokeeper('add', repo, ...packages)).toMatchObject({ code: 0 })
  await workers()
  await pruneAndKill()
  const left = await rpms()
  // In the middle: something is gone, something is not, and nothing that was to stay.
  expect(left.length).toBeLessThan(packages.length)
  expect(left.length).toBeGreaterThan(kept.length)
  expect(left).toEqual(expect.arrayContaining(kept))

  for (const step of steps) await step()
  expect(await rpms()).toEqual(kept)
  for (const file of kept) expect(await bytesOf(file)).toEqual(await readFile(join(place().directory, file)))
  expect(await as('reader').repokeeper('audit', repo, '--settle', '0')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/: 4 packages in the bucket, 4 listed in revision \d+: nothing is wrong\n$/),
  })
})

/** Five deletions come through, of five more only the answer is lost, and the others never get there. */
async function pruneAndKill(): Promise<void> {
  const deletion = { service: 's3', operation: 'DeleteObject', accessKey: 'pruner' } as const
  const action = { kind: 'delay', milliseconds: 3_600_000 } as const
  cloud.faults.add({ ...deletion, id: 'unanswered', from: 6, count: 5, action: { ...action, effect: 'after' } })
  cloud.faults.add({ ...deletion, id: 'unsent', from: 11, action })
  const before = await rpms()
  const prune = as('pruner').start('prune', repo, '--keep', '3', '--yes')
  const ended = once(prune, 'exit')
  while ((await rpms()).length > before.length - 10) await Promise.race([ended, cloud.calls.waitFor(nextCall())])
  await endProcess(prune, 'SIGKILL')
  expect(prune.signalCode).toBe('SIGKILL')
  for (const id of ['unanswered', 'unsent']) cloud.faults.remove(id)
}

/** Any that is answered from now on. */
function nextCall() {
  const last = cloud.calls.list().at(-1)?.number ?? 0
  return ({ number, accessKey }: { number: number; accessKey?: string }) => number > last && accessKey === 'pruner'
}

async function again(): Promise<void> {
  expect(await as('pruner').repokeeper('prune', repo, '--keep', '3', '--yes')).toMatchObject({ code: 0 })
}

/** Both, until their queues are empty. */
async function workers(): Promise<void> {
  const run = (queue: string) =>
    as('worker').repokeeper(
      ...[
        'worker',
        '-q',
        queue,
        '--repository',
        repo,
        '--once',
        '--batch-quiet-seconds',
        '0.2',
        '--log-level',
        'error',
      ],
    )
  for (const ran of await Promise.all([run('packages-add'), run('packages-remove')])) {
    expect(ran).toMatchObject({ code: 0, stderr: '' })
  }
}

async function rpms(): Promise<string[]> {
  const keys = (await Array.fromAsync(store.list('el9/'))).map(({ key }) => key)
  return keys.filter((key) => key.endsWith('.rpm')).map((key) => key.slice('el9/'.length))
}

async function bytesOf(file: string): Promise<Buffer> {
  const got = await store.get(`el9/${file}`)
  if (got.kind !== 'found') throw new Error(`${file} is gone`)
  return Buffer.concat(await Array.fromAsync(got.body))
}

function fooFile(version: number): string {
  return `foo-${version}-1.noarch.rpm`
}

/** Of credentials of this name, so that faults can be for it alone. */
function as(name: string): Workplace {
  return place().with({
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: name,
    AWS_SECRET_ACCESS_KEY: 'anything',
  })
}
