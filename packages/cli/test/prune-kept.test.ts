/** `prune` beside somebody who takes a snapshot after the plan was made, before the deletions. */
import { PassThrough } from 'node:stream'
import { MemoryStore, StoreError } from '@repokeeper/object-store'
import {
  MemoryCache,
  parseRepositoryRoot,
  type RepositoryContext,
  readMirrorlist,
  realContext,
  reconcile,
  takeSnapshot,
} from '@repokeeper/repository'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { beforeEach, expect, it } from 'vitest'
import { Interruption } from '../src/interruption.ts'
import type { OpenRepository } from '../src/open-repository.ts'
import { Output } from '../src/output.ts'
import { prunePackages } from '../src/prune-packages.ts'

const root = parseRepositoryRoot('el9/')
const generations = { kind: 'published', url: 'https://packages.example.com/{path}/' } as const

/** Ends where the test says so. */
class Ended extends Interruption {
  override get signal(): AbortSignal {
    return ending.signal
  }
}

/** Somebody else acts before that look at what snapshots there are: the first is for the plan, and each batch has its own. */
class SharedStore extends MemoryStore {
  looks = 0
  before: { readonly look: number; readonly act: () => Promise<void> } | undefined

  override async *list(...args: Parameters<MemoryStore['list']>): ReturnType<MemoryStore['list']> {
    if (args[0] === 'el9/snapshots/') this.looks += 1
    if (args[0] === 'el9/snapshots/' && this.before?.look === this.looks) await this.before.act()
    yield* super.list(...args)
  }
}

let store: SharedStore
let context: RepositoryContext
let ending: AbortController
beforeEach(async () => {
  store = new SharedStore()
  ending = new AbortController()
  context = { ...realContext({ cache: new MemoryCache(), onEvent: () => {} }), generations }
  await publish('foo', 2)
})

it('leaves what the snapshot lists, says so, and counts it as done', async () => {
  const { code, told, printed } = await prune({ look: 2, act: takeIt })
  expect({ code, told }).toEqual({
    code: 0,
    told: 'not deleted foo-1.rpm: it has come to be in a kept generation (snapshot may)\n',
  })
  expect(printed).toMatch(/\nel9: 1 kept, 0 B freed\n$/)
  expect(await store.head('el9/foo-1.rpm')).toBeDefined()
  const { printed: json } = await prune(undefined, { json: true })
  expect(JSON.parse(json).packages).toMatchObject([{ status: 'stays' }, { status: 'stays', keptBy: ['snapshot may'] }])
})

it('has it in the report, by whom', async () => {
  const { printed } = await prune({ look: 2, act: takeIt }, { json: true })
  expect(JSON.parse(printed)).toMatchObject({
    ok: true,
    bytesFreed: 0,
    packages: [{ location: 'foo-2.rpm' }, { location: 'foo-1.rpm', status: 'kept', keptBy: ['snapshot may'] }],
  })
})

it('deletes no more where it can no longer be told what is kept, and says what was done', async () => {
  await publish('bar', 102)
  const outage = async () => {
    throw new StoreError('UNAVAILABLE', 'the store is away', { store: 'memory' })
  }
  const { code, told, printed } = await prune({ look: 3, act: outage })
  expect(code).toBe(1)
  expect(told).toMatch(/^stopped: the store is away\nnot deleted bar-1\.rpm\nnot deleted foo-1\.rpm\n$/)
  expect(printed).toMatch(/\nel9: 100 deleted, 2 not done, .* freed\n$/)
  await expect(prune({ look: 2, act: outage })).rejects.toThrow('the store is away')
})

it('deletes no more once it is interrupted, and says what was done', async () => {
  await publish('bar', 102)
  const { code, told, printed } = await prune({ look: 3, act: async () => ending.abort() })
  expect(code).toBe(1)
  expect(told).toMatch(/^not deleted bar-1\.rpm\nnot deleted foo-1\.rpm\ninterrupted: the same command again/)
  expect(printed).toMatch(/\nel9: 100 deleted, 2 not done, .* freed\n$/)
})

async function takeIt(): Promise<void> {
  const published = (await readMirrorlist({ store, root }, context))?.mirrorlist
  if (published === undefined) throw new Error('there is no mirrorlist')
  await takeSnapshot({ store, root }, 'may', published.generation, context)
}

/** So many versions of it, from 1 on. */
async function publish(name: string, versions: number): Promise<void> {
  const keys = Array.from({ length: versions }, (_, number) => `${root}${name}-${number + 1}.rpm`)
  for (const [number, key] of keys.entries()) {
    await store.put(key, buildPackage({ name, version: String(number + 1) }), { if: 'always' })
  }
  await reconcile({ store, root }, new Set(keys), context)
}

async function prune(before: SharedStore['before'], { json = false } = {}) {
  store.looks = 0
  store.before = before
  const repository: OpenRepository = {
    location: { store, root },
    ...{ name: 'el9', isDirectory: false, singleWriter: false },
    toCopy: (...words) => words.join(' '),
    context: () => context,
  }
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const output = new Output(stdout, stderr)
  const options = {
    ...{ keep: 1, olderThanMs: undefined, names: [], arches: [] },
    ...{ dryRun: false, json, wait: false, timeoutSeconds: 1, publish: undefined },
  }
  const cli = { output, interruption: new Ended(), environment: {}, exitCode: 0 }
  const code = await prunePackages(repository, options, cli)
  return { code, printed: String(stdout.read() ?? ''), told: String(stderr.read() ?? '') }
}
