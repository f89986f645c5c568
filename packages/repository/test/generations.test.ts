import { type ObjectStore, StoreError } from '@repokeeper/object-store'
import { describe, expect, it } from 'vitest'
import {
  collectGarbage,
  deleteSnapshot,
  formatMirrorlist,
  type GenerationId,
  generationsUrl,
  keepLeftPledges,
  listGenerationDirectories,
  listGenerations,
  parseRepositoryRoot,
  pinGeneration,
  planCleanUp,
  readForCleanUp,
  resumeMirrorlist,
  snapshotKey,
  takeSnapshot,
  withClaim,
  wrongGenerationsUrl,
} from '../src/index.ts'
import { carryOut } from '../src/retention.ts'
import {
  base,
  currentId,
  generations,
  idsIn,
  mirrorlist,
  named,
  publish,
  readGeneration,
  repomd,
  root,
  signer,
  signing,
  storeAt,
} from './with-generations.ts'
import { intercept, locationIn, newContext, read, tickingStore } from './workbench.ts'

describe('a repository with generations', () => {
  it('has, after each publish, a mirrorlist that names what is published, and that whole, below a path of its own', async () => {
    const store = tickingStore()
    const ids: GenerationId[] = []
    for (const name of ['a', 'b']) {
      await publish(store, name, { signing })
      const id = await named(store)
      ids.push(id)
      expect(id).toBe(await currentId(store))
      const text = `# generation ${id}\n${base}generations/${id}/\n${base}\n`
      expect((await read(store, mirrorlist)).toString()).toBe(text)
      const own = `${root}generations/${id}/repodata/repomd.xml`
      expect(await signer.verify(await read(store, own), await read(store, `${own}.asc`))).toBe(true)
      expect(await read(store, `${own}.key`)).toEqual(signer.publicKey)
    }
    const listed = await Promise.all(ids.map(async (id) => [...(await readGeneration(store, id)).packages.keys()]))
    expect(listed).toEqual([['a.rpm'], ['a.rpm', 'b.rpm']])
  })

  it('goes on to have them where nobody says anything, under the URL that stands in the mirrorlist', async () => {
    const store = tickingStore()
    await publish(store, 'a')
    await publish(store, 'b', { generations: { kind: 'as found' } })
    expect(await named(store)).toBe(await currentId(store))
    await store.delete(mirrorlist)
    await publish(store, 'c', { generations: { kind: 'as found' } })
    expect(await store.head(mirrorlist)).toBeUndefined()
  })

  it('leaves a mirrorlist of somebody else alone, where nobody says anything', async () => {
    const store = tickingStore()
    const theirs = 'https://mirror.example.org/el9/\nhttps://mirror.example.com/el9/\n'
    await store.put(mirrorlist, Buffer.from(theirs), { if: 'always' })
    await publish(store, 'a', { generations: { kind: 'as found' } })
    expect((await read(store, mirrorlist)).toString()).toBe(theirs)
  })

  it('begins without a publish, by whoever looks after it', async () => {
    const store = tickingStore()
    await publish(store, 'a', { generations: { kind: 'as found' } })
    const context = await newContext({ generations })
    await keepLeftPledges(locationIn(store), context)
    expect([...(await readGeneration(store, await named(store))).packages.keys()]).toEqual(['a.rpm'])
    expect(context.events).toContainEqual(expect.objectContaining({ was: 'there was no mirrorlist' }))
  })

  it('leaves a pinned mirrorlist as it is, and has the generations for later', async () => {
    const store = tickingStore()
    await publish(store, 'a')
    const generation = await named(store)
    const pinned = Buffer.from(formatMirrorlist({ baseUrl: base, generation, isPinned: true }))
    await store.put(mirrorlist, pinned, { if: 'always' })
    await publish(store, 'b')
    await keepLeftPledges(locationIn(store), await newContext({ generations }))
    expect(await read(store, mirrorlist)).toEqual(pinned)
    expect(await idsIn(store)).toContain(await currentId(store))
  })
})

describe('a publisher that dies', () => {
  it.each([
    ['before the swap leaves what clients see as it was', repomd, 'a'],
    ['before it wrote the mirrorlist is followed by whoever looks in its stead', mirrorlist, 'b'],
  ])('%s', async (_, diesAt, last) => {
    const { store, pass } = storeAt()
    await publish(store, 'a')
    let dead = false
    const dying = intercept(store, {
      async put(key, ...rest) {
        dead ||= key === diesAt
        if (dead) throw new StoreError('UNAVAILABLE', 'killed', { store: 'memory' })
        return store.put(key, ...rest)
      },
    })
    await expect(publish(dying, 'b')).rejects.toThrow('killed')
    expect([...(await readGeneration(store, await named(store))).packages.keys()]).toEqual(['a.rpm'])
    pass(100)
    if (last === 'b') await keepLeftPledges(locationIn(store), await newContext({ generations }))
    const { packages } = await readGeneration(store, await named(store))
    expect(packages.has('b.rpm')).toBe(last === 'b')
    expect(await named(store)).toBe(await currentId(store))
  })
})

it('makes the directory of what is published anew where it is gone, also after one who died while he did', async () => {
  const store = tickingStore()
  await publish(store, 'a', { signing })
  const id = await named(store)
  for (let diesAfter = 0; ; diesAfter += 1) {
    for await (const { key } of store.list(`${root}generations/`)) await store.delete(key)
    let writes = 0
    const live = <A extends unknown[], R>(run: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        writes += 1
        if (writes > diesAfter) throw new StoreError('UNAVAILABLE', 'killed', { store: 'memory' })
        return run(...args)
      }
    }
    const dying = intercept(store, {
      put: live((...args: Parameters<ObjectStore['put']>) => store.put(...args)),
      copy: live((...args: Parameters<ObjectStore['copy']>) => store.copy(...args)),
    })
    const keep = async (at: ObjectStore) => keepLeftPledges(locationIn(at), await newContext({ generations, signing }))
    const end = await keep(dying).then(
      () => 'done',
      () => 'killed',
    )
    await keep(store)
    expect((await readGeneration(store, id)).packages.size, `killed after ${diesAfter} writes`).toBe(1)
    expect(await store.head(`${root}generations/${id}/repodata/repomd.xml.asc`)).toBeDefined()
    if (end === 'done') break
  }
})

describe('a clean-up', () => {
  const options = { retentionMs: 3_600_000 }

  it('takes away what nothing keeps: no retention, no snapshot, not the mirrorlist', async () => {
    const { store, pass } = storeAt()
    const ids: GenerationId[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      await publish(store, name)
      ids.push(await named(store))
      pass(600)
    }
    const [first, second, third, fourth] = ids
    if (first === undefined || second === undefined) throw new Error('nothing was published')
    const snapshot = formatMirrorlist({ baseUrl: base, generation: first, isPinned: false })
    await store.put(snapshotKey(root, 'may'), Buffer.from(snapshot), { if: 'always' })
    const context = await newContext()
    // Superseded 1,800, 1,200 and 600 s before.
    pass(2_000)
    await collectGarbage(locationIn(store), context, options)
    expect(await idsIn(store)).toEqual(ids)
    pass(1_000)
    await collectGarbage(locationIn(store), context, options)
    expect(await idsIn(store)).toEqual([first, third, fourth])
    pass(600_000)
    await collectGarbage(locationIn(store), context, options)
    expect(await idsIn(store)).toEqual([first, fourth])
    expect((await readGeneration(store, first)).packages.size).toBe(1)
  })

  it('leaves what the mirrorlist named until now, also where that had been superseded long before', async () => {
    const { store, pass } = storeAt()
    await publish(store, 'a')
    const first = await named(store)
    // Who published this died before it wrote the mirrorlist.
    const stale = await read(store, mirrorlist)
    await publish(store, 'b')
    await store.put(mirrorlist, stale, { if: 'always' })
    pass(10_000)
    await publish(store, 'c')
    await collectGarbage(locationIn(store), await newContext(), options)
    expect(await idsIn(store)).toContain(first)
    pass(4_000)
    await collectGarbage(locationIn(store), await newContext(), options)
    expect(await idsIn(store)).not.toContain(first)
  })

  it('leaves a package that somebody put into a directory, and is done with it', async () => {
    const { store, first } = await withTwo()
    const file = `${root}generations/${first}/own.rpm`
    await store.put(file, Buffer.from('own'), { if: 'always' })
    const deleted = async () => (await collectGarbage(locationIn(store), {}, options)).delete.map(({ kind }) => kind)
    expect(await deleted()).toContain('generation')
    expect(await deleted()).toEqual([])
    expect(await store.head(file)).toBeDefined()
  })

  it('leaves for its time what a snapshot named, so that it can be named again', async () => {
    const { store, pass, first } = await withTwo()
    const context = await newContext()
    await takeSnapshot(locationIn(store), 'may', first, context)
    pass(1_000_000)
    await collectGarbage(locationIn(store), {}, options)
    await deleteSnapshot(locationIn(store), 'may', context)
    await collectGarbage(locationIn(store), {}, options)
    expect((await listGenerations(locationIn(store), context)).map(({ id }) => id)).toContain(first)
    await takeSnapshot(locationIn(store), 'may', first, context)
    expect((await readGeneration(store, first)).packages.size).toBe(1)
  })

  it('takes away what a lost race left', async () => {
    const { store, pass } = storeAt()
    await publish(store, 'a')
    const before = await named(store)
    let lost: string | undefined
    const racing = intercept(store, {
      async put(key, ...rest) {
        if (key === repomd && lost === undefined) {
          lost = (await idsIn(store)).find((id) => id !== before)
          await publish(store, 'c')
        }
        return store.put(key, ...rest)
      },
    })
    await publish(racing, 'b')
    expect(lost).toBeDefined()
    pass(100)
    await publish(store, 'd')
    pass(4_000)
    await collectGarbage(locationIn(store), await newContext(), options)
    expect(await idsIn(store)).toEqual([await currentId(store)])
  })

  /** Somebody begins to use a generation, and is still about to. */
  function begin(store: ObjectStore, id: GenerationId) {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const { promise: begun, resolve: begins } = Promise.withResolvers<void>()
    const claimed = withClaim(locationIn(store), id, 'for a test', {}, async () => {
      begins()
      await ended
    }).finally(begins)
    return {
      begun,
      end() {
        end()
        return claimed
      },
    }
  }

  async function withTwo() {
    const { store, pass } = storeAt()
    for (const name of ['a', 'b']) {
      await publish(store, name)
      pass(600)
    }
    const [first] = await idsIn(store)
    if (first === undefined) throw new Error('nothing was published')
    pass(4_000)
    return { store, pass, first }
  }

  it('leaves a generation that somebody began to use after the plan was made, whoever else began and gave up', async () => {
    const { store, first } = await withTwo()
    const at = locationIn(store)
    const plan = planCleanUp(await readForCleanUp(at, {}, options))
    expect(plan.delete).toContainEqual(expect.objectContaining({ kind: 'generation', name: first }))
    const [one, other] = [begin(store, first), begin(store, first)]
    await Promise.all([one.begun, other.begun])
    await other.end()
    await carryOut(at, plan, {})
    expect(await one.end()).toMatchObject({ kind: 'used' })
    expect((await readGeneration(store, first)).packages.size).toBe(1)
  })

  it('leaves a generation that is being used, however short the retention, and what names it by then', async () => {
    const { store, pass, first } = await withTwo()
    const one = begin(store, first)
    await one.begun
    pass(60)
    await collectGarbage(locationIn(store), {}, { retentionMs: 0 })
    expect((await readGeneration(store, first)).packages.size).toBe(1)
    await one.end()
    const plan = planCleanUp(await readForCleanUp(locationIn(store), {}, { retentionMs: 0 }))
    await takeSnapshot(locationIn(store), 'may', first, await newContext())
    await carryOut(locationIn(store), plan, {})
    expect((await readGeneration(store, first)).packages.size).toBe(1)
  })

  it('lets nobody begin to use one that is going, also beside another clean-up that is not', async () => {
    const { store, pass, first } = await withTwo()
    const at = locationIn(store)
    const plan = planCleanUp(await readForCleanUp(at, {}, options))
    const outcomes: unknown[] = []
    const slow = intercept(store, {
      async delete(key, ...rest) {
        if (outcomes.length === 0) {
          outcomes.push('asked')
          // It knows of no claim, as if it had planned before.
          await carryOut(at, { ...plan, delete: plan.delete.map((one) => ({ ...one, marks: [] })) }, {})
          outcomes.push((await withClaim(at, first, 'for a test', {}, async () => {})).kind)
        }
        return store.delete(key, ...rest)
      },
    })
    await collectGarbage(locationIn(slow), {}, options)
    expect(outcomes.at(-1)).not.toBe('used')
    expect(await idsIn(store)).toEqual([await currentId(store)])
    pass(10)
  })

  it('that was killed is believed for an hour, and then no more', async () => {
    const { store, pass, first } = await withTwo()
    await store.put(`${root}generations/${first}/going-0123456789ab`, Buffer.from(''), { if: 'always' })
    const use = async () => (await withClaim(locationIn(store), first, 'for a test', {}, async () => {})).kind
    expect(await use()).toBe('going')
    pass(3_601)
    expect(await use()).toBe('used')
  })

  it('gives who was sent to the pinned one the retention, also where a publish comes between resume and it', async () => {
    const { store, pass, first } = await withTwo()
    const context = await newContext({ generations })
    await pinGeneration(locationIn(store), first, context)
    pass(1_000_000)
    let resumed = false
    const racing = intercept(store, {
      async put(key, ...rest) {
        const outcome = await store.put(key, ...rest)
        // The publisher saw it pinned, and looks at it again after its swap.
        if (key === repomd && !resumed) {
          resumed = true
          await resumeMirrorlist(locationIn(store), context)
        }
        return outcome
      },
    })
    await publish(racing, 'c')
    await collectGarbage(locationIn(store), {}, options)
    expect(await named(store)).toBe(await currentId(store))
    expect(await idsIn(store)).toContain(first)
  })

  it('that was cut off at any call is finished by the next', async () => {
    for (let diesAfter = 0; ; diesAfter += 1) {
      const { store, pass } = storeAt()
      for (const name of ['a', 'b']) {
        await publish(store, name)
        pass(10_000)
      }
      let calls = 0
      const dying = intercept(store, {
        async delete(key, ...rest) {
          calls += 1
          if (calls > diesAfter) throw new StoreError('UNAVAILABLE', 'killed', { store: 'memory' })
          return store.delete(key, ...rest)
        },
      })
      const end = await collectGarbage(locationIn(dying), {}, options).then(
        () => 'done',
        () => 'killed',
      )
      await collectGarbage(locationIn(store), {}, options)
      const whole = (await listGenerationDirectories(locationIn(store), {})).filter(({ isWhole }) => isWhole)
      const what = `killed after ${diesAfter} deletions`
      expect(
        whole.map(({ id }) => id),
        what,
      ).toEqual([await currentId(store)])
      // What the dead one left to be seen by others is believed for a while.
      pass(3_601)
      await collectGarbage(locationIn(store), {}, options)
      expect(await idsIn(store), what).toEqual([await currentId(store)])
      if (end === 'done') break
    }
  })
})

it.each([
  ['https://packages.example.com/{path}/', true, undefined],
  ['https://packages.example.com/el9/x86_64', false, undefined],
  ['https://packages.example.com/el9/x86_64', true, /may be several/],
  ['packages.example.com', false, /expected the URL/],
  ['https://packages.example.com/{repo}/', false, /expected the URL/],
  ['https://packages.example.com/?a=b', false, /expected the URL/],
])('tells whether %s can be meant, where there are several repositories: %s', (url, several, expected) => {
  const wrong = wrongGenerationsUrl(url, several)
  if (expected === undefined) expect(wrong).toBeUndefined()
  else expect(wrong).toMatch(expected)
})

it.each([
  ['https://packages.example.com/{path}/', 'el9/x86_64/', 'https://packages.example.com/el9/x86_64/'],
  ['https://packages.example.com/{path}', 'a b/', 'https://packages.example.com/a%20b/'],
  ['https://packages.example.com/{path}/', '', 'https://packages.example.com/'],
  ['https://packages.example.com/{path}', '', 'https://packages.example.com/'],
  ['https://packages.example.com/{path}/rpm/', '', 'https://packages.example.com/rpm/'],
])('makes of %s, for the root %j, %s', (template, path, url) => {
  expect(generationsUrl(template, parseRepositoryRoot(path))).toBe(url)
})
