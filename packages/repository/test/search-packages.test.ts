import { execFileSync } from 'node:child_process'
import { copyFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectStore } from '@repokeeper/object-store'
import type { PackageSpec } from '@repokeeper/rpm-parser/testing'
import { describe, expect, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { hitLimits, type RepositoryLocation, rebuildRepository, searchPackages } from '../src/index.ts'
import { newDirectory } from './take-over-workbench.ts'
import { intercept, locationIn, newContext, putPackage, tickingStore } from './workbench.ts'

const root = 'el9/x86_64/'
const rpms = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'rpms')

/** A repository of these packages, published, and a search in it. */
async function published(specs: readonly PackageSpec[], store: ObjectStore = tickingStore()) {
  const context = await newContext()
  const location = locationIn(store)
  for (const spec of specs) {
    await putPackage(store, `${root}Packages/${spec.name}-${spec.version ?? '1.0'}.rpm`, spec)
  }
  await rebuildRepository(location, context)
  return { ...searcher(location, context), context, location, store }
}

function searcher(location: RepositoryLocation, context: Awaited<ReturnType<typeof newContext>>) {
  const search = async (words: string, hitsMax = 20, givenUp = new AbortController().signal) => {
    return await searchPackages(location, context, { words, hitsMax, givenUp })
  }
  const nevras = async (words: string) => (await search(words))?.hits.map(({ nevra }) => nevra)
  return { search, nevras }
}

describe('a search', () => {
  test('tells of what it finds all that an answer needs, in the words of rpm', async () => {
    const { search, context } = await published([
      {
        ...{ name: 'harbour', epoch: 1, version: '2.0', release: '3.el9', arch: 'x86_64', buildTime: 1_700_000_000 },
        ...{ summary: 'Keeps <ships> & "boats"', requires: ['glibc >= 2.34', 'bash'], provides: ['pier = 1:2-3'] },
      },
      { name: 'other' },
    ])
    const report = await search('harbour')
    expect(report).toMatchObject({ packages: 2, found: 1, revision: expect.stringMatching(/^\d+$/) })
    expect(report?.hits).toEqual([
      {
        nevra: 'harbour-1:2.0-3.el9.x86_64',
        location: 'Packages/harbour-2.0.rpm',
        base: undefined,
        size: expect.any(Number),
        built: 1_700_000_000,
        modified: expect.any(Number),
        summary: 'Keeps <ships> & "boats"',
        requires: { first: expect.arrayContaining(['glibc >= 2.34', 'bash']), count: expect.any(Number) },
        provides: { first: expect.arrayContaining(['pier = 1:2-3', 'harbour = 1:2.0-3.el9']), count: 2 },
      },
    ])
    expect(context.events.at(-1)).toMatchObject({ kind: 'snapshot read', packages: 2 })
  })

  test('gives the nearest first, by name, and of one name the newest first, however the metadata lies', async () => {
    const versions = ['1.9', '1.10', '1.2'].map((version) => ({ name: 'log', version }))
    const others = [
      { name: 'zz', summary: 'a log of all' },
      { name: 'logbook' },
      { name: 'aa', requires: ['log'] },
      { name: 'catalog' },
    ]
    const { nevras, search } = await published([...others, ...versions])
    const all = [
      ...['log-1.10-1.noarch', 'log-1.9-1.noarch', 'log-1.2-1.noarch', 'logbook-1.0-1.noarch'],
      ...['catalog-1.0-1.noarch', 'zz-1.0-1.noarch', 'aa-1.0-1.noarch'],
    ]
    expect(await nevras('log')).toEqual(all)
    const few = await search('log', 3)
    expect(few).toMatchObject({ found: 7, packages: 7 })
    expect(few?.hits.map(({ nevra }) => nevra)).toEqual(all.slice(0, 3))
    expect(await nevras('log*')).toEqual(all.slice(0, 4))
  })

  test('tells of no more than an answer holds, whatever a package provides', async () => {
    const provides = Array.from({ length: 900 }, (_, number) => `symbol-${number}-${'x'.repeat(400)}`)
    const { search } = await published([{ name: 'kernel', provides, summary: 's'.repeat(9_000) }])
    const [hit] = (await search('symbol-899'))?.hits ?? []
    expect(hit?.provides).toMatchObject({ count: 901 })
    expect(hit?.provides.first).toHaveLength(hitLimits.dependencies)
    expect(Math.max(...(hit?.provides.first ?? []).map(({ length }) => length))).toBe(
      hitLimits.dependencyCharacters + 1,
    )
    expect(hit?.summary).toHaveLength(hitLimits.summaryCharacters + 1)
  })

  test('is nothing where nothing is published, and finds nothing in a repository without packages', async () => {
    const context = await newContext()
    expect(await searcher(locationIn(tickingStore()), context).search('x')).toBeUndefined()
    const { search } = await published([])
    expect(await search('x')).toMatchObject({ packages: 0, found: 0, hits: [] })
  })

  test('fetches each primary once, and after a publish the new one', async () => {
    const fetched: string[] = []
    const store = tickingStore()
    const watched = intercept(store, {
      get: (key, options) => {
        if (key.includes('primary')) fetched.push(key)
        return store.get(key, options)
      },
    })
    const first = await published([{ name: 'foo' }], store)
    const { nevras } = searcher(locationIn(watched), await newContext())
    expect(await nevras('foo')).toEqual(['foo-1.0-1.noarch'])
    expect(await nevras('bar')).toEqual([])
    expect(fetched).toHaveLength(1)
    await putPackage(store, `${root}bar.rpm`, { name: 'bar' })
    await rebuildRepository(first.location, first.context)
    expect(await nevras('bar')).toEqual(['bar-1.0-1.noarch'])
    expect(fetched).toHaveLength(2)
  })

  test('begins again where what it reads was superseded and is gone', async () => {
    const store = tickingStore()
    const { location, context } = await published([{ name: 'foo' }], store)
    let isFirst = true
    const racing = intercept(store, {
      get: async (key, options) => {
        if (isFirst && key.includes('primary')) {
          isFirst = false
          await putPackage(store, `${root}bar.rpm`, { name: 'bar' })
          await rebuildRepository(location, context)
          await store.delete(key)
        }
        return await store.get(key, options)
      },
    })
    expect(await searcher(locationIn(racing), await newContext()).nevras('bar')).toEqual(['bar-1.0-1.noarch'])
  })

  test('that is given up ends before it has looked at everything, and reading ends with it', async () => {
    const specs = Array.from({ length: 40 }, (_, number) => ({ name: `p${number}`, description: 'd'.repeat(20_000) }))
    const { search } = await published(specs)
    const leaving = new AbortController()
    const begun = search('p', 20, leaving.signal)
    leaving.abort(new Error('gone'))
    await expect(begun).rejects.toThrow('gone')
    expect(await search('p39')).toMatchObject({ found: 1 })
  })
})

describeWithClients(['createrepo_c'], 'a search in a repository of createrepo_c', () => {
  test.each([['--general-compress-type=gz'], ['--general-compress-type=xz'], ['--checksum=sha512']])(
    'finds what is in it (%s)',
    async (option) => {
      const directory = newDirectory()
      for (const file of await readdir(rpms)) await copyFile(join(rpms, file), join(directory, file))
      execFileSync('createrepo_c', ['--quiet', '--no-database', option, directory])
      const store = tickingStore()
      for (const file of await readdir(join(directory, 'repodata'))) {
        const bytes = await readFile(join(directory, 'repodata', file))
        await store.put(`${root}repodata/${file}`, bytes, { if: 'always' })
      }
      const { nevras, search } = searcher(locationIn(store), await newContext())
      expect(await nevras('hello')).toEqual(['hello-repokeeper-1.1-1.noarch', 'hello-repokeeper-1.0-1.noarch'])
      expect(await nevras('libtide++')).toEqual(['libtide++-2.0~rc1-1.x86_64'])
      expect(await nevras('tide-sim-1.2^*')).toEqual(['tide-sim-1.2^20261101git3f2a1c-1.noarch'])
      expect(await nevras('*.src')).toEqual(['tide-gauge-1:1.8.0-1.src'])
      expect((await search('*'))?.found).toBe((await readdir(rpms)).length)
    },
  )
})
