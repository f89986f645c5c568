/**
 * Workers that write pages, at real queues and a real bucket: while packages come and go several of them take turns, and in the end the
 * pages are those of the metadata, and say what was said of them.
 */
import { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { type ObjectStore, probeConditions, readBody, S3Store } from '@repokeeper/object-store'
import {
  DiskCache,
  parseRepositoryRoot,
  realContext,
  rebuildRepository,
  reconcile,
  withLease,
} from '@repokeeper/repository'
import { writeSite } from '@repokeeper/repository/site'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createCloudResources } from '../../../fixtures/cloud-resources.ts'
import { type Clock, systemClock } from '../src/clock.ts'
import { WorkerEvents } from '../src/events.ts'
import { readWorkerOptions } from '../src/options.ts'
import { runWorker } from '../src/run.ts'

const root = parseRepositoryRoot('el9')
const view = `${root}repoview/`
const repomd = `${root}repodata/repomd.xml`
const said = { title: 'Ours', baseUrl: 'https://example.org/el9/', gpgKey: 'https://example.org/key' }
/** A minute between two rounds is a tenth of a second. */
const hurry = 600

it('pages converge to the metadata, whoever of the workers writes them, and keep what was said once', async () => {
  const { store, contextOf, startWorker } = await setUp()
  for (let number = 0; number < 20; number += 1) await put(store, number, 1)
  const context = await contextOf()
  await rebuildRepository({ store, root }, context)
  await writeSite({ store, root }, context, { say: said })

  const workers = [startWorker('packages-add'), startWorker('packages-add'), startWorker('packages-remove')]
  const written: string[] = []
  const matches = Promise.withResolvers<void>()
  let isLast = false
  let comparing = Promise.resolve()
  const compare = async (): Promise<void> => {
    const { files, settled } = await expectedNow(store, await contextOf())
    const found = await filesBelow(store, view)
    if (settled && [...files].every(([path, text]) => found.get(path) === text) && found.size === files.size) {
      matches.resolve()
    }
  }
  for (const { events } of workers) {
    events.subscribe((name) => {
      if (name !== 'site-written') return
      written.push(name)
      if (isLast) comparing = comparing.then(compare)
    })
  }
  for (let round = 2; round < 12; round += 1) {
    await Promise.all([0, 1, 2].map((step) => put(store, (round * 7 + step) % 30, round)))
    await store.delete(keyOf((round * 5) % 30))
  }
  isLast = true
  await put(store, 40, 1)
  await matches.promise
  isLast = false
  await comparing
  expect(written.length).toBeGreaterThan(2)
  const found = await filesBelow(store, view)
  expect(found.has('package/foo40.html')).toBe(true)
  expect(found.get('Ours.repo')).toContain('gpgcheck=1\ngpgkey=https://example.org/key\n')

  const rewritten = Promise.withResolvers<void>()
  for (const { events } of workers) {
    events.subscribe((name, event) => {
      if (name === 'site-written' && 'written' in event && event.written > 0) rewritten.resolve()
    })
  }
  // A person's publish: no message comes of it, and no worker settles it.
  const stored = (await filesBelow(store, repomd)).get('') ?? ''
  const published = stored.replace(/<revision>[^<]*</, '<revision>another<')
  await store.put(repomd, Buffer.from(published), { if: 'always' })
  await rewritten.promise
  for (const { stop } of workers) expect(await stop()).toBe(0)
  expect((await filesBelow(store, view)).get('index.html')).not.toBe(found.get('index.html'))
})

function keyOf(number: number): string {
  return `${root}foo${number}.rpm`
}

async function put(store: ObjectStore, number: number, version: number): Promise<void> {
  const bytes = buildPackage({ name: `foo${number}`, version: String(version), summary: `${number} in ${version}` })
  await store.put(keyOf(number), bytes, { if: 'always' })
}

/** The files of a site written from nothing, and whether the metadata lists all that is in the bucket by now. */
async function expectedNow(store: ObjectStore, context: Awaited<ReturnType<typeof realContext>>) {
  const prefix = `${root}expected-${Math.floor(context.random() * 2 ** 48)}/`
  const path = prefix.slice(root.length)
  const report = await writeSite({ store, root }, context, { path, say: said })
  const files = await filesBelow(store, prefix)
  const objects = await Array.fromAsync(store.list(root))
  const rpms = objects.filter(({ key }) => key.endsWith('.rpm'))
  return { files, settled: report?.packages === rpms.length && files.has('package/foo40.html') }
}

/** With the record open, but for the times of files, which only a listing knows. */
async function filesBelow(store: ObjectStore, prefix: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for await (const { key } of store.list(prefix)) {
    const got = await store.get(key)
    if (got.kind !== 'found') continue
    const bytes = Buffer.from(await readBody(got.body, 2 ** 20))
    files.set(key.slice(prefix.length), (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString())
  }
  return files
}

async function setUp() {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-worker-site-'))
  const cloud = await startLocalCloud({ directory: join(directory, 'cloud') })
  const store = openBucket(cloud, 'packages')
  onTestFinished(async () => {
    await store.close()
    await cloud.close()
    await rm(directory, { recursive: true, force: true })
    vi.unstubAllEnvs()
  })
  await createCloudResources(cloud.endpoint, 'packages')
  const openCache = async () =>
    DiskCache.open({ directory: await mkdtemp(join(directory, 'cache-')), bytesMax: 2 ** 30 })
  const contextOf = async () => realContext({ cache: await openCache(), onEvent: () => {} })
  const cache = await openCache()
  return { store, contextOf, startWorker: (queue: string) => startWorker(cloud, queue, cache) }
}

function openBucket({ endpoint }: LocalCloud, bucket: string): S3Store {
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  return new S3Store({ endpoint, region: 'us-east-1', bucket, credentials })
}

/** As the command puts it together. */
function startWorker(cloud: LocalCloud, queue: string, cache: DiskCache) {
  const flags = { queue, endpointUrl: cloud.endpoint, region: 'us-east-1', repositories: ['s3://packages/el9'] }
  const outcome = readWorkerOptions({
    flags: { ...flags, auditInterval: '0', gcInterval: '0', logLevel: 'error' },
    environment: {},
  })
  if (outcome.kind === 'problems') throw new Error(outcome.problems.join('\n'))
  const [events, signals] = [new WorkerEvents(), new EventEmitter()]
  const finished = runWorker(
    outcome.options,
    {
      openBucket: (bucket) => openBucket(cloud, bucket),
      reconcile: (location, keys, { joining, ...context }) =>
        reconcile(location, keys, realContext({ ...context, cache }), { joining }),
      holdLease: (location, job, context, work) => withLease(location, job, realContext({ ...context, cache }), work),
      writeSite: (location, context) => writeSite(location, realContext({ ...context, cache })),
      probeConditions: (bucket, prefix) => probeConditions(bucket, prefix, { random: Math.random }),
    },
    { stream: new PassThrough().resume(), signals, events, clock: hurried, exit: () => {} },
  )
  return {
    events,
    stop: () => {
      signals.emit('SIGTERM', 'SIGTERM')
      return finished
    },
  }
}

const hurried: Clock = {
  now: () => systemClock.now() * hurry,
  after: (ms, run) => systemClock.after(ms / hurry, run),
  random: Math.random,
}
