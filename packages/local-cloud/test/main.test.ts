import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { failure, s3Client } from './cloud.ts'

const main = join(import.meta.dirname, '../src/main.ts')
const running: ChildProcess[] = []
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'local-cloud-'))
})
afterEach(async () => {
  for (const child of running.splice(0)) await stop(child)
  await rm(directory, { recursive: true })
})

function run(...options: string[]): ChildProcess {
  return spawn(process.execPath, [main, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function start(): Promise<{ child: ChildProcess; endpoint: string }> {
  const child = run('--directory', directory)
  running.push(child)
  if (child.stdout === null) throw new Error('no output to read')
  for await (const line of createInterface(child.stdout)) {
    const { endpoint } = z.object({ endpoint: z.url(), pid: z.literal(child.pid) }).parse(JSON.parse(line))
    return { child, endpoint }
  }
  throw new Error('local-cloud ended without a word')
}

/** @returns the exit code */
async function stop(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null) return child.exitCode
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  return (await exit)[0]
}

describe('the process', () => {
  it('says where it is, keeps objects from one run to the next, and ends with 0 on SIGTERM', async () => {
    const Bucket = 'process'
    const first = await start()
    const one = s3Client(first.endpoint)
    await one.send(new CreateBucketCommand({ Bucket }))
    await one.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'kept' }))
    expect(await stop(first.child)).toBe(0)
    const { endpoint } = await start()
    const two = s3Client(endpoint)
    expect(await (await two.send(new GetObjectCommand({ Bucket, Key: 'k' }))).Body?.transformToString()).toBe('kept')
    for (const client of [one, two]) client.destroy()
  })

  it('takes faults, tells calls and puts its clock forward over HTTP', async () => {
    const { endpoint } = await start()
    const local = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${endpoint}/_local/${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: await response.json() }
    }
    expect(await local('GET', 'health')).toEqual({ status: 200, body: { ok: true } })
    const rule = { id: 'broken', operation: 'CreateBucket', action: { kind: 'error', status: 503 } }
    expect(await local('POST', 'faults', rule)).toEqual({ status: 200, body: { ids: ['broken'] } })
    const s3 = s3Client(endpoint)
    const create = new CreateBucketCommand({ Bucket: 'b-1' })
    expect(await failure(s3.send(create))).toEqual({ name: 'SlowDown', status: 503 })
    expect(await local('GET', 'faults')).toMatchObject({ body: [{ rule, matched: 1, struck: 1 }] })
    await local('DELETE', 'faults/broken')
    await s3.send(create)
    expect(await local('GET', 'calls')).toMatchObject({
      body: [{ operation: 'CreateBucket', status: 503, faults: ['broken'] }, { status: 200 }],
    })
    await local('DELETE', 'calls')
    expect((await local('GET', 'calls')).body).toEqual([])
    const { now } = z.object({ now: z.number() }).parse((await local('GET', 'clock')).body)
    const later = z
      .object({ now: z.number() })
      .parse((await local('POST', 'clock', { advanceMilliseconds: 3_600_000 })).body)
    expect(later.now - now).toBeGreaterThanOrEqual(3_600_000)
    expect(await local('POST', 'faults', [{ action: { kind: 'magic' } }])).toMatchObject({ status: 400 })
    expect(await local('DELETE', 'faults/unknown')).toMatchObject({ status: 404 })
    s3.destroy()
  })

  it('says what is wrong with its options, and exits with 2', async () => {
    for (const options of [[], ['--directory', directory, '--port', 'x'], ['--magic']]) {
      const child = run(...options)
      const [code] = await once(child, 'exit')
      expect([options, code]).toEqual([options, 2])
    }
  })
})
