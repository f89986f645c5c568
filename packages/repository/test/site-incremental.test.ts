/**
 * A site that is brought up to date costs what has changed, and is the one that would be written from nothing.
 */
import { gunzipSync } from 'node:zlib'
import type { ObjectStore } from '@repokeeper/object-store'
import type { RandomAccess } from '@repokeeper/repodata'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { orInSoak } from '../../../fixtures/soak.ts'
import { type DocumentCache, rebuildRepository, reconcile } from '../src/index.ts'
import { type SiteOptions, writeSite } from '../src/site.ts'
import { intercept, locationIn, newContext, read, tickingStore } from './workbench.ts'

const root = 'el9/x86_64/'
const view = `${root}repoview/`
/** Of three blocks, as the locations cut them, and so many names that there are lists by letter. */
const packages = 600

/** Three packages of each name; what they tell goes by their number and their version. */
function keyOf(number: number): string {
  return `${root}p${(number * 7919) % 1_000}-${number}.rpm`
}

function bytesOf(number: number, version: number): Uint8Array {
  const name = `${'abcdefgh'[number % 8]}${Math.floor(number / 3)}`
  return buildPackage({
    ...{ name, version: `${version}.${number % 3}`, summary: `${name} in its version ${version}` },
    files: [{ path: `/usr/share/${name}/${version}`, content: String(version) }],
    changelogs: [{ time: 1_700_000_000 + version, author: 'Ada', text: `- ${version}` }],
  })
}

async function setUp() {
  const store = tickingStore()
  const context = await newContext()
  const location = locationIn(store)
  const put = async (number: number, version: number): Promise<string> => {
    await store.put(keyOf(number), bytesOf(number, version), { if: 'always' })
    return keyOf(number)
  }
  for (let number = 0; number < packages; number += 1) await put(number, 1)
  await rebuildRepository(location, context)
  const site = (options: SiteOptions = {}, on: ObjectStore = store) =>
    writeSite({ ...location, store: on }, context, options)
  const publish = (keys: readonly string[]) => reconcile(location, new Set(keys), context)
  return { store, location, context, put, publish, site }
}

async function filesBelow(store: ObjectStore, prefix: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for await (const { key } of store.list(prefix)) {
    const bytes = await read(store, key)
    files.set(key.slice(prefix.length), (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString())
  }
  return files
}

type Change =
  | { readonly kind: 'put'; readonly numbers: readonly number[] }
  | { readonly kind: 'delete'; readonly numbers: readonly number[] }
  | { readonly kind: 'say'; readonly say: NonNullable<SiteOptions['say']> }
  | { readonly kind: 'lose'; readonly file: number }
  | { readonly kind: 'spoil'; readonly file: number }
  | { readonly kind: 'killed'; readonly afterPuts: number }
  | { readonly kind: 'rebuild' }

const numbers = fc.uniqueArray(fc.nat(packages + 20), { minLength: 1, maxLength: 5 })
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), numbers }),
  fc.record({ kind: fc.constant('delete' as const), numbers }),
  fc.record({
    kind: fc.constant('say' as const),
    say: fc.record(
      {
        title: fc.constantFrom('Ours', 'Theirs', null),
        baseUrl: fc.constantFrom('https://example.org/a', 'https://example.org/b', null),
        gpgKey: fc.constantFrom('https://example.org/key', null),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({ kind: fc.constant('lose' as const), file: fc.nat(10_000) }),
  fc.record({ kind: fc.constant('spoil' as const), file: fc.nat(10_000) }),
  fc.record({ kind: fc.constant('killed' as const), afterPuts: fc.nat(12) }),
  fc.record({ kind: fc.constant('rebuild' as const) }),
)

test('after any series of changes it is, byte for byte, the site that is written from nothing', async () => {
  const { store, location, context, put, publish, site } = await setUp()
  let version = 1
  let fresh = 0
  let said: SiteOptions['say'] = {}
  await site()

  async function carryOut(one: Change): Promise<void> {
    if (one.kind === 'put') {
      version += 1
      await publish(await Promise.all(one.numbers.map((number) => put(number, version))))
    } else if (one.kind === 'delete') {
      for (const number of one.numbers) await store.delete(keyOf(number))
      await publish(one.numbers.map(keyOf))
    } else if (one.kind === 'say') {
      said = (await site({ say: one.say }))?.said
    } else if (one.kind === 'rebuild') {
      await rebuildRepository(location, context)
    } else if (one.kind === 'killed') {
      version += 1
      await publish([await put(one.afterPuts, version)])
      await site({}, killedAfter(store, one.afterPuts)).catch((error: unknown) => expect(error).toBe(killed))
    } else {
      const keys = (await Array.fromAsync(store.list(view))).map(({ key }) => key).filter(isPage)
      const key = keys[one.file % keys.length] ?? ''
      if (one.kind === 'lose') await store.delete(key)
      else await store.put(key, Buffer.from(`${(await read(store, key)).toString()}spoilt`), { if: 'always' })
    }
  }

  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 4, maxLength: 9 }), async (changes) => {
      for (const one of changes) {
        await carryOut(one)
        await site()
      }
      fresh += 1
      await site({ path: `fresh-${fresh}/`, say: said ?? {} })
      expect(await filesBelow(store, view)).toEqual(await filesBelow(store, `${root}fresh-${fresh}/`))
      expect(await site()).toMatchObject({ written: 0, deleted: 0 })
    }),
    { numRuns: orInSoak(2, 20), seed: 20_261_128 },
  )
})

test('one package that changes is one page, one list, one part of the search and the front page', async () => {
  const { put, publish, site } = await setUp()
  await site()
  await publish([await put(5, 2)])
  const changes: string[] = []
  const progress: number[] = []
  await site({ onChange: ({ path }) => changes.push(path), onProgress: (_, total) => progress.push(total) })
  expect(changes.map((path) => path.replace(/\/.*/, '')).toSorted()).toEqual([
    'index.html',
    'list',
    'package',
    'search',
  ])
  // The other names are not even looked at.
  expect(progress).toEqual([1])
})

test('what has not changed is not read: neither documents nor pages', async () => {
  const { store, site } = await setUp()
  await site()
  const asked: string[] = []
  const noting = intercept(store, {
    get: (key, options) => {
      asked.push(key)
      return store.get(key, options)
    },
    put: (key) => Promise.reject(new Error(`${key} is written`)),
  })
  expect(await site({}, noting)).toMatchObject({ written: 0, packages })
  expect(asked).toEqual([`${root}repodata/repomd.xml`, `${view}repokeeper-site.json.gz`, `${root}mirrorlist`])
})

test('a block that went bad where it is kept is not told of: the documents are read whole then', async () => {
  const { store, location, context, site } = await setUp()
  await site()
  let spoilt = 0
  const cache = Object.create(context.cache, {
    access: {
      value: async (...args: Parameters<DocumentCache['access']>) => {
        const file = await context.cache.access(...args)
        if (file === undefined) return undefined
        const read: RandomAccess['read'] = async (start, length) => {
          const bytes = Buffer.from(await file.read(start, length))
          // Tables and trailers stay as they are.
          if (start === 0 || length < 1_000) return bytes
          spoilt += 1
          return bytes.fill(0xff, length / 2)
        }
        return { size: file.size, read }
      },
    },
    read: { value: context.cache.read.bind(context.cache) },
    newScratch: { value: () => context.cache.newScratch() },
    restore: { value: () => context.cache.restore() },
    distrust: { value: () => context.cache.distrust() },
    lastRepomds: { value: context.cache.lastRepomds },
  })
  await writeSite(location, { ...context, cache }, { say: { title: 'Ours' } })
  expect(spoilt).toBeGreaterThan(0)
  await site({ path: 'fresh/', say: { title: 'Ours' } })
  const pages = (files: Map<string, string>) => [...files].filter(([path]) => isPage(path))
  expect(pages(await filesBelow(store, view))).toEqual(pages(await filesBelow(store, `${root}fresh/`)))
})

const killed = new Error('killed')

function killedAfter(store: ObjectStore, puts: number): ObjectStore {
  let left = puts
  return intercept(store, {
    put: async (...args) => {
      left -= 1
      if (left < 0) throw killed
      return store.put(...args)
    },
  })
}

function isPage(key: string): boolean {
  return !key.endsWith('.gz')
}
