/**
 * Both workers as processes, packages that are added, replaced and removed at once in several repositories, and in the end
 * the metadata that createrepo_c writes for the same files, and dnf, which lists exactly them.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import type { FaultRule } from '@repokeeper/local-cloud'
import { readBody } from '@repokeeper/object-store'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { expect, it } from 'vitest'
import { differences } from '../../../../fixtures/bucket-truth.ts'
import { checkout } from '../../../../fixtures/cloud-process.ts'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../../fixtures/dnf.ts'
import { readRepodataBy } from '../../../../fixtures/repodata-trees.ts'
import { type CloudProcess, startCloudProcess } from './cloud-process.ts'

/** The repositories, and how keys lie in them. */
const repositories = ['el9/x86_64/', 'el9/aarch64/', 'fedora/'] as const
const keyOf = {
  'el9/x86_64/': (name: string) => `el9/x86_64/Packages/${name[0]?.toLowerCase()}/${name}`,
  'el9/aarch64/': (name: string) => `el9/aarch64/${name}`,
  'fedora/': (name: string) => `fedora/Packages/${name}`,
}

/** What createrepo_c 0.17 says otherwise of than 1.x, or refuses: control characters, pre of POSTTRANS. */
const notComparable = /^(SpecCheck4|ruby2.6-rubygem-fast_gettext|httpd-2\.4\.6-80|broken)/

/** Real packages: ours, built by rpmbuild, those of a corpus beside the checkout where there is one, and as many built ones. */
async function somePackages(): Promise<Map<string, Uint8Array>> {
  const packages = new Map<string, Uint8Array>()
  for (const directory of [join(checkout, 'fixtures', 'rpms'), join(checkout, '..', 'shared', 'corpus')]) {
    if (!existsSync(directory)) continue
    const names = (await readdir(directory)).filter((name) => name.endsWith('.rpm') && !notComparable.test(name))
    for (const name of names.slice(0, 40)) packages.set(name, await readFile(join(directory, name)))
  }
  for (let number = 1; packages.size < 60; number += 1) {
    const name = `built-${number}`
    packages.set(
      `${name}-1.0-1.noarch.rpm`,
      buildPackage({ name, requires: ['bash >= 5'], files: [{ path: `/${name}` }] }),
    )
  }
  return new Map([...packages].slice(0, 60))
}

/** All at once: every package is put somewhere, some are put again with other bytes, some are deleted again. */
async function changeEverything({ store }: CloudProcess): Promise<void> {
  const packages = [...(await somePackages())]
  await Promise.all(
    packages.map(async ([name, bytes], at) => {
      const repository = repositories[at % repositories.length] ?? 'fedora/'
      const key = keyOf[repository](name)
      await store.put(key, bytes, { if: 'always' })
      if (at % 4 === 1) await store.put(key, buildPackage({ name: 'replaced', version: String(at) }), { if: 'always' })
      if (at % 4 === 2) await store.delete(key)
      if (at % 8 === 2) await store.put(key, bytes, { if: 'always' })
    }),
  )
}

/** Every repository beside createrepo_c's metadata of the same files, and what dnf lists of it beside the same. */
async function expectTruth({ store, endpoint, bucket, directory }: CloudProcess): Promise<void> {
  const baseUrls: Record<string, string> = {}
  for (const root of repositories) {
    const { wrong, files } = await differences(store, root, directory)
    expect(wrong).toEqual([])
    baseUrls[`ours ${root}`] = `${endpoint}/${bucket}/${root}`
    baseUrls[`theirs ${root}`] = `file://${files}`
  }
  const listed = await dnfLists(directory, baseUrls)
  for (const root of repositories) {
    const ours = listed.get(`ours ${root}`) ?? []
    expect(ours).toEqual(listed.get(`theirs ${root}`))
    expect(ours.length).toBeGreaterThan(5)
  }
}

/** What dnf, with an empty cache, says that there is in each of these repositories: one run reads them all. */
async function dnfLists(directory: string, baseUrls: Readonly<Record<string, string>>): Promise<Map<string, string[]>> {
  const ids = Object.keys(baseUrls).map((name) => [name, name.replaceAll(/\W/g, '-')] as const)
  const sections = ids.flatMap(([name, id]) => [`[${id}]`, `name=${id}`, `baseurl=${baseUrls[name]}`, 'enabled=1'])
  // The fixture's own section comes before these.
  const dnf = await openDnf(await mkdtemp(join(directory, 'dnf-')), Object.values(baseUrls)[0] ?? '', sections)
  const format = '%{repoid} %{name}-%{evr}.%{arch} %{location} %{size} %{buildtime}'
  const only = ids.map(([, id]) => `--repo=${id}`)
  const { stdout } = await dnf('repoquery', '--quiet', ...only, '--queryformat', format)
  const lines = stdout.split('\n').toSorted()
  return new Map(ids.map(([name, id]) => [name, lines.flatMap((line) => behind(`${id} `, line))]))
}

function behind(prefix: string, line: string): string[] {
  return line.startsWith(prefix) ? [line.slice(prefix.length)] : []
}

async function read({ store }: CloudProcess, key: string): Promise<Uint8Array> {
  const got = await store.get(key)
  if (got.kind !== 'found') throw new Error(`${key} is ${got.kind}`)
  return readBody(got.body, 2 ** 30)
}

describeWithClients(['createrepo_c', 'dnf'], 'both workers', () => {
  it.each<[string, readonly FaultRule[]]>([
    ['as it should be', []],
    ['messages delivered twice', [{ operation: 'Deliver', action: { kind: 'duplicate' } }]],
    ['messages in reversed order', [{ operation: 'Deliver', action: { kind: 'reorder', order: 'reverse' } }]],
    [
      'a store that fails now and then',
      [
        {
          service: 's3',
          operation: 'PutObject',
          key: '*repodata*',
          probability: 0.2,
          action: { kind: 'error', status: 503 },
        },
        {
          service: 's3',
          operation: 'PutObject',
          key: '*/repomd.xml',
          probability: 0.3,
          action: { kind: 'drop', at: 'after' },
        },
        { service: 's3', operation: 'GetObject', probability: 0.05, action: { kind: 'drop', at: 'body' } },
      ],
    ],
  ])(
    'come to what createrepo_c says: %s',
    async (_, faults) => {
      const cloud = await startCloudProcess({ maxReceiveCount: 50 })
      await cloud.setFaults(faults)
      cloud.startWorker(cloud.queues.add)
      cloud.startWorker(cloud.queues.remove)

      await changeEverything(cloud)
      await cloud.drained()

      await cloud.setFaults([])
      await expectTruth(cloud)
    },
    180_000,
  )

  it('come to what createrepo_c says after a worker was killed in the middle', async () => {
    const cloud = await startCloudProcess({ maxReceiveCount: 50 })
    const doomed = cloud.startWorker(cloud.queues.add)
    cloud.startWorker(cloud.queues.remove)

    const changes = changeEverything(cloud)
    await doomed.sees(({ event }) => event === 'batch-started')
    await doomed.crash()
    await changes
    expect(await cloud.messagesIn(cloud.queues.add)).toBeGreaterThan(0)
    cloud.startWorker(cloud.queues.add)
    await cloud.drained()

    await expectTruth(cloud)
  }, 180_000)
})

it('publish what is good beside what is bad, and leave the bad to the dead-letter queue', async () => {
  const cloud = await startCloudProcess({ maxReceiveCount: 2 })
  const worker = cloud.startWorker(cloud.queues.add)
  cloud.startWorker(cloud.queues.remove)
  const whole = buildPackage({ name: 'whole', files: [{ path: '/a', content: 'x'.repeat(5000) }] })
  const names = ['with space.rpm', 'with+plus.rpm', 'with%25percent.rpm', 'with ~ and ^.rpm', 'žluťoučký-🐴.rpm']
  for (const name of names) await cloud.store.put(`el9/${name}`, buildPackage({ name: 'odd' }), { if: 'always' })
  await cloud.store.put('el9/no-package.rpm', Buffer.from('not an RPM'), { if: 'always' })
  await cloud.store.put('el9/cut-in-header.rpm', whole.subarray(0, 300), { if: 'always' })
  await cloud.store.put('el9/cut-in-payload.rpm', whole.subarray(0, whole.length - 10), { if: 'always' })
  const QueueUrl = cloud.queueUrl(cloud.queues.add)
  await cloud.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'this is no JSON' }))
  await cloud.drained()

  const listed = await readRepodataBy((href) => read(cloud, `el9/${href}`))
  expect([...listed.keys()].toSorted()).toEqual(names.toSorted())
  const dead = await cloud.deadLetters()
  expect(dead.length).toBe(4)
  for (const bad of ['no-package', 'cut-in-header', 'cut-in-payload', 'this is no JSON']) {
    expect(dead.filter((body) => body.includes(bad)).length).toBe(1)
  }
  const refused = worker.log.filter(({ event }) => event === 'refused')
  expect(refused.find(({ key }) => key === 'el9/cut-in-payload.rpm')).toMatchObject({
    reason: 'it is cut off: 10 bytes of its payload are missing',
  })
  expect(worker.log.find(({ event }) => event === 'unreadable')).toMatchObject({
    reason: expect.stringContaining('JSON'),
  })
}, 120_000)
