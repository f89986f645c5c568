/**
 * Ours, warm: a process that lives, has published before, and learns of a change.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { S3Store } from '@repokeeper/object-store'
import * as z from 'zod'
import { type Cloud, endProcess, own } from '../../fixtures/cloud-process.ts'
import { type AddedPackage, makeWarmUp } from './change.ts'
import type { Contestant, Traffic } from './contestant.ts'
import { type Cost, peakBytesOf } from './measured-process.ts'
import { atUrl, inDirectory } from './published.ts'
import { placePackages } from './repository-copy.ts'
import { Answer, type Order } from './warm-protocol.ts'

/** Published before the clock runs: the first is the cold one, the others let the just-in-time compiler see the way. */
export const warmUps = 3

export const warmOnDirectory: Contestant = {
  name: 'ours, warm',
  startsFrom: 'ours',
  async run({ directory, scratch, rpms, change }) {
    const also = await makeWarmUps(rpms)
    await placePackages(directory, [...change.added, ...also])
    const store = { kind: 'directory' as const, path: directory }
    const cost = await changeWhenWarm({ cache: join(scratch, 'cache'), root: '', store }, also, keysOf('', change))
    return { cost, published: inDirectory(directory), also: also.map(({ location }) => location) }
  },
}

/** @param cloud local-cloud, a process of its own */
export function warmOverHttp(cloud: Cloud): Contestant {
  let runs = 0
  const accessKeyId = 'worker-warm'
  return {
    name: 'ours, warm, over HTTP',
    startsFrom: 'ours',
    async run({ directory, scratch, rpms, change }) {
      runs += 1
      const root = `run-${runs}/`
      const also = await makeWarmUps(rpms)
      await uploadDocuments(cloud.store, root, directory)
      for (const { location, file } of [...change.added, ...also]) {
        await cloud.store.put(`${root}${location}`, await readFile(file), { if: 'always' })
      }
      const { bucket, endpoint } = cloud
      const order: Order = { cache: join(scratch, 'cache'), root, store: { kind: 's3', bucket, endpoint, accessKeyId } }
      const forgetCalls = async (): Promise<void> =>
        void (await fetch(`${endpoint}/_local/calls`, { method: 'DELETE' }))
      const cost = await changeWhenWarm(order, also, keysOf(root, change), forgetCalls)
      const traffic = trafficOf(await callsOf(endpoint, accessKeyId))
      return {
        cost,
        traffic,
        published: atUrl(`${endpoint}/${bucket}/${root}`),
        also: also.map(({ location }) => location),
      }
    },
  }
}

function makeWarmUps(rpms: string): Promise<AddedPackage[]> {
  return Promise.all(Array.from({ length: warmUps }, (_, at) => makeWarmUp(rpms, at)))
}

function keysOf(
  root: string,
  { added, removed }: { added: readonly AddedPackage[]; removed: readonly string[] },
): string[] {
  return [...added.map(({ location }) => location), ...removed].map((location) => `${root}${location}`)
}

/** @returns what the last of all changes took, and the most memory since the process was started */
async function changeWhenWarm(
  order: Order,
  before: readonly AddedPackage[],
  keys: readonly string[],
  whenWarm: () => Promise<void> = async () => {},
): Promise<Cost> {
  // As the launcher of `repokeeper` does: code that was compiled once is not compiled again.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') }
  const child = own(fork(join(import.meta.dirname, 'warm-process.ts'), [JSON.stringify(order)], { env }))
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the warm process ended with ${signal ?? code}`)
  })
  ended.catch(() => {})
  const change = async (list: readonly string[]): Promise<number> => {
    child.send(list)
    const [message] = await Promise.race([once(child, 'message'), ended])
    const answer = Answer.parse(message)
    if (answer.kind === 'failed') throw new Error(answer.message)
    return answer.seconds
  }
  try {
    for (const { location } of before) await change([`${order.root}${location}`])
    await whenWarm()
    const seconds = await change(keys)
    return { seconds, peakBytes: child.pid === undefined ? undefined : peakBytesOf(child.pid) }
  } finally {
    await endProcess(child, 'SIGTERM')
  }
}

export async function uploadDocuments(store: S3Store, root: string, directory: string): Promise<void> {
  for (const name of await readdir(join(directory, 'repodata'))) {
    const path = join(directory, 'repodata', name)
    const { size } = await stat(path)
    // A document carries its digest in its name; the store is to vouch for it, as for any that a worker has put.
    const [, sha256] = /^([0-9a-f]{64})-/.exec(name) ?? []
    const options = sha256 === undefined ? {} : { sha256 }
    await store.put(`${root}repodata/${name}`, { size, open: () => createReadStream(path) }, { if: 'always' }, options)
  }
}

const Calls = z.array(
  z.object({
    accessKey: z.string().optional(),
    key: z.string().optional(),
    service: z.string(),
    bytesIn: z.number(),
    bytesOut: z.number(),
  }),
)

export async function callsOf(endpoint: string, accessKey: string): Promise<z.infer<typeof Calls>> {
  const answer = await fetch(`${endpoint}/_local/calls`)
  return Calls.parse(await answer.json()).filter((call) => call.accessKey === accessKey)
}

/** local-cloud counts by what it takes in and gives out. */
export function trafficOf(calls: z.infer<typeof Calls>): Traffic {
  const sum = (list: readonly number[]): number => list.reduce((total, one) => total + one, 0)
  return {
    requests: calls.length,
    bytesSent: sum(calls.map(({ bytesIn }) => bytesIn)),
    bytesReceived: sum(calls.map(({ bytesOut }) => bytesOut)),
    packageBytesReceived: sum(calls.map(({ key, bytesOut }) => (key?.endsWith('.rpm') ? bytesOut : 0))),
  }
}
