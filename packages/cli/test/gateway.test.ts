/** gateway, as people run it: a private bucket that dnf reads. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../fixtures/dnf.ts'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
let cloud: LocalCloud
let here: Workplace

beforeAll(async () => {
  cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
  const s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  await s3.send(new CreateBucketCommand({ Bucket: 'private' }))
  s3.destroy()
  here = place().with({
    ...{ AWS_ENDPOINT_URL: cloud.endpoint, AWS_REGION: 'us-east-1' },
    ...{ AWS_ACCESS_KEY_ID: 'tester', AWS_SECRET_ACCESS_KEY: 'anything' },
  })
  const file = await place().rpm({ name: 'anchor' })
  expect(await here.repokeeper('add', 's3://private/el9', file, '--publish')).toMatchObject({ code: 0 })
})
afterAll(() => cloud.close())

/** Where it answers; it is ended with the test. */
async function open(...words: string[]) {
  const child = here.start('gateway', ...words, '--http', '127.0.0.1:0')
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]()
  const first: string = (await lines.next()).value ?? ''
  return { child, lines, url: / is at (http:\S+);/.exec(first)?.[1] ?? first }
}

describeWithClients(['dnf'], 'dnf', () => {
  it('reads a bucket that it has no credentials for', async () => {
    const { url, lines, child } = await open('s3://private/el9', '--redirect')
    const dnf = await openDnf(join(place().directory, 'dnf'), url)
    expect((await dnf('repoquery')).stdout).toContain('anchor-0:1.0-1.noarch')
    expect((await lines.next()).value).toMatch(/^127\.0\.0\.1 GET \/repodata\/repomd\.xml 200 \S+ \S+ \d+ ms$/)
    expect((await lines.next()).value).toMatch(/ 302 /)
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })
})

describe('gateway', () => {
  it('publishes what is uploaded, where there are no workers, and no more than it is to be asked', async () => {
    const limits = ['--retention', '0s', '--rate', '1', '--burst', '3', '--trust-proxy', '127.0.0.1']
    const { url, child, lines } = await open('s3://private', '--write', 'open', '--publish', ...limits)
    const file = await place().rpm({ name: 'buoy' })
    const put = (more: RequestInit) => fetch(`${url}fedora/${file}?wait=1`, { method: 'PUT', ...more })
    const stored = await put({ body: await readFile(join(place().directory, file)) })
    expect([stored.status, await stored.text()]).toEqual([201, expect.stringMatching(/\npublished\n$/)])
    const gone = await fetch(`${url}fedora/${file}?wait=1`, { method: 'DELETE' })
    expect(await gone.text()).toMatch(/\npublished\n$/)
    const headers = { 'X-Forwarded-For': '192.0.2.7' }
    const asked = await Promise.all(Array.from({ length: 50 }, () => fetch(`${url}fedora/`, { headers })))
    expect(asked.filter(({ status }) => status === 429).length).toBeGreaterThan(0)
    let line = await lines.next()
    while (line.done !== true && !/^192\.0\.2\.7 GET \/fedora\/ 429 /.test(line.value)) line = await lines.next()
    expect(line.done).toBe(false)
    const exited = once(child, 'exit')
    child.kill('SIGINT')
    expect(await exited).toEqual([0, null])
  })

  it.each<[string, string[], number, RegExp]>([
    ['a folder', ['.'], 2, /"repokeeper serve \." shows a folder/],
    ['a bucket that is not there', ['s3://nothing'], 1, /nothing/],
    ['links without credentials', ['s3://private', '--redirect', '--no-sign-request'], 2, /leave out one of them/],
  ])('refuses %s', async (_, args, code, message) => {
    expect(await here.repokeeper('gateway', ...args)).toMatchObject({ code, stderr: expect.stringMatching(message) })
  })
})
