import { rm } from 'node:fs/promises'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RepositoryError, rebuildRepository, reconcile } from '../src/index.ts'
import { bucketTruth, intercept, locationIn, newContext, putPackage, readPublished, tickingStore } from './workbench.ts'

const key = (path: string): string => `el9/x86_64/${path}`

describe('one change', () => {
  it('creates a repository with its first package', async () => {
    const location = locationIn(tickingStore())
    const context = await newContext()
    await putPackage(location.store, key('bear-4.1-1.noarch.rpm'), { name: 'bear', version: '4.1' })

    const report = await reconcile(location, new Set([key('bear-4.1-1.noarch.rpm')]), context)

    expect([...report.verdicts]).toEqual([[key('bear-4.1-1.noarch.rpm'), { kind: 'covered', change: 'added' }]])
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it.each([
    ['the store vouches for digests', 'always'],
    ['the digest has to be computed', 'never'],
  ] as const)('adds, replaces and removes where %s', async (_, sha256) => {
    const location = locationIn(tickingStore({ sha256 }))
    const context = await newContext()
    await putPackage(location.store, key('a.rpm'), { name: 'a' })
    await putPackage(location.store, key('b.rpm'), { name: 'b' })
    await putPackage(location.store, key('c.rpm'), { name: 'c' })
    await reconcile(location, new Set([key('a.rpm'), key('b.rpm'), key('c.rpm')]), context)

    await putPackage(location.store, key('b.rpm'), { name: 'b', version: '2.0' })
    await location.store.delete(key('c.rpm'))
    await putPackage(location.store, key('d.rpm'), { name: 'd' })
    const report = await reconcile(
      location,
      new Set(['a', 'b', 'c', 'd', 'e'].map((one) => key(`${one}.rpm`))),
      context,
    )

    expect([...report.verdicts.values()].map((verdict) => verdict.kind === 'covered' && verdict.change)).toEqual([
      'kept',
      'replaced',
      'removed',
      'added',
      'absent',
    ])
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it('publishes nothing where the metadata says already what is so', async () => {
    const location = locationIn(tickingStore())
    const context = await newContext()
    await putPackage(location.store, key('a.rpm'), { name: 'a' })
    await reconcile(location, new Set([key('a.rpm')]), context)
    const before = await readPublished(location)

    const report = await reconcile(location, new Set([key('a.rpm'), key('never-was.rpm')]), context)

    expect(report.publishes).toBe(0)
    expect((await readPublished(location)).repomd).toBe(before.repomd)
  })

  it('keeps the entries it did not touch byte for byte', async () => {
    const location = locationIn(tickingStore())
    const context = await newContext()
    await putPackage(location.store, key('a.rpm'), { name: 'a', files: [{ path: '/usr/bin/a' }] })
    await reconcile(location, new Set([key('a.rpm')]), context)
    const entry = (text: string): string | undefined => /<package [\s\S]*?<\/package>/.exec(text)?.[0]
    const before = await readPublished(location)

    await putPackage(location.store, key('z.rpm'), { name: 'z' })
    await reconcile(location, new Set([key('z.rpm')]), context)

    const after = await readPublished(location)
    expect(entry(after.documents.primary)).toBe(entry(before.documents.primary))
    expect(entry(after.documents.filelists)).toBe(entry(before.documents.filelists))
  })
})

describe('a package that cannot be indexed', () => {
  it('is refused by name and reason, and holds nothing else back', async () => {
    const location = locationIn(tickingStore())
    const context = await newContext()
    await location.store.put(key('bad.rpm'), Buffer.from('this is no package'), { if: 'always' })
    await putPackage(location.store, key('good.rpm'), { name: 'good' })

    const report = await reconcile(location, new Set([key('bad.rpm'), key('good.rpm')]), context)

    expect(report.verdicts.get(key('bad.rpm'))).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/RPM/) })
    expect([...(await readPublished(location)).packages.keys()]).toEqual(['good.rpm'])
    expect(context.events).toContainEqual(expect.objectContaining({ kind: 'refused', path: 'bad.rpm' }))
  })

  it('takes the place of a good one: what is not in the bucket any more is not listed', async () => {
    const location = locationIn(tickingStore())
    const context = await newContext()
    await putPackage(location.store, key('a.rpm'), { name: 'a' })
    await reconcile(location, new Set([key('a.rpm')]), context)
    await location.store.put(key('a.rpm'), Buffer.from('overwritten'), { if: 'always' })

    const report = await reconcile(location, new Set([key('a.rpm')]), context)

    expect(report.verdicts.get(key('a.rpm'))?.kind).toBe('refused')
    expect((await readPublished(location)).packages.size).toBe(0)
  })

  it('is refused where its payload is cut off, though its header is whole', async () => {
    const location = locationIn(tickingStore())
    const context = await newContext()
    const { buildPackage } = await import('@repokeeper/rpm-parser/testing')
    const whole = buildPackage({ name: 'a', files: [{ path: '/a', content: 'x'.repeat(1000) }] })
    await location.store.put(key('a.rpm'), whole.subarray(0, whole.length - 1), { if: 'always' })

    const report = await reconcile(location, new Set([key('a.rpm')]), context)

    expect(report.verdicts.get(key('a.rpm'))).toMatchObject({ kind: 'refused', code: 'CUT_OFF' })
  })
})

describe('others at work', () => {
  it('does everything again when somebody else publishes first, and loses neither change', async () => {
    const store = tickingStore()
    const mine = await newContext()
    const theirs = await newContext()
    await putPackage(store, key('mine.rpm'), { name: 'mine' })
    await putPackage(store, key('theirs.rpm'), { name: 'theirs' })
    let raced = false
    const slow = intercept(store, {
      async put(name, ...rest) {
        if (name.endsWith('/repomd.xml') && !raced) {
          raced = true
          await reconcile(locationIn(store), new Set([key('theirs.rpm')]), theirs)
        }
        return store.put(name, ...rest)
      },
    })

    const report = await reconcile(locationIn(slow), new Set([key('mine.rpm')]), mine)

    expect(report.conflicts).toBe(1)
    expect([...(await readPublished(locationIn(store))).packages.keys()]).toEqual(['mine.rpm', 'theirs.rpm'])
  })

  it('looks once more after the swap: a package deleted meanwhile does not stay listed', async () => {
    const store = tickingStore()
    await putPackage(store, key('a.rpm'), { name: 'a' })
    const slow = intercept(store, {
      async put(name, ...rest) {
        const outcome = await store.put(name, ...rest)
        if (name.endsWith('/repomd.xml')) await store.delete(key('a.rpm'))
        return outcome
      },
    })

    await reconcile(locationIn(slow), new Set([key('a.rpm')]), await newContext())

    expect((await readPublished(locationIn(store))).packages.size).toBe(0)
  })

  it.each(['always', 'never'] as const)(
    'takes header and digest from one version of an object that is replaced while it is read (digest known: %s)',
    async (sha256) => {
      const store = tickingStore({ sha256 })
      await putPackage(store, key('a.rpm'), { name: 'a' })
      let replaced = false
      const slow = intercept(store, {
        async get(name, options) {
          if (name === key('a.rpm') && !replaced) {
            replaced = true
            await putPackage(store, name, { name: 'a', version: '2.0' })
          }
          return store.get(name, options)
        },
      })

      const report = await reconcile(locationIn(slow), new Set([key('a.rpm')]), await newContext())

      const published = await readPublished(locationIn(store))
      expect(report.publishes).toBe(1)
      expect(published.packages).toEqual(await bucketTruth(locationIn(store)))
      expect(published.documents.primary).toContain('ver="2.0"')
    },
  )

  it('asks after each lost race what it may take along, and looks at that again too', async () => {
    const store = tickingStore()
    for (const name of ['a', 'b', 'c']) await putPackage(store, key(`${name}.rpm`), { name })
    let lost = 2
    const busy = intercept(store, {
      async put(name, ...rest) {
        if (!name.endsWith('/repomd.xml')) return store.put(name, ...rest)
        lost -= 1
        if (lost >= 0) return { kind: 'conflict' }
        const outcome = await store.put(name, ...rest)
        // Between the swap and the last look.
        if (lost === -1) await store.delete(key('c.rpm'))
        return outcome
      },
    })
    const waiting = ['b', 'c']
    const joining = (): string[] => waiting.splice(0, 1).map((name) => key(`${name}.rpm`))
    const location = locationIn(store)
    const report = await reconcile(locationIn(busy), new Set([key('a.rpm')]), await newContext(), { joining })
    expect([...report.verdicts].map(([path, verdict]) => [path, verdict.kind === 'covered' && verdict.change])).toEqual(
      [
        [key('a.rpm'), 'added'],
        [key('b.rpm'), 'added'],
        [key('c.rpm'), 'removed'],
      ],
    )
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })

  it('finds its own publish when the answer to the swap was lost', async () => {
    const store = tickingStore()
    await putPackage(store, key('a.rpm'), { name: 'a' })
    const torn = intercept(store, {
      async put(name, ...rest) {
        const outcome = await store.put(name, ...rest)
        return name.endsWith('/repomd.xml') ? { kind: 'conflict' } : outcome
      },
    })

    const report = await reconcile(locationIn(torn), new Set([key('a.rpm')]), await newContext())

    expect(report.verdicts.get(key('a.rpm'))).toEqual({ kind: 'covered', change: 'kept' })
  })

  it('does not name a document that stands there already but that its snapshot does not name', async () => {
    const store = tickingStore()
    const location = locationIn(store)
    await putPackage(store, key('a.rpm'), { name: 'a' })
    await reconcile(location, new Set([key('a.rpm')]), await newContext())
    const first = await readPublished(location)
    await store.delete(key('repodata/repomd.xml'))

    await reconcile(location, new Set([key('a.rpm')]), await newContext())

    const hrefs = (repomd: string): string[] => [...repomd.matchAll(/href="([^"]+)"/g)].map(([, href]) => href ?? '')
    const again = await readPublished(location)
    expect(again.documents).toEqual(first.documents)
    for (const href of hrefs(again.repomd)) expect(hrefs(first.repomd)).not.toContain(href)
  })
})

describe('broken metadata', () => {
  it.each([
    ['repomd.xml is cut off', 'repodata/repomd.xml', (bytes: Buffer) => bytes.subarray(0, 200)],
    ['a document has other bytes than its record says', 'primary', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
  ])('is refused, and stays as it is, where %s', async (_, which, damage) => {
    const store = tickingStore()
    const location = locationIn(store)
    await putPackage(store, key('a.rpm'), { name: 'a' })
    await reconcile(location, new Set([key('a.rpm')]), await newContext())
    const keys: string[] = []
    for await (const object of store.list(key('repodata/'))) if (object.key.includes(which)) keys.push(object.key)
    const got = await store.get(keys[0] ?? '')
    if (got.kind !== 'found') throw new Error('nothing to damage')
    const chunks: Uint8Array[] = []
    for await (const chunk of got.body) chunks.push(chunk)
    await store.put(keys[0] ?? '', damage(Buffer.concat(chunks)), { if: 'always' })
    await putPackage(store, key('b.rpm'), { name: 'b' })

    const outcome = reconcile(location, new Set([key('b.rpm')]), await newContext())

    await expect(outcome).rejects.toThrow(RepositoryError)
    await expect(outcome).rejects.toThrow(/repokeeper rebuild memory\/el9\/x86_64\//)
    await rebuildRepository(location, await newContext())
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })
})

describe('history', () => {
  it('leaves no trace: patched step by step or rebuilt from nothing, the documents are the same bytes', async () => {
    const names = ['a', 'b', 'lib/c', 'Packages/d', 'e+f', 'ä', '\u{1f980}', '\uff21'].map((one) => `${one}.rpm`)
    const change = fc.record({
      path: fc.constantFrom(...names),
      version: fc.option(fc.constantFrom('1', '2'), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { maxLength: 6 }),
        async (batches) => {
          const location = locationIn(tickingStore())
          const context = await newContext()
          for (const batch of batches) {
            for (const { path, version } of batch) {
              if (version === undefined) await location.store.delete(key(path))
              else await putPackage(location.store, key(path), { name: 'p', version, files: [{ path: `/${version}` }] })
            }
            await reconcile(location, new Set(batch.map(({ path }) => key(path))), context)
          }
          await rebuildRepository(location, context)
          const patched = await readPublished(location)
          expect(patched.packages).toEqual(await bucketTruth(location))
          const anew = locationIn(location.store)
          await rebuildRepository(anew, await newContext())
          expect((await readPublished(anew)).documents).toEqual(patched.documents)
        },
      ),
      { numRuns: 25 },
    )
  })
})

it('a publish that has landed is one, although the cache was taken away meanwhile', async () => {
  const location = locationIn(tickingStore())
  await putPackage(location.store, `${location.root}a.rpm`, { name: 'a' })
  const context = await newContext()
  const store = intercept(location.store, {
    async put(key, ...rest) {
      const outcome = await location.store.put(key, ...rest)
      if (key.endsWith('/repomd.xml')) await rm(context.cache.directory, { recursive: true })
      return outcome
    },
  })
  const { verdicts, publishes } = await reconcile({ ...location, store }, new Set([`${location.root}a.rpm`]), context)
  expect([...verdicts.values()]).toEqual([{ kind: 'covered', change: 'added' }])
  expect(publishes).toBe(1)
  const warnings = context.events.filter(({ kind }) => kind === 'warning')
  expect(warnings).toMatchObject([{ subject: 'the cache', message: expect.stringContaining('fetched again') }])
})
