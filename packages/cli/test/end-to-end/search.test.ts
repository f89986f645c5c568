/**
 * A worker as a process, real packages that it publishes, and its endpoint, which finds them a moment later.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { checkout } from '../../../../fixtures/cloud-process.ts'
import { startCloudProcess } from './cloud-process.ts'

const rpms = join(checkout, 'fixtures', 'rpms')
const root = 'el9/x86_64/'
const Calls = z.array(z.looseObject({ operation: z.string(), key: z.string().optional() }))

it('finds what the worker has published, from what it keeps of it, and nothing of other repositories', async () => {
  const cloud = await startCloudProcess()
  for (const file of await readdir(rpms)) {
    await cloud.store.put(`${root}Packages/${file}`, await readFile(join(rpms, file)), { if: 'always' })
  }
  await cloud.store.put('secret/a.rpm', Buffer.from('of somebody else'), { if: 'always' })
  const worker = cloud.startWorker(cloud.queues.add, '--http', '127.0.0.1:0', '--repository', 's3://packages/el9/*')
  await worker.sees(({ event }) => event === 'ops-listening')
  const { port } = worker.log.find(({ event }) => event === 'ops-listening') ?? {}
  const search = async (parameters: Record<string, string>) => {
    const answer = await fetch(`http://127.0.0.1:${port}/packages?${new URLSearchParams(parameters)}`)
    const body: unknown = await answer.json()
    return { status: answer.status, body }
  }
  const repository = `s3://packages/${root}`
  await worker.sees(({ event, kind, packages }) => event === 'repository' && kind === 'published' && packages === 9)

  const found = await search({ repository, q: 'tidal', limit: '1' })
  expect(found).toMatchObject({ status: 200, body: { repository, packages: 9, more: expect.any(Number) } })
  const hello = await search({ repository, q: 'hello-repokeeper-1.1*' })
  expect(hello.body).toMatchObject({
    found: 1,
    hits: [
      {
        nevra: 'hello-repokeeper-1.1-1.noarch',
        location: 'Packages/hello-repokeeper-1.1-1.noarch.rpm',
        builtAt: '2026-01-01T00:00:00.000Z',
        provides: { first: ['hello-repokeeper = 1.1-1'], count: 1 },
      },
    ],
  })
  for (const other of ['s3://packages/secret/', 's3://packages/el9/', `${repository}../`]) {
    expect(await search({ repository: other, q: 'a' })).toMatchObject({ status: 404 })
  }
  // The worker wrote primary itself, and has it still: nobody has sent it anything of it.
  const calls = Calls.parse(await (await fetch(`${cloud.endpoint}/_local/calls`)).json())
  const ofPrimary = calls.filter(({ key }) => key?.includes('primary')).map(({ operation }) => operation)
  expect(ofPrimary).toContain('PutObject')
  expect(ofPrimary).not.toContain('GetObject')
})
