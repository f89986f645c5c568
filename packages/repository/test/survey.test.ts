import { expect, it } from 'vitest'
import { rebuildRepository, reconcile, surveyRepository } from '../src/index.ts'
import { bucketTruth, locationIn, newContext, putPackage, readPublished, tickingStore } from './workbench.ts'

it('finds nothing to differ after every change was dealt with', async () => {
  const location = locationIn(tickingStore())
  const context = await newContext()
  await putPackage(location.store, 'el9/x86_64/a.rpm', { name: 'a' })
  await reconcile(location, new Set(['el9/x86_64/a.rpm']), context)
  expect(await surveyRepository(location, context)).toMatchObject({ differences: [], inBucket: 1, listed: 1 })
})

it('finds what was missed: a new package, a replaced one, one that is gone', async () => {
  const location = locationIn(tickingStore())
  const context = await newContext()
  const keys = ['gone', 'kept', 'replaced'].map((name) => `el9/x86_64/${name}.rpm`)
  for (const key of keys) await putPackage(location.store, key, { name: 'x' })
  await reconcile(location, new Set(keys), context)

  await putPackage(location.store, 'el9/x86_64/new.rpm', { name: 'new' })
  await putPackage(location.store, 'el9/x86_64/replaced.rpm', { name: 'x', version: '2' })
  await location.store.delete('el9/x86_64/gone.rpm')
  await location.store.put('el9/x86_64/notes.txt', Buffer.from('x'), { if: 'always' })

  expect((await surveyRepository(location, context)).differences).toEqual([
    { path: 'gone.rpm', kind: 'vanished' },
    { path: 'new.rpm', kind: 'missing' },
    { path: 'replaced.rpm', kind: 'changed' },
  ])
})

it('leaves the packages of a repository below to that one', async () => {
  const store = tickingStore()
  const outer = locationIn(store, 'el9/')
  const inner = locationIn(store, 'el9/debug/')
  const context = await newContext()
  await putPackage(store, 'el9/a.rpm', { name: 'a' })
  await putPackage(store, 'el9/debug/b.rpm', { name: 'b' })
  await rebuildRepository(inner, context)
  await rebuildRepository(outer, context)
  expect([...(await readPublished(outer)).packages.keys()]).toEqual(['a.rpm'])
  expect([...(await readPublished(inner)).packages.keys()]).toEqual(['b.rpm'])
  expect((await surveyRepository(outer, context)).differences).toEqual([])
})

it('names keys that cannot be published', async () => {
  const location = locationIn(tickingStore())
  const context = await newContext()
  await putPackage(location.store, 'el9/x86_64/a\u0001b.rpm', { name: 'a' })
  const { passedOver } = await surveyRepository(location, context)
  expect(passedOver).toEqual([{ key: 'el9/x86_64/a\u0001b.rpm', why: 'not safe as a location' }])
})

it('rebuilds an empty directory to an empty repository', async () => {
  const location = locationIn(tickingStore(), '')
  const report = await rebuildRepository(location, await newContext())
  expect(report).toMatchObject({ packages: 0, refused: [] })
  expect((await readPublished(location)).packages.size).toBe(0)
})

it('rebuilds around a bad package, and names it', async () => {
  const location = locationIn(tickingStore())
  await location.store.put('el9/x86_64/bad.rpm', Buffer.from('bad'), { if: 'always' })
  await putPackage(location.store, 'el9/x86_64/good.rpm', { name: 'good' })
  const report = await rebuildRepository(location, await newContext())
  expect(report.packages).toBe(1)
  expect(report.refused).toMatchObject([{ path: 'bad.rpm', reason: expect.stringContaining('RPM') }])
})

it('rebuilds what changes under its hands', async () => {
  const store = tickingStore()
  const location = locationIn(store)
  await putPackage(store, 'el9/x86_64/a.rpm', { name: 'a' })
  await putPackage(store, 'el9/x86_64/b.rpm', { name: 'b' })
  const context = await newContext()
  await rebuildRepository(location, context, {
    onProgress: (read, total) => {
      if (read !== total) return
      void store.delete('el9/x86_64/a.rpm')
      void putPackage(store, 'el9/x86_64/c.rpm', { name: 'c' })
    },
  })
  const { packages } = await readPublished(location)
  expect(packages).toEqual(await bucketTruth(location))
})

it('reports progress up to the total', async () => {
  const location = locationIn(tickingStore())
  for (const name of ['a', 'b', 'c']) await putPackage(location.store, `el9/x86_64/${name}.rpm`, { name })
  const seen: string[] = []
  await rebuildRepository(location, await newContext(), { onProgress: (read, total) => seen.push(`${read}/${total}`) })
  expect(seen).toEqual(['1/3', '2/3', '3/3'])
})
