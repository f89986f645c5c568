/**
 * What one bad object, one bad package or one bad disk may not do to the others.
 */
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '@repokeeper/object-store'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { describe, expect, it } from 'vitest'
import { RepositoryError, rebuildRepository, reconcile } from '../src/index.ts'
import {
  bucketTruth,
  intercept,
  locationIn,
  newContext,
  putPackage,
  read,
  readPublished,
  tickingStore,
} from './workbench.ts'

const key = (path: string): string => `el9/x86_64/${path}`

const frozen = (name: string): StoreError =>
  new StoreError('ACCESS_DENIED', `${name} is in an archive`, { store: 'memory', key: name })

describe('an object that the store does not give', () => {
  it('is left undecided, and the others of its batch are published', async () => {
    const store = tickingStore()
    for (const name of ['a', 'frozen', 'z']) await putPackage(store, key(`${name}.rpm`), { name })
    const cold = intercept(store, {
      async get(name, options) {
        if (name === key('frozen.rpm')) throw frozen(name)
        return store.get(name, options)
      },
    })
    const report = await reconcile(
      locationIn(cold),
      new Set(['a', 'frozen', 'z'].map((name) => key(`${name}.rpm`))),
      await newContext(),
    )
    expect([...report.verdicts.keys()]).toEqual([key('a.rpm'), key('z.rpm')])
    expect(report.undecided.get(key('frozen.rpm'))).toBeInstanceOf(StoreError)
    expect([...(await readPublished(locationIn(store))).packages.keys()]).toEqual(['a.rpm', 'z.rpm'])
  })

  it('does not take what is listed in its place away', async () => {
    const store = tickingStore({ sha256: 'never' })
    await putPackage(store, key('a.rpm'), { name: 'a' })
    await reconcile(locationIn(store), new Set([key('a.rpm')]), await newContext())
    await putPackage(store, key('b.rpm'), { name: 'b' })
    const cold = intercept(store, {
      async head(name, options) {
        if (name === key('a.rpm')) throw frozen(name)
        return store.head(name, options)
      },
    })
    await reconcile(locationIn(cold), new Set([key('a.rpm'), key('b.rpm')]), await newContext())
    expect([...(await readPublished(locationIn(store))).packages.keys()]).toEqual(['a.rpm', 'b.rpm'])
  })

  it('is the fault of all where the store gives none', async () => {
    const store = tickingStore()
    const out = intercept(store, {
      head: async () => {
        throw new StoreError('UNAVAILABLE', 'it is out', { store: 'memory' })
      },
    })
    const keys = new Set([key('a.rpm'), key('b.rpm')])
    await expect(reconcile(locationIn(out), keys, await newContext())).rejects.toThrow('it is out')
  })

  it('is left undecided too where the last look fails', async () => {
    const store = tickingStore()
    for (const name of ['a', 'b']) await putPackage(store, key(`${name}.rpm`), { name })
    let swapped = false
    const odd = intercept(store, {
      async put(name, ...rest) {
        swapped ||= name.endsWith('/repomd.xml')
        return store.put(name, ...rest)
      },
      async head(name, options) {
        if (swapped && name === key('b.rpm')) throw frozen(name)
        return store.head(name, options)
      },
    })
    const report = await reconcile(locationIn(odd), new Set([key('a.rpm'), key('b.rpm')]), await newContext())
    expect([...report.verdicts.keys()]).toEqual([key('a.rpm')])
    expect([...report.undecided.keys()]).toEqual([key('b.rpm')])
  })

  it('is left out by a rebuild, and named', async () => {
    const store = tickingStore({ sha256: 'never' })
    for (const name of ['a', 'frozen']) await putPackage(store, key(`${name}.rpm`), { name })
    const cold = intercept(store, {
      async get(name, options) {
        if (name === key('frozen.rpm')) throw frozen(name)
        return store.get(name, options)
      },
    })
    const report = await rebuildRepository(locationIn(cold), await newContext())
    expect(report).toMatchObject({ packages: 1, refused: [{ path: 'frozen.rpm', code: 'ACCESS_DENIED' }] })
  })

  it.each([
    ['no object can be read', () => true],
    ['some cannot be looked at', (name: string) => name.endsWith('b.rpm')],
  ])('is no reason for a rebuild to publish less where %s: it fails, and what is published stays', async (_, fails) => {
    const store = tickingStore({ sha256: 'never' })
    const location = locationIn(store)
    for (const name of ['a', 'b']) await putPackage(store, key(`${name}.rpm`), { name })
    await rebuildRepository(location, await newContext())
    const denied = intercept(store, {
      async head(name, options) {
        if (name.endsWith('.rpm') && fails(name)) throw frozen(name)
        return store.head(name, options)
      },
    })
    await expect(rebuildRepository(locationIn(denied), await newContext())).rejects.toThrow(StoreError)
    const unreadable = intercept(store, {
      async get(name, options) {
        if (name.endsWith('.rpm')) throw frozen(name)
        return store.get(name, options)
      },
    })
    await expect(rebuildRepository(locationIn(unreadable), await newContext())).rejects.toThrow(StoreError)
    expect((await readPublished(location)).packages.size).toBe(2)
  })

  it('holds nobody back where it changes during every publish', async () => {
    const store = tickingStore()
    for (const name of ['calm', 'restless']) await putPackage(store, key(`${name}.rpm`), { name })
    let version = 0
    const busy = intercept(store, {
      async put(name, ...rest) {
        const outcome = await store.put(name, ...rest)
        version += 1
        if (name.endsWith('/repomd.xml')) {
          await putPackage(store, key('restless.rpm'), { name: 'restless', version: String(version) })
        }
        return outcome
      },
    })
    const keys = new Set([key('calm.rpm'), key('restless.rpm')])
    const report = await reconcile(locationIn(busy), keys, await newContext())
    expect(report.verdicts.get(key('calm.rpm'))).toEqual({ kind: 'covered', change: 'added' })
    expect(report.undecided.get(key('restless.rpm'))).toBeInstanceOf(RepositoryError)
  })
})

describe('a package that stands for far more than it weighs', () => {
  it('is refused before anything is made of it', async () => {
    const store = tickingStore()
    const directory = `/${'d'.repeat(200_000)}`
    const files = Array.from({ length: 1000 }, (_, at) => ({ path: `${directory}/${at}` }))
    await store.put(key('bomb.rpm'), buildPackage({ name: 'bomb', files }), { if: 'always' })
    await putPackage(store, key('good.rpm'), { name: 'good' })

    const keys = new Set([key('bomb.rpm'), key('good.rpm')])
    const report = await reconcile(locationIn(store), keys, await newContext())

    expect(report.verdicts.get(key('bomb.rpm'))).toMatchObject({ kind: 'refused', code: 'TOO_LARGE' })
    expect([...(await readPublished(locationIn(store))).packages.keys()]).toEqual(['good.rpm'])
  })

  it('is listed, and read again, where it is large but honest', async () => {
    const store = tickingStore()
    const files = Array.from({ length: 100_000 }, (_, at) => ({ path: `/usr/share/large/directory/of/files/${at}` }))
    await store.put(key('large.rpm'), buildPackage({ name: 'large', files }), { if: 'always' })
    await reconcile(locationIn(store), new Set([key('large.rpm')]), await newContext())
    await putPackage(store, key('small.rpm'), { name: 'small' })
    await reconcile(locationIn(store), new Set([key('small.rpm')]), await newContext())
    const { packages, documents } = await readPublished(locationIn(store))
    expect([...packages.keys()]).toEqual(['large.rpm', 'small.rpm'])
    expect(documents.filelists).toContain('/usr/share/large/directory/of/files/99999<')
  })
})

describe('a published document that is gone or damaged', () => {
  it.each([
    ['gone', undefined],
    ['damaged, its length kept', (bytes: Buffer) => Buffer.from(bytes).fill(0x20)],
    ['cut off', (bytes: Buffer) => bytes.subarray(0, 10)],
  ])('is written anew by a rebuild of the very same packages: %s', async (_, damage) => {
    const store = tickingStore({ sha256: 'never' })
    const location = locationIn(store)
    await putPackage(store, key('a.rpm'), { name: 'a' })
    await reconcile(location, new Set([key('a.rpm')]), await newContext())
    for await (const object of store.list(key('repodata/'))) {
      if (!object.key.includes('-filelists')) continue
      const bytes = await read(store, object.key)
      if (damage === undefined) await store.delete(object.key)
      else await store.put(object.key, damage(bytes), { if: 'always' })
    }

    await rebuildRepository(location, await newContext())

    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it('is not named again by a publish that finds it gone, though the cache still has it', async () => {
    const store = tickingStore()
    const location = locationIn(store)
    const context = await newContext()
    await putPackage(store, key('a.rpm'), { name: 'a' })
    await reconcile(location, new Set([key('a.rpm')]), context)
    for await (const object of store.list(key('repodata/'))) {
      if (object.key.includes('-filelists')) await store.delete(object.key)
    }
    // The same bytes at another time: primary changes, filelists does not.
    await putPackage(store, key('a.rpm'), { name: 'a' })
    await reconcile(location, new Set([key('a.rpm')]), context)
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })
})

describe('the cache', () => {
  it('is made again where somebody removed it', async () => {
    const location = locationIn(tickingStore())
    const context = await newContext()
    await putPackage(location.store, key('a.rpm'), { name: 'a' })
    await reconcile(location, new Set([key('a.rpm')]), context)
    await rm(context.cache.directory, { recursive: true })
    await putPackage(location.store, key('b.rpm'), { name: 'b' })
    await reconcile(location, new Set([key('b.rpm')]), context)
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it('is not believed where its files were damaged: the repository is not blamed', async () => {
    const location = locationIn(tickingStore())
    const context = await newContext()
    await putPackage(location.store, key('a.rpm'), { name: 'a' })
    await reconcile(location, new Set([key('a.rpm')]), context)
    for (const file of await readdir(context.cache.directory)) await writeFile(join(context.cache.directory, file), 'x')
    await putPackage(location.store, key('b.rpm'), { name: 'b' })
    await reconcile(location, new Set([key('b.rpm')]), context)
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })
})

describe('names that look encoded', () => {
  it('are what they spell: a package named with %2B and one with a plus live side by side', async () => {
    const location = locationIn(tickingStore())
    const context = await newContext()
    for (const name of ['foo%2B1.rpm', 'foo+1.rpm']) {
      await putPackage(location.store, key(name), { name: 'foo' })
      await reconcile(location, new Set([key(name)]), context)
    }
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it('are not taken away by the removal of what they would be decoded', async () => {
    const location = locationIn(tickingStore())
    const context = await newContext()
    await putPackage(location.store, key('x%41.rpm'), { name: 'x' })
    await reconcile(location, new Set([key('x%41.rpm')]), context)
    const report = await reconcile(location, new Set([key('xA.rpm')]), context)
    expect(report.verdicts.get(key('xA.rpm'))).toEqual({ kind: 'covered', change: 'absent' })
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })
})

describe('a repomd.xml that was damaged', () => {
  it('is written anew with what others had in the generation before, as far as that is there', async () => {
    const store = tickingStore()
    const location = locationIn(store)
    const context = await newContext()
    const publish = async (name: string): Promise<void> => {
      await putPackage(store, key(`${name}.rpm`), { name })
      await reconcile(location, new Set([key(`${name}.rpm`)]), context)
    }
    await publish('a')
    const repomd = (await read(store, key('repodata/repomd.xml'))).toString()
    const record = (type: string): string =>
      `<data type="${type}"><location href="repodata/${type}.xml"/><size>8</size></data>`
    const more = repomd.replace('</repomd>', `${record('group')}${record('updateinfo')}${record('modules')}</repomd>`)
    await store.put(key('repodata/repomd.xml'), Buffer.from(more), { if: 'always' })
    await store.put(key('repodata/group.xml'), Buffer.from('<comps/>'), { if: 'always' })
    await store.put(key('repodata/modules.xml'), Buffer.from('another size'), { if: 'always' })
    await publish('b')
    await store.put(key('repodata/repomd.xml'), Buffer.from('<repomd'), { if: 'always' })

    await rebuildRepository(location, context)
    const published = await readPublished(location)
    expect([...published.packages.keys()]).toEqual(['a.rpm', 'b.rpm'])
    expect([...published.repomd.matchAll(/<data type="([a-z]+)"/g)].map(([, type]) => type)).toEqual([
      ...['primary', 'filelists', 'other'],
      'group',
    ])
    const warnings = context.events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))
    expect(warnings.at(-1)).toMatch(/is taken from the generation of 20/)
  })
})
