/**
 * Every part does its work with what `fixtures/least-power.ts` says, and everything else denied: it needs no more, and of what it is given it
 * uses everything. Where something is missing, it says what.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { PurgeQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type Call, type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { S3Store } from '@repokeeper/object-store'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { describe, expect, it } from 'vitest'
import { createCloudResources } from '../../../fixtures/cloud-resources.ts'
import { leastPower, type PartName } from '../../../fixtures/least-power.ts'
import {
  type Attempt,
  type Need,
  type Part,
  type Place,
  type Statement,
  statementsOf,
} from '../../../fixtures/permissions.ts'
import { type Ran, type RunOptions, Workplace } from './run-cli.ts'

const bucket = 'packages'
const root = 'el9/x86_64/'
/** A limit, not a measurement: they run side by side. */
const limitMs = 300_000
const repo = `s3://${bucket}/${root}`
const testing = `s3://${bucket}/testing/`
/** Of nobody who signs anything here. */
const keyring = join(import.meta.dirname, '../../../fixtures/packages-key.asc')

/** A cloud of its own, and two who work on it: the part under test with its permissions, and an administrator with all. */
interface Scene {
  readonly cloud: LocalCloud
  readonly store: S3Store
  readonly part: Workplace
  readonly admin: Workplace
  /** Writes a package file, to be added. */
  rpm(name: string, version?: string): Promise<string>
}

/** One thing that a part does, and the exit code that it is to have. */
interface Job {
  readonly exitCode: number
  readonly run: (scene: Scene) => Promise<Ran>
}

const done = (run: Job['run']): Job => ({ exitCode: 0, run })

const additions: readonly Job[] = [
  done(async (scene) => {
    await scene.store.put(`${root}foo.rpm`, buildPackage({ name: 'foo' }), { if: 'always' })
    await scene.admin.updatePackages('-b', bucket, '-p', root, '-o', 'add', await scene.rpm('bar'))
    return await runWorker(scene, 'add')
  }),
  done(async (scene) => {
    await scene.store.put(`${root}foo.rpm`, buildPackage({ name: 'foo', version: '2' }), { if: 'always' })
    return await runWorker(scene, 'add')
  }),
  {
    exitCode: 1,
    run: async (scene) => {
      await scene.store.put(`${root}broken.rpm`, Buffer.from('no package'), { if: 'always' })
      await scene.store.put(`${root}unsigned.rpm`, buildPackage({ name: 'unsigned' }), { if: 'always' })
      const ran = await runWorker(scene, 'add', ['--once', '--package-policy', 'signed', '--keyring', keyring])
      expect(ran.stderr).toContain('UNSIGNED')
      return ran
    },
  },
]

/** Between them the jobs of a part need everything that it is given. */
const jobs: Readonly<Record<PartName, readonly Job[]>> = {
  init: [
    done(async ({ part }) => {
      const queues = ['add', 'remove', 'dead-letter'].flatMap((queue) => [
        `--${queue}-queue`,
        `${bucket}-${queue.replace('letter', 'letters')}`,
      ])
      return await part.repokeeper('init', repo, ...queues)
    }),
    done(async (scene) => {
      await deleteBucket(scene)
      return await scene.part.repokeeper('init', repo)
    }),
  ],
  doctor: [
    done(async (scene) => {
      await published(scene)
      return await scene.part.repokeeper('doctor', repo)
    }),
  ],
  status: [
    done(async (scene) => {
      await published(scene)
      return await scene.part.repokeeper('status', repo, '-q', `${bucket}-add`)
    }),
  ],
  'status --deep': [
    done(async (scene) => {
      await published(scene)
      return await scene.part.repokeeper('status', repo, '--deep')
    }),
  ],
  'dead-letters list': [
    done(async (scene) => {
      await letDie(scene)
      return await scene.part.repokeeper('dead-letters', 'list', '-q', `${bucket}-dead-letters`)
    }),
  ],
  'dead-letters retry': [
    done(async (scene) => {
      await letDie(scene)
      return await scene.part.repokeeper('dead-letters', 'retry', '-q', `${bucket}-dead-letters`, '--key', 'broken.rpm')
    }),
  ],
  'dead-letters drop': [
    done(async (scene) => {
      await letDie(scene)
      const which = ['-q', `${bucket}-dead-letters`, '--key', 'broken.rpm', '--yes']
      return await scene.part.repokeeper('dead-letters', 'drop', ...which)
    }),
  ],
  'add worker': additions,
  'remove worker': [
    done(async (scene) => {
      await published(scene)
      await scene.store.delete(`${root}${await scene.rpm('foo')}`)
      return await runWorker(scene, 'remove')
    }),
    {
      exitCode: 1,
      run: async (scene) => {
        for (const text of ['no package', 'none either']) {
          await scene.store.delete(`${root}broken.rpm`)
          await scene.store.put(`${root}broken.rpm`, Buffer.from(text), { if: 'always' })
        }
        return await runWorker(scene, 'remove')
      },
    },
  ],
  'worker with upkeep': [
    ...additions,
    done(async (scene) => {
      await superseded(scene)
      return await runUpkeep(scene, 'clean-up', 'superseded objects deleted')
    }),
    done(async (scene) => {
      await published(scene)
      await putUntold(scene, 'lost')
      return await runUpkeep(scene, 'audit', ': 1 added')
    }),
    done(async (scene) => {
      await published(scene)
      const pledge = await pledgeOfTheDead(scene, 'left')
      const ran = await runUpkeep(scene, 'second look', 'looked again')
      expect(await scene.store.head(pledge), 'the pledge that was kept').toBeUndefined()
      expect((await scene.admin.repokeeper('list', repo)).stdout).toContain('left')
      return ran
    }),
    // Last, for nothing can be published any more.
    done(async (scene) => {
      await published(scene)
      await deleteDocuments(scene)
      return await runUpkeep(scene, 'audit', 'found to differ')
    }),
  ],
  'worker with generations': [
    done(async (scene) => {
      await inGenerations(scene)
      await scene.store.put(`${root}more.rpm`, buildPackage({ name: 'more' }), { if: 'always' })
      return await runWorker(scene, 'add')
    }),
    done(async (scene) => {
      await inGenerations(scene)
      const when = ['superseded objects deleted', failureOf('clean-up')]
      const interrupt = { in: 'stderr', when, signal: 'SIGTERM' } as const
      return await runWorker(scene, 'add', [...upkeepOptions['clean-up'], { interrupt, ownProcess: false }])
    }),
    ...additions,
  ],
  add: [
    done(async ({ part, rpm }) => part.updatePackages('-b', bucket, '-p', root, '-o', 'add', await rpm('foo'))),
    done(async (scene) => {
      await published(scene)
      const files = [await scene.rpm('foo'), await scene.rpm('new')]
      return await scene.part.repokeeper('add', repo, ...files)
    }),
    done(async ({ part, rpm }) => part.repokeeper('add', repo, await rpm('instead'), '--replace')),
    done(async (scene) => {
      const file = await scene.rpm('waited')
      await scene.admin.repokeeper('add', repo, file, '--publish')
      return await scene.part.repokeeper('add', repo, file, '--wait')
    }),
  ],
  'upload from CI': [
    done(async ({ part, rpm }) => part.updatePackages('-b', bucket, '-p', root, '-o', 'add', await rpm('foo'))),
  ],
  remove: [
    done(async (scene) => {
      await published(scene)
      return await scene.part.updatePackages('-b', bucket, '-p', root, '-o', 'remove', 'foo-1.0-1')
    }),
  ],
  list: [
    done(async (scene) => {
      await published(scene)
      return await scene.part.repokeeper('list', repo)
    }),
  ],
  plan: [
    {
      exitCode: 100,
      run: async (scene) => {
        await published(scene)
        await putUntold(scene, 'lost')
        return await scene.part.repokeeper('plan', repo)
      },
    },
  ],
  promote: [
    done(async (scene) => {
      const files = [await scene.rpm('foo'), await scene.rpm('bar')]
      await scene.admin.repokeeper('add', testing, ...files, '--publish')
      return await scene.part.repokeeper('promote', '*', testing, repo)
    }),
  ],
  pull: [
    done(async (scene) => {
      await published(scene)
      return await scene.part.repokeeper('pull', repo, 'replica')
    }),
  ],
  copy: [
    done(async (scene) => {
      const files = [await scene.rpm('foo'), await scene.rpm('bar')]
      await scene.admin.repokeeper('add', testing, ...files, '--publish')
      const generations = ['--generations-url', 'https://packages.example.com/{path}/']
      const copied = await scene.part.repokeeper('copy', testing, repo, ...generations)
      if (copied.code !== 0) return copied
      await scene.admin.repokeeper('remove', testing, 'foo-1.0-1', '--publish')
      return await scene.part.repokeeper('copy', testing, repo, '--retention', '0')
    }),
  ],
  'mirror --prune': [
    done(async (scene) => {
      const files = [await scene.rpm('foo'), await scene.rpm('bar')]
      await scene.admin.repokeeper('add', testing, ...files, '--publish')
      await scene.admin.repokeeper('mirror', testing, 'upstream')
      await scene.admin.repokeeper('mirror', 'upstream', repo)
      return await scene.part.repokeeper('mirror', 'upstream', repo, '--exclude', 'bar', '--prune')
    }),
    done(async (scene) => {
      const { stdout } = await scene.admin.repokeeper('remove', repo, 'foo-1.0-1')
      expect(stdout).toContain('removed foo')
      return await scene.part.repokeeper('mirror', 'upstream', repo)
    }),
  ],
  prune: [
    done(async (scene) => {
      await twoVersions(scene)
      return await scene.part.repokeeper('prune', repo, '--keep', '1')
    }),
  ],
  'prune --yes': [
    done(async (scene) => {
      await twoVersions(scene)
      return await scene.part.repokeeper('prune', repo, '--keep', '1', '--yes')
    }),
  ],
  adopt: [
    done(async (scene) => {
      await published(scene)
      return await scene.part.repokeeper('adopt', repo)
    }),
  ],
  'adopt --yes': [
    done(async (scene) => {
      await published(scene)
      await scene.store.put(`${root}new.rpm`, buildPackage({ name: 'new' }), { if: 'always' })
      return await scene.part.repokeeper('adopt', repo, '--yes')
    }),
  ],
  rebuild: [
    done(async (scene) => {
      await published(scene)
      // A package comes while the others are read.
      const { cloud, store } = scene
      const slowly = { kind: 'delay', milliseconds: 3_000 } as const
      cloud.faults.add({ accessKey: 'part', operation: 'PutObject', key: '*/repomd.xml', count: 1, action: slowly })
      // Where it never comes to reading them, there is nothing to be late for.
      void cloud.calls
        .waitFor(({ accessKey, key }) => accessKey === 'part' && key?.endsWith('.rpm') === true)
        .then(() => store.put(`${root}late.rpm`, buildPackage({ name: 'late' }), { if: 'always' }))
      return await scene.part.repokeeper('rebuild', repo)
    }),
  ],
  audit: [
    done(async (scene) => {
      await published(scene)
      return await scene.part.repokeeper('audit', repo)
    }),
    {
      exitCode: 1,
      run: async (scene) => {
        await published(scene)
        await putUntold(scene, 'lost')
        return await scene.part.repokeeper('audit', repo, '--settle', '0')
      },
    },
    {
      exitCode: 1,
      run: async (scene) => {
        await published(scene)
        await deleteDocuments(scene)
        return await scene.part.repokeeper('audit', repo, '--settle', '0')
      },
    },
    {
      exitCode: 1,
      run: async (scene) => {
        await scene.admin.repokeeper('rebuild', repo)
        return await scene.part.repokeeper('audit', repo, '--signatures', '--keyring', keyring, '--settle', '0')
      },
    },
  ],
  'audit --deep': [
    done(async (scene) => {
      await published(scene)
      return await scene.part.repokeeper('audit', repo, '--deep')
    }),
  ],
  'audit --repair': [
    done(async (scene) => {
      await published(scene)
      await scene.store.put(`${root}lost.rpm`, buildPackage({ name: 'lost' }), { if: 'always' })
      return await scene.part.repokeeper('audit', repo, '--repair', '--settle', '0')
    }),
  ],
  generations: [
    done(async (scene) => {
      await inGenerations(scene)
      return await scene.part.repokeeper('generations', repo)
    }),
  ],
  rollback: [
    done(async (scene) => scene.part.repokeeper('rollback', repo, await inGenerations(scene))),
    done(async ({ part }) => part.repokeeper('rollback', repo, '--resume')),
  ],
  snapshot: [
    done(async (scene) => scene.part.repokeeper('snapshot', repo, 'first', '--id', await inGenerations(scene))),
    done(async ({ part }) => part.repokeeper('snapshot', repo, 'first', '--delete')),
  ],
  gc: [
    done(async (scene) => {
      await superseded(scene)
      return await scene.part.repokeeper('gc', repo, '--retention', '0')
    }),
  ],
  site: [
    done(async (scene) => {
      await published(scene)
      await scene.part.repokeeper('site', repo)
      const ran = await scene.admin.repokeeper('remove', repo, 'foo-*', '--publish')
      expect(ran.code, ran.stderr).toBe(0)
      return await scene.part.repokeeper('site', repo)
    }),
  ],
  'add --publish': [
    done(async ({ part, rpm }) => part.repokeeper('add', repo, await rpm('foo'), '--publish')),
    done(async ({ part, rpm }) => part.repokeeper('add', repo, await rpm('foo', '2'), '--publish')),
  ],
  'remove --publish': [
    done(async (scene) => {
      await published(scene)
      return await scene.part.repokeeper('remove', repo, 'foo-1.0-1', '--publish')
    }),
  ],
}

const likeAnother: Readonly<Partial<Record<PartName, PartName>>> = {
  'remove worker': 'add worker',
  'worker with upkeep': 'add worker',
  'worker with generations': 'worker with upkeep',
  generations: 'audit',
  rollback: 'worker with generations',
  snapshot: 'worker with generations',
  init: 'doctor',
  status: 'doctor',
  'status --deep': 'plan',
  'dead-letters retry': 'dead-letters list',
  'dead-letters drop': 'dead-letters list',
  prune: 'plan',
  adopt: 'audit',
  'adopt --yes': 'rebuild',
  'mirror --prune': 'add --publish',
}

describe.concurrent.each(Object.keys(jobs).filter(isPart))('%s', (name) => {
  const part: Part = leastPower[name]

  it(
    'does its work with what it is given, asks for nothing else, and uses all of it',
    async () => {
      const asked = await withScene(part.needs, async (scene) => {
        for (const { run, exitCode } of jobs[name]) {
          const ran = await run(scene)
          expect({ ...ran, code: ran.code }, ran.stderr).toMatchObject({ code: exitCode })
        }
        return askedOf(scene)
      })
      const refused = asked.filter(({ allowed }) => !allowed)
      const unexpected = refused.filter((one) => !part.attempts.some((attempt) => isAttempt(attempt, one)))
      expect(unexpected, 'asked for, and not in the table').toEqual([])
      const unused = part.needs.filter((need) => !asked.some((one) => isNeed(need, one)))
      expect(unused, 'in the table, and not asked for').toEqual([])
      const neverTried = part.attempts.filter((attempt) => !refused.some((one) => isAttempt(attempt, one)))
      expect(neverTried, 'said to be tried, and not tried').toEqual([])
    },
    limitMs,
  )

  // Of parts that are much the same and are given much the same, once.
  const like: Part = leastPower[likeAnother[name] ?? name]
  const distinct = name in likeAnother ? part.needs.filter((need) => !like.needs.includes(need)) : part.needs
  it.each(distinct.map((need) => [titleOf(need), need] as const))(
    'without %s says that it is missing, and on what',
    async (_, need) => {
      const { resource } = statementOf(need)
      const complaint = new RegExp(`${need.action}.{0,200}${escaped(resource.replace(/\*.*$/, ''))}`, 'is')
      const rest = part.needs.filter((other) => other !== need)
      const said = await withScene(rest, async (scene) => {
        let text = ''
        for (const { run } of jobs[name]) {
          if (complaint.test(text)) break
          // What doctor finds is its result.
          const { stdout, stderr } = await run(scene)
          text += stderr + stdout
        }
        return text
      })
      expect(said).toMatch(complaint)
    },
    limitMs,
  )
})

/** A worker goes on where a job of its upkeep fails: so each says for itself what it misses. */
describe.concurrent('the upkeep of a worker', () => {
  const { needs } = leastPower['worker with upkeep']

  it.each([
    ['audit', 's3:GetObject'],
    ['audit', 's3:ListBucket'],
    ['audit', 's3:PutObject'],
    ['clean-up', 's3:GetObject'],
    ['clean-up', 's3:ListBucket'],
    ['clean-up', 's3:DeleteObject'],
    ['second look', 's3:GetObject'],
    ['second look', 's3:ListBucket'],
    ['second look', 's3:PutObject'],
    ['second look', 's3:DeleteObject'],
  ] as const)(
    'says of its %s that it could not be done without %s',
    async (job, action) => {
      const failure = failureOf(job)
      const rest = needs.filter((need) => need.action !== action)
      const { code, stderr } = await withScene(rest, async (scene) => {
        await superseded(scene)
        return await runUpkeep(scene, job, failure)
      })
      expect(code, stderr).toBe(0)
      expect(stderr).toMatch(new RegExp(`${failure}.*${action} .*arn:aws:s3:::${bucket}`))
    },
    limitMs,
  )

  it(
    'says of a pledge that it has kept and may not delete that it will be looked at again, and why',
    async () => {
      const rest: readonly Need[] = leastPower['add worker'].needs.filter(
        ({ on }) => !JSON.stringify(on).includes('pledge-'),
      )
      const { stderr } = await withScene(rest, async (scene) => {
        await published(scene)
        await pledgeOfTheDead(scene, 'left')
        return await runUpkeep(scene, 'second look', 'looked again')
      })
      expect(stderr).toMatch(/pledge-\w+\.json could not be deleted.*looked at once more.*s3:DeleteObject /)
    },
    limitMs,
  )
})

const place: Place = { bucket, root, from: 'testing/', queueArn: `arn:aws:sqs:us-east-1:000000000000:${bucket}-*` }

async function withScene<T>(needs: readonly Need[], work: (scene: Scene) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-power-'))
  const cloud = await startLocalCloud({ directory })
  const { endpoint } = cloud
  await createCloudResources(endpoint, bucket)
  cloud.faults.add({ accessKey: 'part', action: { kind: 'deny', allow: statementsOf({ needs }, place) } })
  const credentials = { accessKeyId: 'admin', secretAccessKey: 'anything' }
  const store = new S3Store({ bucket, endpoint, region: 'us-east-1', credentials })
  const files = join(directory, 'files')
  await mkdir(files)
  const as = (accessKey: string) =>
    new Workplace(files, {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: accessKey,
      AWS_SECRET_ACCESS_KEY: 'anything',
      REPOKEEPER_CACHE_DIR: join(directory, `cache of ${accessKey}`),
    })
  try {
    const admin = as('admin')
    const rpm = (name: string, version = '1.0') => admin.rpm({ name, version })
    return await work({ cloud, store, part: as('part'), admin, rpm })
  } finally {
    await store.close()
    await cloud.close()
    await rm(directory, { recursive: true })
  }
}

/** A repository with foo and bar in it, by the administrator. */
async function published({ admin, rpm }: Scene): Promise<void> {
  const ran = await admin.repokeeper('add', repo, await rpm('foo'), await rpm('bar'), '--publish')
  expect(ran.code, ran.stderr).toBe(0)
}

async function twoVersions({ admin, rpm }: Scene): Promise<void> {
  const ran = await admin.repokeeper('add', repo, await rpm('foo'), await rpm('foo', '2'), '--publish')
  expect(ran.code, ran.stderr).toBe(0)
}

/** What is published, of which two generations are superseded. */
async function superseded(scene: Scene): Promise<void> {
  await published(scene)
  for (const version of ['2', '3']) {
    await scene.admin.repokeeper('add', repo, await scene.rpm('foo', version), '--publish')
  }
  // What was superseded in this second is not older than it.
  scene.cloud.clock.advance(2_000)
}

/** What is published in generations, of which one is superseded. @returns the id of that */
async function inGenerations({ admin, rpm }: Scene): Promise<string> {
  for (const version of ['1', '2']) {
    const url = ['--generations-url', 'https://packages.example.com/{path}/']
    const ran = await admin.repokeeper('add', repo, await rpm('foo', version), '--publish', ...url)
    expect(ran.code, ran.stderr).toBe(0)
  }
  const { stdout } = await admin.repokeeper('generations', repo, '--json')
  const { generations } = JSON.parse(stdout)
  return generations.at(-1).id
}

/** A package that no notification tells of. */
async function putUntold({ cloud, store }: Scene, name: string): Promise<void> {
  cloud.faults.add({ body: `*${name}.rpm*`, action: { kind: 'lose' } })
  await store.put(`${root}${name}.rpm`, buildPackage({ name }), { if: 'always' })
}

/**
 * A publisher that got no further than its pledge, more than a minute ago: its package is in the bucket, and nobody else is told of it.
 *
 * @returns the key of the pledge
 */
async function pledgeOfTheDead(scene: Scene, name: string): Promise<string> {
  const { cloud, store, admin } = scene
  cloud.faults.add({ body: `*${name}-*`, action: { kind: 'lose' } })
  const swap = { accessKey: 'admin', operation: 'PutObject', key: '*/repomd.xml' }
  cloud.faults.add({ ...swap, count: 1, action: { kind: 'error', status: 403 } })
  const ran = await admin.repokeeper('add', repo, await scene.rpm(name), '--publish')
  expect(ran.code, ran.stderr).toBe(1)
  cloud.clock.advance(120_000)
  const pledges = await keysBelow(store, `${root}repodata/pledge-`)
  expect(pledges, 'pledges that are left').toHaveLength(1)
  return pledges.join()
}

/** So that there is something to make. */
async function deleteBucket({ cloud, store }: Scene): Promise<void> {
  for (const key of await keysBelow(store, '')) await store.delete(key)
  const credentials = { accessKeyId: 'admin', secretAccessKey: 'anything' }
  const s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  await s3.send(new DeleteBucketCommand({ Bucket: bucket }))
  s3.destroy()
}

/** Two messages that were received in vain too often: one of a broken package, and one that nobody can read. */
async function letDie({ cloud }: Scene): Promise<void> {
  const credentials = { accessKeyId: 'admin', secretAccessKey: 'anything' }
  const sqs = new SQSClient({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    credentials,
    useQueueUrlAsEndpoint: false,
  })
  const QueueUrl = `${cloud.endpoint}/000000000000/${bucket}-add`
  const s3 = { bucket: { name: bucket }, object: { key: `${root}broken.rpm` } }
  const notification = JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Put', s3 }] })
  await sqs.send(new PurgeQueueCommand({ QueueUrl }))
  for (const MessageBody of [notification, 'unreadable'])
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))
  for (let receive = 0; receive < 6; receive += 1) {
    await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0, WaitTimeSeconds: 0 }),
    )
  }
  sqs.destroy()
}

/** As somebody with all rights does by hand: repomd.xml still names them. */
async function deleteDocuments({ store }: Scene): Promise<void> {
  for (const key of await keysBelow(store, `${root}repodata/`)) if (key.includes('.xml.')) await store.delete(key)
}

async function keysBelow(store: S3Store, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

const upkeepOptions = {
  // Drift counts once it has lasted longer than a batch waits.
  audit: [
    ...['--audit-interval', '1s', '--gc-interval', '0'],
    ...['--batch-quiet-seconds', '0', '--batch-longest-wait-seconds', '0'],
  ],
  'clean-up': ['--audit-interval', '0', '--gc-interval', '1s', '--retention', '0'],
  /** Always on. */
  'second look': ['--audit-interval', '0', '--gc-interval', '0'],
} as const

type UpkeepJobName = keyof typeof upkeepOptions

/** A worker that has one job beside its queue and the second look, until its log says this. */
async function runUpkeep(scene: Scene, job: UpkeepJobName, said: string): Promise<Ran> {
  // What could not be done is tried again, and can't be then: nothing else would come.
  const interrupt = { in: 'stderr', when: [said, failureOf(job)], signal: 'SIGTERM' } as const
  const ran = await runWorker(scene, 'add', [...upkeepOptions[job], { interrupt, ownProcess: false }])
  expect(ran.stderr, ran.stderr).toContain(said)
  return ran
}

function failureOf(job: UpkeepJobName): string {
  return `the ${job} could not be done`
}

/** Until the queue is empty, or with options of its own. */
function runWorker(
  { part }: Scene,
  queue: 'add' | 'remove',
  options: readonly (string | RunOptions)[] = ['--once'],
): Promise<Ran> {
  const always = ['--repository', repo, '--log-format', 'text']
  return part.repokeeper('worker', '-q', `${bucket}-${queue}`, ...always, ...options)
}

type Asked = Call['permissions'][number]

function askedOf({ cloud }: Scene): Asked[] {
  return cloud.calls.list().flatMap(({ accessKey, permissions }) => (accessKey === 'part' ? permissions : []))
}

function titleOf({ action, on }: Need): string {
  return `${action} on ${typeof on === 'string' ? `the ${on.toLowerCase()}` : Object.entries(on).flat().join(' ')}`
}

function statementOf(need: Need): Statement {
  const [statement] = statementsOf({ needs: [need] }, place)
  if (statement === undefined) throw new Error('a need has a statement')
  return statement
}

function isNeed(need: Need, { action, resource, prefix, allowed }: Asked): boolean {
  const statement = statementOf(need)
  return (
    allowed &&
    action === need.action &&
    matches(statement.resource, resource) &&
    (statement.prefix === undefined || matches(statement.prefix, prefix ?? ''))
  )
}

function isAttempt({ action, on }: Attempt, asked: Asked): boolean {
  if (asked.action !== action) return false
  const bucketArn = `arn:aws:s3:::${bucket}`
  if (on === 'BUCKET') return asked.resource === bucketArn && asked.prefix === undefined
  if ('listing' in on) {
    return asked.resource === bucketArn && asked.prefix !== undefined && matches(on.listing, asked.prefix)
  }
  return matches(`${bucketArn}/${on.objects}`, asked.resource)
}

function matches(pattern: string, text: string): boolean {
  return new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 's').test(text)
}

function escaped(text: string): string {
  return text.replace(/[\\^$.|?+()[\]{}*]/g, '\\$&')
}

function isPart(name: string): name is PartName {
  return name in leastPower
}
