import { MemoryStore, type ObjectStore, StoreError } from '@repokeeper/object-store'
import { describe, expect, it } from 'vitest'
import { keepLeftPledges, rebuildRepository, reconcile } from '../src/index.ts'
import { bucketTruth, intercept, locationIn, newContext, putPackage, readPublished } from './workbench.ts'

const root = 'el9/x86_64/'
const key = (name: string): string => `${root}${name}`
const killed = new StoreError('UNAVAILABLE', 'killed', { store: 'memory' })

function newStore(): { store: MemoryStore; pass: (seconds: number) => void } {
  let seconds = 1_700_000_000
  const store = new MemoryStore({ clock: () => new Date(1000 * seconds) })
  const pass = (more: number): void => {
    seconds += more
  }
  return { store, pass }
}

async function pledges(store: ObjectStore): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of store.list(`${root}repodata/pledge-`)) found.push(key)
  return found
}

/**
 * Publishes a package that is deleted just before the swap, and never comes to the last look.
 * @param before called between the documents and the swap
 */
async function publishAndDie(store: MemoryStore, before: () => Promise<void> = async () => {}): Promise<void> {
  let swapped = false
  const dying = intercept(store, {
    async put(name, ...rest) {
      if (!name.endsWith('/repomd.xml')) return store.put(name, ...rest)
      await store.delete(key('a.rpm'))
      await before()
      const outcome = await store.put(name, ...rest)
      swapped = true
      return outcome
    },
    async head(name, options) {
      if (swapped) throw killed
      return store.head(name, options)
    },
    async delete(name, options) {
      if (swapped) throw killed
      return store.delete(name, options)
    },
    async get(name, options) {
      if (swapped) throw killed
      return store.get(name, options)
    },
  })
  await putPackage(store, key('a.rpm'), { name: 'a' })
  await reconcile(locationIn(dying), new Set([key('a.rpm')]), await newContext()).catch(() => {})
}

describe('a publisher that dies between its swap and its last look', () => {
  it('has listed what is gone, and a pledge tells others to look in its stead', async () => {
    const { store, pass } = newStore()
    await putPackage(store, key('b.rpm'), { name: 'b' })
    await reconcile(locationIn(store), new Set([key('b.rpm')]), await newContext())
    await publishAndDie(store)
    expect([...(await readPublished(locationIn(store))).packages.keys()]).toEqual(['a.rpm', 'b.rpm'])
    expect(await pledges(store)).toHaveLength(1)

    // Not at once: it may only be slow.
    expect(await keepLeftPledges(locationIn(store), await newContext())).toEqual([])
    pass(60)
    expect(await keepLeftPledges(locationIn(store), await newContext())).toEqual([key('a.rpm')])
    expect((await readPublished(locationIn(store))).packages).toEqual(await bucketTruth(locationIn(store)))
    expect(await pledges(store)).toEqual([])
  })

  it('cannot land any more once somebody has looked in its stead, also where there was nothing to change', async () => {
    const { store, pass } = newStore()
    await putPackage(store, key('b.rpm'), { name: 'b' })
    await reconcile(locationIn(store), new Set([key('b.rpm')]), await newContext())
    const { repomd } = await readPublished(locationIn(store))
    await publishAndDie(store, async () => {
      pass(60)
      expect(await keepLeftPledges(locationIn(store), await newContext())).toEqual([key('a.rpm')])
    })
    const published = await readPublished(locationIn(store))
    expect(published.packages).toEqual(await bucketTruth(locationIn(store)))
    // The same records, of a newer revision.
    const revision = /<revision>[0-9]+</
    expect(published.repomd.replace(revision, '')).toBe(repomd.replace(revision, ''))
    expect(published.repomd).not.toBe(repomd)
  })

  it('in a repository that has no metadata yet leaves it with what the bucket holds', async () => {
    const { store, pass } = newStore()
    await publishAndDie(store, async () => {
      pass(60)
      await keepLeftPledges(locationIn(store), await newContext())
    })
    expect([...(await readPublished(locationIn(store))).packages]).toEqual([])
  })
})

it('is taken back after the last look, also after lost races and second rounds', async () => {
  const { store } = newStore()
  let others = 3
  const busy = intercept(store, {
    async put(name, ...rest) {
      if (name.endsWith('/repomd.xml') && others > 0) {
        others -= 1
        await putPackage(store, key(`${others}.rpm`), { name: `other${others}` })
        await reconcile(locationIn(store), new Set([key(`${others}.rpm`)]), await newContext())
        if (others === 0) await putPackage(store, key('a.rpm'), { name: 'a', version: '2' })
      }
      return store.put(name, ...rest)
    },
  })
  await putPackage(store, key('a.rpm'), { name: 'a' })
  const { conflicts, publishes } = await reconcile(locationIn(busy), new Set([key('a.rpm')]), await newContext())
  expect({ conflicts, publishes }).toEqual({ conflicts: 3, publishes: 1 })
  expect(await pledges(store)).toEqual([])
  expect((await readPublished(locationIn(store))).packages).toEqual(await bucketTruth(locationIn(store)))
})

it('that somebody else wrote is left alone, and what no package can be called is not looked at', async () => {
  const { store, pass } = newStore()
  await putPackage(store, key('b.rpm'), { name: 'b' })
  await reconcile(locationIn(store), new Set([key('b.rpm')]), await newContext())
  const foreign = {
    'pledge-drive.html': '{"lookAgainAt":[]}',
    'pledge-0000000000000001.json': '',
    'pledge-0000000000000002.json': 'null',
  }
  for (const [name, text] of Object.entries(foreign)) {
    await store.put(key(`repodata/${name}`), Buffer.from(text), { if: 'always' })
  }
  const odd = Buffer.from('{"lookAgainAt":[1,null,"../c.rpm","no-package.txt","x/repodata/d.rpm","b\\u0000.rpm"]}')
  await store.put(key('repodata/pledge-0000000000000003.json'), odd, { if: 'always' })
  pass(60)
  expect(await keepLeftPledges(locationIn(store), await newContext())).toEqual([])
  expect(await pledges(store)).toEqual(
    Object.keys(foreign)
      .toSorted()
      .map((name) => key(`repodata/${name}`)),
  )
  expect([...(await readPublished(locationIn(store))).packages.keys()]).toEqual(['b.rpm'])
})

it('that can never be taken back makes no generation each minute', async () => {
  const { store, pass } = newStore()
  await putPackage(store, key('b.rpm'), { name: 'b' })
  const denied = new StoreError('ACCESS_DENIED', 's3:DeleteObject is not allowed', { store: 'memory' })
  const closed = locationIn(intercept(store, { delete: () => Promise.reject(denied) }))
  await reconcile(closed, new Set([key('b.rpm')]), await newContext())
  const revisions = new Set<string>()
  for (let minute = 0; minute < 20; minute += 1) {
    pass(60)
    expect(await keepLeftPledges(closed, await newContext())).toEqual([key('b.rpm')])
    revisions.add((await readPublished(closed)).repomd)
  }
  // Two, as long as the store's times cannot tell which came first.
  expect(revisions.size).toBeLessThanOrEqual(2)
})

it('stays where the look cannot decide', async () => {
  const { store, pass } = newStore()
  await publishAndDie(store)
  pass(60)
  const blind = locationIn(
    intercept(store, {
      async head(name, options) {
        if (name.endsWith('.rpm')) throw killed
        return store.head(name, options)
      },
    }),
  )
  await keepLeftPledges(blind, await newContext()).catch(() => {})
  expect(await pledges(store)).toHaveLength(1)
  await keepLeftPledges(locationIn(store), await newContext())
  expect([await pledges(store), (await readPublished(locationIn(store))).packages.size]).toEqual([[], 0])
})

it('is one of its own for each attempt, after its snapshot, with all that is published along', async () => {
  const { store } = newStore()
  for (const name of ['a', 'b']) await putPackage(store, key(`${name}.rpm`), { name })
  const steps: string[] = []
  let lost = false
  const watched = intercept(store, {
    async get(name, options) {
      if (name.endsWith('/repomd.xml')) steps.push('snapshot')
      return store.get(name, options)
    },
    async put(name, body, ...rest) {
      if (name.includes('/pledge-') && body instanceof Uint8Array) {
        steps.push(`pledge ${JSON.parse(Buffer.from(body).toString()).lookAgainAt}`)
      }
      if (name.endsWith('/repomd.xml')) {
        steps.push(`swap beside ${(await pledges(store)).length}`)
        if (!lost) {
          lost = true
          return { kind: 'conflict' }
        }
      }
      return store.put(name, body, ...rest)
    },
  })
  const joining = (): string[] => [key('b.rpm')]
  await reconcile(locationIn(watched), new Set([key('a.rpm')]), await newContext(), { joining })
  expect(steps).toEqual([
    ...['snapshot', 'pledge a.rpm', 'swap beside 1'],
    ...['snapshot', 'pledge a.rpm,b.rpm', 'swap beside 2'],
  ])
  expect(await pledges(store)).toEqual([])
})

it('is given by a rebuild, too', async () => {
  const { store, pass } = newStore()
  for (const name of ['a', 'b']) await putPackage(store, key(`${name}.rpm`), { name })
  let swapped = false
  const dying = intercept(store, {
    async put(name, ...rest) {
      if (name.endsWith('/repomd.xml')) {
        await store.delete(key('a.rpm'))
        swapped = true
      }
      return store.put(name, ...rest)
    },
    list(...parameters) {
      if (swapped) throw killed
      return store.list(...parameters)
    },
  })
  await expect(rebuildRepository(locationIn(dying), await newContext())).rejects.toBe(killed)
  expect([...(await readPublished(locationIn(store))).packages.keys()]).toEqual(['a.rpm', 'b.rpm'])
  pass(60)
  await keepLeftPledges(locationIn(store), await newContext())
  expect((await readPublished(locationIn(store))).packages).toEqual(await bucketTruth(locationIn(store)))
  await rebuildRepository(locationIn(store), await newContext())
  expect(await pledges(store)).toEqual([])
})

it('that may not be deleted is told, and no reason to fail', async () => {
  const { store } = newStore()
  await putPackage(store, key('b.rpm'), { name: 'b' })
  const denied = new StoreError('ACCESS_DENIED', 's3:DeleteObject is not allowed', { store: 'memory' })
  const closed = intercept(store, { delete: () => Promise.reject(denied) })
  const context = await newContext()
  const { verdicts } = await reconcile(locationIn(closed), new Set([key('b.rpm')]), context)
  expect(verdicts.get(key('b.rpm'))).toMatchObject({ kind: 'covered' })
  expect(context.events.filter(({ kind }) => kind === 'warning')).toMatchObject([{ subject: 'pledge' }])
})

it('is stored, under whatever name, before anything is swapped: a conflict may have stored nothing', async () => {
  const { store } = newStore()
  await putPackage(store, key('b.rpm'), { name: 'b' })
  let conflicts = 2
  const done: string[] = []
  const racing = intercept(store, {
    async put(name, ...rest) {
      if (name.includes('/pledge-') && conflicts > 0) {
        conflicts -= 1
        return { kind: 'conflict' }
      }
      if (!name.endsWith('.gz')) done.push(name.replace(/.*\/|-[0-9a-f]+/g, ''))
      return store.put(name, ...rest)
    },
  })
  await reconcile(locationIn(racing), new Set([key('b.rpm')]), await newContext())
  expect(done).toEqual(['pledge.json', 'repomd.xml'])

  conflicts = 100
  await putPackage(store, key('c.rpm'), { name: 'c' })
  const published = (await readPublished(locationIn(store))).repomd
  const blocked = reconcile(locationIn(racing), new Set([key('c.rpm')]), await newContext())
  await expect(blocked).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect((await readPublished(locationIn(store))).repomd).toBe(published)
})
