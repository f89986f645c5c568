import { MemoryStore, type ObjectStore, StoreError } from '@repokeeper/object-store'
import { describe, expect, it } from 'vitest'
import {
  auditRepository,
  collectGarbage,
  leaseName,
  type RepositoryContext,
  rebuildRepository,
  withLease,
} from '../src/index.ts'
import { intercept, locationIn, newContext, putPackage, read } from './workbench.ts'

const root = 'el9/x86_64/'
const key = `${root}repodata/${leaseName}`
const out = new StoreError('UNAVAILABLE', 'the store is out', { store: 'memory' })

/** A store and its clock, which also wakes who sleeps. */
function newPlace() {
  let seconds = 1_700_000_000
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  const store = new MemoryStore({ clock: () => new Date(1000 * seconds) })
  const sleep: RepositoryContext['sleep'] = (ms, signal) =>
    new Promise((resolve, reject) => {
      const sleeper = { at: seconds + ms / 1000, wake: resolve }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', () => {
        sleepers.delete(sleeper)
        reject(signal.reason)
      })
    })
  const pass = async (more: number): Promise<void> => {
    for (let left = more; left > 0; left -= 1) {
      seconds += 1
      for (const sleeper of [...sleepers]) {
        if (sleeper.at > seconds || !sleepers.delete(sleeper)) continue
        sleeper.wake()
        await settle()
      }
    }
  }
  let chance = 0
  const contextWith = async (parts: Partial<RepositoryContext> = {}) =>
    await newContext({
      now: () => new Date(1000 * seconds),
      sleep,
      random: () => {
        chance += 0.001
        return chance
      },
      ...parts,
    })
  return { store, pass, contextWith }
}

/** Everything that waits for nothing but promises has run. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
}

function latch() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: () => resolve() }
}

async function holder(store: ObjectStore): Promise<unknown> {
  return JSON.parse((await read(store, key)).toString()).holder
}

describe('a lease', () => {
  it('lets one work at a time, whoever comes, and is gone when all are done', async () => {
    const { store, contextWith } = newPlace()
    let working = 0
    let atOnce = 0
    const done: number[] = []
    const workers = Array.from({ length: 8 }, async (_, number) => {
      const context = await contextWith()
      for (let round = 0; round < 10; round += 1) {
        const outcome = await withLease(locationIn(store), 'audit', context, async () => {
          working += 1
          atOnce = Math.max(atOnce, working)
          await settle()
          working -= 1
          return number
        })
        if (outcome.kind === 'done') done.push(outcome.value)
        await settle()
      }
    })
    await Promise.all(workers)
    expect(atOnce).toBe(1)
    expect(done.length).toBeGreaterThan(1)
    expect(await store.head(key)).toBeUndefined()
  })

  it('is told of by what is done under it, and one repository does not hold up another', async () => {
    const { store, contextWith } = newPlace()
    const context = await contextWith()
    await withLease(locationIn(store), 'clean-up', context, async () => {
      const same = await withLease(locationIn(store), 'audit', context, async () => 'never')
      const other = await withLease(locationIn(store, 'el8/'), 'audit', context, async () => 'done')
      expect([same, other]).toEqual([
        { kind: 'elsewhere', job: 'clean-up' },
        { kind: 'done', value: 'done' },
      ])
    })
  })

  it('is given back where the work fails', async () => {
    const { store, contextWith } = newPlace()
    const failing = withLease(locationIn(store), 'audit', await contextWith(), async () => Promise.reject(out))
    await expect(failing).rejects.toBe(out)
    expect(await store.head(key)).toBeUndefined()
  })

  it('that a killed worker left delays others, by the clock of the store, and then blocks nobody', async () => {
    const { store, pass, contextWith } = newPlace()
    const dead = intercept(store, { delete: async () => Promise.reject(out) })
    await withLease(locationIn(dead), 'audit', await contextWith(), async () => {})
    // The clock here says something else altogether.
    const context = await contextWith({ now: () => new Date(0) })
    const tryIt = () => withLease(locationIn(store), 'audit', context, async () => 'mine')
    await pass(180)
    expect(await tryIt()).toMatchObject({ kind: 'elsewhere' })
    await pass(1)
    expect(await tryIt()).toEqual({ kind: 'done', value: 'mine' })
  })

  it('says where it cannot be given back that others wait for it', async () => {
    const { store, contextWith } = newPlace()
    const context = await contextWith()
    const denied = intercept(store, { delete: async () => Promise.reject(out) })
    expect(await withLease(locationIn(denied), 'audit', context, async () => 1)).toEqual({ kind: 'done', value: 1 })
    expect(context.events).toMatchObject([{ kind: 'warning', subject: 'lease', message: expect.stringContaining(key) }])
  })

  it('is kept for as long as the work takes', async () => {
    const { store, pass, contextWith } = newPlace()
    const work = latch()
    const long = withLease(locationIn(store), 'audit', await contextWith(), () => work.opened)
    await settle()
    const first = await holder(store)
    await pass(3_600)
    const context = await contextWith()
    expect(await withLease(locationIn(store), 'audit', context, async () => {})).toMatchObject({ kind: 'elsewhere' })
    expect(await holder(store)).not.toEqual(first)
    work.open()
    expect(await long).toMatchObject({ kind: 'done' })
    expect(await store.head(key)).toBeUndefined()
  })

  it('is not taken from one who renewed it in the moment when it was found expired', async () => {
    const { store, pass, contextWith } = newPlace()
    const work = latch()
    let frozen = true
    const thaw = latch()
    // The renewals of the first hang, until another is about to take its place.
    const slow = intercept(store, {
      put: async (...args) => {
        if (args[2].if === 'unchanged' && frozen) await thaw.opened
        return await store.put(...args)
      },
    })
    const first = withLease(locationIn(slow), 'audit', await contextWith(), () => work.opened)
    await settle()
    await pass(300)
    const late = intercept(store, {
      put: async (...args) => {
        frozen = false
        thaw.open()
        await settle()
        return await store.put(...args)
      },
    })
    expect(await withLease(locationIn(late), 'audit', await contextWith(), async () => {})).toMatchObject({
      kind: 'elsewhere',
    })
    work.open()
    expect(await first).toMatchObject({ kind: 'done' })
  })

  it('that another has taken ends the work, and stays the other’s', async () => {
    const { store, pass, contextWith } = newPlace()
    const lost = withLease(locationIn(store), 'audit', await contextWith(), async (signal) => {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const said = expect(lost).rejects.toMatchObject({ code: 'CONTENTION', message: expect.stringContaining('audit') })
    await settle()
    await store.put(key, Buffer.from('{"holder":"another","job":"clean-up"}'), { if: 'always' })
    await pass(41)
    await said
    expect(await holder(store)).toBe('another')
  })

  it('that cannot be renewed ends the work before others may begin theirs', async () => {
    const { store, pass, contextWith } = newPlace()
    let isOut = false
    const failing = intercept(store, {
      put: async (...args) => (isOut ? Promise.reject(out) : store.put(...args)),
    })
    let endedAfter: number | undefined
    let passed = 0
    const lost = withLease(locationIn(failing), 'audit', await contextWith(), async (signal) => {
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          endedAfter = passed
          reject(signal.reason)
        }),
      )
    })
    const said = expect(lost).rejects.toMatchObject({ code: 'CONTENTION' })
    await settle()
    isOut = true
    for (; passed < 300 && endedAfter === undefined; passed += 1) await pass(1)
    await said
    expect(endedAfter).toBeLessThan(180)
  })

  it('is ours where the answer to our write was lost, and it met itself', async () => {
    const { store, contextWith } = newPlace()
    const twice = intercept(store, {
      put: async (...args) => {
        await store.put(...args)
        return await store.put(...args)
      },
    })
    expect(await withLease(locationIn(twice), 'audit', await contextWith(), async () => 'mine')).toEqual({
      kind: 'done',
      value: 'mine',
    })
  })

  it.each(['', '[]', '{"holder":7}', 'x'.repeat(10_000)])('whose object says %j is one all the same', async (text) => {
    const { store, pass, contextWith } = newPlace()
    await store.put(key, Buffer.from(text), { if: 'always' })
    const context = await contextWith()
    const tryIt = () => withLease(locationIn(store), 'audit', context, async () => {})
    expect(await tryIt()).toEqual({ kind: 'elsewhere', job: 'work' })
    await pass(181)
    expect(await tryIt()).toMatchObject({ kind: 'done' })
  })

  it('is not needed where nobody else works', async () => {
    const { store, contextWith } = newPlace()
    const context = await contextWith({ singleWriter: true })
    await withLease(locationIn(store), 'audit', context, async () => {
      expect(await store.head(key)).toBeUndefined()
    })
  })

  it('is neither drift to an audit nor rubbish to a clean-up, until it is a day old', async () => {
    const { store, pass, contextWith } = newPlace()
    await putPackage(store, `${root}a.rpm`, { name: 'a' })
    const [location, context] = [locationIn(store), await contextWith()]
    await rebuildRepository(location, context)
    await withLease(location, 'audit', context, async () => {
      expect((await auditRepository(location, context, { settleMs: 0 })).findings).toEqual([])
      const plan = await collectGarbage(location, context, { retentionMs: 0 })
      expect(plan.keep).toContainEqual(expect.objectContaining({ name: leaseName }))
      expect(await store.head(key)).toBeDefined()
    })
    await store.put(key, Buffer.from('left'), { if: 'always' })
    await pass(24 * 3600 + 1)
    expect((await collectGarbage(location, context, { retentionMs: 0 })).delete).toMatchObject([{ name: leaseName }])
  })
})
