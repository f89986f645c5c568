/** Replicas: whole at every moment, through crashes at any write, changes of the source, and other runs beside them. */
import { MemoryStore, type ObjectStore } from '@repokeeper/object-store'
import { describe, expect, it } from 'vitest'
import { orInSoak } from '../../../fixtures/soak.ts'
import type { ReplicaEvent, ReplicaOptions } from '../src/index.ts'
import { beforeWrites } from './before-writes.ts'
import { locationIn, newDirectory, readAll, readFile, readWhole, Source } from './workbench.ts'

const hourMs = 3_600_000

class Killed extends Error {}

describe('a replica', () => {
  it('is the source, byte for byte, and asks for nothing more once it is', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }, { name: 'c', path: 'Packages/c/c++ 1.rpm' }])
    const target = locationIn(new MemoryStore(), 'srv/')
    const events: ReplicaEvent[] = []
    const onEvent = (event: ReplicaEvent): void => void events.push(event)
    const replica = source.replicaIn(target, { scratch: await newDirectory(), onEvent })
    expect(await replica.update()).toMatchObject({ kind: 'whole', fetched: 3, isNew: true, deleted: 0 })
    expect(await readWhole(target)).toEqual(await readWhole(source.location))
    expect(await replica.update()).toEqual({ kind: 'unchanged' })

    // Another process, which knows nothing of this one.
    const again = source.replicaIn(target, { scratch: await newDirectory() })
    expect(await again.update()).toMatchObject({ kind: 'whole', fetched: 0, isNew: false })

    events.length = 0
    await source.change([{ name: 'd' }], ['a-1.0.rpm'])
    expect(await replica.update()).toMatchObject({ fetched: 1, isNew: true, deleted: 0 })
    expect(events.filter(({ kind }) => kind === 'placed')).toHaveLength(4) // d and three documents
    expect(await readWhole(target)).toEqual(await readWhole(source.location))
    expect(await readFile(target, 'a-1.0.rpm')).toBeDefined()
  })

  it('is whole after a crash at any write, and becomes the source with the next run', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }, { name: 'gone' }])
    let writes = 0
    for (let crashAt = 0, finished = false; !finished; crashAt += 1) {
      const store = new MemoryStore()
      const target = locationIn(store)
      const scratch = await newDirectory()
      await source.replicaIn(target, { scratch }).update()
      const old = await readWhole(target)
      const upstream = new Source(await copyOf(source.location.store))
      await upstream.change([{ name: 'c' }, { name: 'd' }], ['gone-1.0.rpm'])

      writes = 0
      const dying = beforeWrites(store, async () => {
        expect(await readWhole(target)).toBeDefined()
        if (writes === crashAt) throw new Killed()
        writes += 1
      })
      const options = { scratch, concurrency: 1, retentionMs: 0 }
      const run = upstream.replicaIn(locationIn(dying), options).update()
      finished = await run.then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof Killed)) throw error
          return false
        },
      )
      const left = await readWhole(target)
      expect([old, await readWhole(upstream.location)]).toContainEqual(left)
      await upstream.replicaIn(target, options).update()
      expect(await readAll(target)).toEqual(await readWhole(upstream.location))
    }
    // The record, two packages, three documents, repomd.xml, the record, and what went: a package, three documents; the record.
    expect(writes).toBe(13)
  })

  it('does not believe a file that a run had put in place of another when it died', async () => {
    const source = new Source()
    await source.change([{ name: 'a', path: 'a.rpm', summary: 'first' }])
    const store = new MemoryStore()
    const target = locationIn(store)
    const scratch = await newDirectory()
    await source.replicaIn(target, { scratch }).update()
    const first = await readAll(target)
    const older = new Source(await copyOf(source.location.store))
    await source.change([{ name: 'a', path: 'a.rpm', summary: 'other' }])
    const dying = beforeWrites(store, (key) => {
      if (key.startsWith('repodata/') && !key.startsWith('repodata/replica')) throw new Killed()
    })
    await expect(source.replicaIn(locationIn(dying), { scratch }).update()).rejects.toThrow(Killed)
    expect(await readAll(target)).not.toEqual(first)

    // The source is what it was: metadata and sizes here are as it says, the package is not.
    await older.replicaIn(target, { scratch }).update()
    expect(await readAll(target)).toEqual(first)
  })

  it('keeps what is no longer named for the retention, and what was never its business for good', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }])
    const store = new MemoryStore()
    const target = locationIn(store)
    let now = Date.now()
    const time = { now: () => now, random: () => 0.5, sleep: () => new Promise(setImmediate) }
    const replica = source.replicaIn(target, { scratch: await newDirectory(), retentionMs: hourMs, time })
    await replica.update()
    const others = ['index.html', 'site/a.html', 'snapshots/one/repodata/repomd.xml', 'snapshots/one/a-1.0.rpm']
    for (const path of others) await store.put(path, Buffer.from(path), { if: 'always' })
    await source.change([], ['a-1.0.rpm'])
    await replica.update()
    now += hourMs - 1
    expect(await replica.update()).toEqual({ kind: 'unchanged' })
    expect(await readFile(target, 'a-1.0.rpm')).toBeDefined()
    now += 1
    expect(await replica.update()).toEqual({ kind: 'unchanged' })
    expect(await readFile(target, 'a-1.0.rpm')).toBeUndefined()
    const all = await readAll(target)
    expect(all.size).toBe(others.length + 1 + 3 + 1)
    for (const path of others) expect(all.has(path)).toBe(true)
  })

  it('takes back into its care what is named again', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }])
    const target = locationIn(new MemoryStore())
    let now = Date.now()
    const time = { now: () => now, random: () => 0.5, sleep: () => new Promise(setImmediate) }
    const replica = source.replicaIn(target, { scratch: await newDirectory(), retentionMs: hourMs, time })
    await replica.update()
    await source.change([], ['a-1.0.rpm'])
    await replica.update()
    await source.change([{ name: 'a' }])
    await replica.update()
    now += 2 * hourMs
    await replica.update()
    expect(await readWhole(target)).toEqual(await readWhole(source.location))
  })

  it('leaves alone what was not pulled from there, unless it is told to take over', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }])
    const other = new Source(new MemoryStore(), 'other/')
    await other.change([{ name: 'mine' }])
    const scratch = await newDirectory()
    const before = await readAll(other.location)
    await expect(source.replicaIn(other.location, { scratch }).update()).rejects.toMatchObject({
      code: 'NOT_A_REPLICA',
      message: expect.stringContaining('it holds packages or metadata, and none of them was pulled'),
    })
    expect(await readAll(other.location)).toEqual(before)

    const target = locationIn(new MemoryStore())
    await source.replicaIn(target, { scratch }).update()
    await expect(other.replicaIn(target, { scratch }).update()).rejects.toThrow(/is a replica of /)
    await other.replicaIn(target, { scratch, takesOver: true, retentionMs: 0 }).update()
    expect([...(await readAll(target)).keys()].filter((path) => path.endsWith('.rpm'))).toEqual(['mine-1.0.rpm'])
  })
})

describe('what a replica has no right to', () => {
  it('deletes nothing that its metadata names, when a source is rolled back after a generation that was refused', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }])
    const old = new Source(await copyOf(source.location.store))
    const target = locationIn(new MemoryStore())
    let now = Date.now()
    const time = { now: () => now, random: () => 0.5, sleep: () => new Promise<void>(setImmediate) }
    const options = { scratch: await newDirectory(), retentionMs: hourMs, time }
    const replica = source.replicaIn(target, options)
    await replica.update()
    const whole = await readAll(target)
    await source.change([{ name: 'c' }], ['a-1.0.rpm'])
    await remove(source, 'c-1.0.rpm')
    await expect(replica.update()).rejects.toMatchObject({ code: 'BAD_SOURCE' })
    now += 2 * hourMs
    const rolledBack = old.replicaIn(target, options)
    await rolledBack.update()
    now += 2 * hourMs
    await rolledBack.update()
    await source
      .replicaIn(target, options)
      .update()
      .catch(() => {})
    expect(await readAll(target)).toEqual(whole)
  })

  it('counts the retention from when its own metadata no longer names a package', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }])
    const target = locationIn(new MemoryStore())
    let now = Date.now()
    const time = { now: () => now, random: () => 0.5, sleep: () => new Promise<void>(setImmediate) }
    const replica = source.replicaIn(target, { scratch: await newDirectory(), retentionMs: hourMs, time })
    await replica.update()
    await source.change([{ name: 'c' }], ['a-1.0.rpm'])
    const bytes = await readFile(source.location, 'c-1.0.rpm')
    await remove(source, 'c-1.0.rpm')
    await expect(replica.update()).rejects.toMatchObject({ code: 'BAD_SOURCE' })
    now += 2 * hourMs
    await source.location.store.put('upstream/el9/c-1.0.rpm', bytes ?? new Uint8Array(), { if: 'always' })
    expect(await replica.update()).toMatchObject({ isNew: true, deleted: 0 })
    expect(await readFile(target, 'a-1.0.rpm')).toBeDefined()
    now += hourMs
    await replica.update()
    expect(await readFile(target, 'a-1.0.rpm')).toBeUndefined()
  })

  it('puts nothing in the place of another file before all of it is there', async () => {
    const source = new Source()
    await source.change([
      { name: 'a', path: 'a.rpm' },
      { name: 'b', path: 'b.rpm' },
    ])
    const target = locationIn(new MemoryStore())
    const options = { scratch: await newDirectory() }
    await source.replicaIn(target, options).update()
    const whole = await readWhole(target)
    await source.change([
      { name: 'a', path: 'a.rpm', summary: 'another' },
      { name: 'b', path: 'b.rpm', summary: 'another' },
    ])
    await remove(source, 'b.rpm')
    await expect(source.replicaIn(target, options).update()).rejects.toThrow(/b\.rpm: it is not there/)
    expect(await readWhole(target)).toEqual(whole)
  })

  it('leaves alone what others put there, and does not write over it', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }])
    const store = new MemoryStore()
    const target = locationIn(store)
    const options = { scratch: await newDirectory(), retentionMs: 0 }
    await source.replicaIn(target, options).update()
    await store.put('mine.rpm', Buffer.from('mine'), { if: 'always' })
    await store.put('b-1.0.rpm', Buffer.from('mine too'), { if: 'always' })
    await source.change([{ name: 'c' }])
    await source.replicaIn(target, options).update()
    await source.change([{ name: 'b' }])
    await expect(source.replicaIn(target, options).update()).rejects.toThrow(/b-1\.0\.rpm: another file stands there/)
    for (const [path, text] of [
      ['mine.rpm', 'mine'],
      ['b-1.0.rpm', 'mine too'],
    ]) {
      expect(Buffer.from((await readFile(target, path ?? '')) ?? []).toString()).toBe(text)
    }
    await source.replicaIn(target, { ...options, takesOver: true }).update()
    expect(await readAll(target)).toEqual(await readWhole(source.location))
  })
})

describe('two runs at one replica', () => {
  it('deletes nothing any more once another run has begun', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }])
    const store = new MemoryStore()
    const target = locationIn(store)
    const options = { scratch: await newDirectory(), retentionMs: 0 }
    await source.replicaIn(target, options).update()
    await source.change([], ['a-1.0.rpm'])
    let published = false
    const watched = beforeWrites(store, async (key) => {
      if (published) expect(await readWhole(target), `before the write of ${key}`).toBeDefined()
    })
    const put: ObjectStore['put'] = async (key, ...rest) => {
      const outcome = await watched.put(key, ...rest)
      if (key !== 'repodata/repomd.xml' || published) return outcome
      published = true
      await source.change([{ name: 'a' }])
      await source.replicaIn(target, { ...options, retentionMs: hourMs }).update()
      return outcome
    }
    const first = new Proxy(watched, { get: (object, name) => (name === 'put' ? put : Reflect.get(object, name)) })
    await source.replicaIn(locationIn(first), options).update()
    expect(await readWhole(target)).toEqual(await readWhole(source.location))
  })
})

describe('a source that is not whole', () => {
  it.each<[string, (source: Source) => Promise<void>, RegExp]>([
    ['lists what is not there', (source) => remove(source, 'b-1.0.rpm'), /b-1\.0\.rpm: it is not there/],
    ['lists something else', (source) => overwrite(source, 'b-1.0.rpm'), /b-1\.0\.rpm: its sha256 is|longer than/],
    [
      'names a document that is not there',
      (source) => remove(source, /other\.xml\.gz$/),
      /other\.xml\.gz is not there/,
    ],
    ['has no metadata', (source) => remove(source, 'repodata/repomd.xml'), /has no repodata\/repomd\.xml/],
  ])('%s: nothing is published, and it says what is wrong', async (_, harm, message) => {
    const source = new Source()
    await source.change([{ name: 'a' }])
    const target = locationIn(new MemoryStore())
    const scratch = await newDirectory()
    await source.replicaIn(target, { scratch }).update()
    const before = await readWhole(target)
    await source.change([{ name: 'b' }])
    await harm(source)
    await expect(source.replicaIn(target, { scratch }).update()).rejects.toMatchObject({
      name: 'TransferError',
      message: expect.stringMatching(message),
    })
    expect(await readWhole(target)).toEqual(before)
  })
})

describe('many replicas of a source that changes', () => {
  it('are whole whenever somebody looks, and end as the source is', async () => {
    const source = new Source()
    await source.change([{ name: 'p', version: '0' }])
    const scratch = await newDirectory()
    const targets = Array.from({ length: 10 }, () => locationIn(new MemoryStore()))
    // Two runs at one target now and then: somebody's cron job beside the service.
    const replicas = [...targets, ...targets.slice(0, 3)].map((target, number) =>
      source.replicaIn(target, { scratch, retentionMs: number % 2 === 0 ? 0 : hourMs } satisfies ReplicaOf),
    )
    let isOver = false
    const pulling = replicas.map(async (replica) => {
      while (!isOver) {
        await replica.update()
        await new Promise(setImmediate)
      }
    })
    const looking = targets.map(async (target) => {
      let last: string | undefined
      while (!isOver) {
        const whole = await readWholeOrMoved(target)
        last = whole?.get('repodata/repomd.xml') ?? last
        await new Promise(setImmediate)
      }
      return last
    })
    for (let version = 1; version <= orInSoak(20, 100); version += 1) {
      const removed = version % 3 === 0 ? [`p-${version - 2}.rpm`] : []
      await source.change([{ name: 'p', version: String(version) }], removed)
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
    }
    isOver = true
    await Promise.all([...pulling, ...looking])
    const expected = await readWhole(source.location)
    for (const [number, target] of targets.entries()) {
      await source.replicaIn(target, { scratch, retentionMs: 0 }).update()
      expect(await readAll(target), `replica ${number}`).toEqual(expected)
    }
  })
})

type ReplicaOf = Partial<ReplicaOptions> & Pick<ReplicaOptions, 'scratch'>

/** With a retention of nothing a client that is slower than a publish may find less than it was told, and begins anew. */
async function readWholeOrMoved(target: ReturnType<typeof locationIn>) {
  const before = await readFile(target, 'repodata/repomd.xml')
  try {
    return await readWhole(target)
  } catch (error) {
    const after = await readFile(target, 'repodata/repomd.xml')
    if (before !== undefined && after !== undefined && Buffer.from(before).equals(after)) throw error
    return undefined
  }
}

async function copyOf(store: ObjectStore): Promise<MemoryStore> {
  const copy = new MemoryStore()
  for await (const { key } of store.list('')) {
    const bytes = await readFile(locationIn(store), key)
    if (bytes !== undefined) await copy.put(key, bytes, { if: 'always' })
  }
  return copy
}

async function remove({ location: { store, root } }: Source, path: string | RegExp): Promise<void> {
  if (typeof path === 'string') return void (await store.delete(`${root}${path}`))
  for await (const { key } of store.list(root)) if (path.test(key)) await store.delete(key)
}

async function overwrite({ location: { store, root } }: Source, path: string): Promise<void> {
  await store.put(`${root}${path}`, Buffer.from('something else'), { if: 'always' })
}
