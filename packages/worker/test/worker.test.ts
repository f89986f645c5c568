import { MemoryStore, StoreError } from '@repokeeper/object-store'
import { parseRootPattern, RepositoryError } from '@repokeeper/repository'
import { SigningError } from '@repokeeper/signing'
import { describe, expect, it } from 'vitest'
import type { Reconcile } from '../src/reconcile.ts'
import { createWorker } from '../src/worker.ts'
import { bench, coverAll, covered, latch, notification, notificationOf, settings } from './bench.ts'

const testEvent = JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'packages' })
const storeOut = () => new StoreError('UNAVAILABLE', 'the store is out', { store: 's3://packages' })

describe('a message', () => {
  it('is deleted after the publish that covers it, and not before', async () => {
    const publish = latch()
    const { worker, queue, clock, calls } = bench({
      reconcile: async (...args) => {
        await publish.opened
        return await coverAll(...args)
      },
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    queue.send('m2', notification('el9/b.rpm'))
    await clock.pass(1_999)
    expect(calls).toEqual([])
    await clock.pass(1)
    expect(calls).toEqual([{ place: 'packages/el9/', keys: ['el9/a.rpm', 'el9/b.rpm'] }])
    await clock.pass(30_000)
    expect(queue.deleted).toEqual([])
    publish.open()
    await clock.pass(0)
    expect(queue.deleted).toEqual(['m1', 'm2'])
    await worker.stop()
  })

  it('that names keys of several repositories waits for all of them', async () => {
    const el8 = latch()
    const { worker, queue, clock, calls } = bench({
      reconcile: async (location, ...rest) => {
        if (location.root === 'el8/') await el8.opened
        return await coverAll(location, ...rest)
      },
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm', 'el8/a.rpm'))
    queue.send('m2', notification('el9/b.rpm'))
    await clock.pass(3_000)
    expect(calls.map(({ place }) => place).toSorted()).toEqual(['packages/el8/', 'packages/el9/'])
    expect(queue.deleted).toEqual(['m2'])
    el8.open()
    await clock.pass(0)
    expect(queue.deleted).toEqual(['m2', 'm1'])
    await worker.stop()
  })

  it.each([
    ['the test event of S3', testEvent],
    ['a record that is no package', notification('el9/repodata/repomd.xml', 'el9/readme.txt')],
    ['a key that could leave the repository', notification('el9/../../a.rpm')],
    ['an event that changes no content', notification('el9/a.rpm').replace('ObjectCreated:Put', 'ObjectTagging:Put')],
  ])('with %s is deleted without a publish', async (_what, body) => {
    const { worker, queue, clock, calls } = bench()
    worker.start()
    queue.send('m1', body)
    await clock.pass(0)
    expect(queue.deleted).toEqual(['m1'])
    expect(calls).toEqual([])
    await worker.stop()
  })

  it('that nobody can read is told with its id and goes to the dead-letter queue', async () => {
    const { worker, queue, clock, eventsNamed } = bench({ maxReceiveCount: 3 })
    worker.start()
    queue.send('m1', 'hello')
    queue.send('m2', notification('el9/a.rpm'))
    await clock.pass(30_000)
    expect(queue.deadLetters).toEqual(['m1'])
    expect(queue.deleted).toEqual(['m2'])
    expect(eventsNamed('unreadable')).toMatchObject(
      [1, 2, 3].map((receiveCount) => ({ messageId: 'm1', receiveCount, reason: /not JSON/ })),
    )
    await worker.stop()
  })

  it('with one record that nobody can read has the others published and is not deleted', async () => {
    const body = JSON.stringify({ Records: [...JSON.parse(notification('el9/a.rpm')).Records, { eventName: 'x' }] })
    const { worker, queue, clock, calls } = bench({ maxReceiveCount: 2 })
    worker.start()
    queue.send('m1', body)
    await clock.pass(30_000)
    expect(calls[0]?.keys).toEqual(['el9/a.rpm'])
    expect(queue.deleted).toEqual([])
    expect(queue.deadLetters).toEqual(['m1'])
    await worker.stop()
  })

  it('that is delivered again while it is held is processed once and deleted by its newest receipt handle', async () => {
    const { worker, queue, clock, calls, eventsNamed } = bench()
    let duplicates = 1
    queue.duplicate = () => duplicates-- > 0
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(5_000)
    expect(eventsNamed('received-again').length).toBe(1)
    expect(calls.length).toBe(1)
    expect(queue.deleted).toEqual(['m1'])
    await worker.stop()
  })

  it('without a delivery count is backed off by our own', async () => {
    const { worker, queue, clock, eventsNamed, parts } = bench({ reconcile: () => Promise.reject(new Error('broken')) })
    const subscribe = queue.subscribe.bind(queue)
    parts.queue.subscribe = (subscriber) =>
      subscribe({
        ...subscriber,
        deliver: (deliveries) =>
          subscriber.deliver(deliveries.map(({ receiveCount: _unsaid, ...delivery }) => delivery)),
      })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(200_000)
    expect(eventsNamed('released').slice(0, 3)).toMatchObject([
      { afterSeconds: 20 },
      { afterSeconds: 40 },
      { afterSeconds: 80 },
    ])
    await worker.stop()
  })
})

describe('a refused package', () => {
  it('is told with its message, goes to the dead-letter queue, and harms nobody else', async () => {
    const { worker, queue, clock, eventsNamed } = bench({
      maxReceiveCount: 3,
      reconcile: async (_location, keys) => ({
        verdicts: new Map(
          [...keys].map((key) => [
            key,
            key.includes('bad') ? { kind: 'refused', code: 'NOT_AN_RPM', reason: 'the lead is "hell"' } : covered,
          ]),
        ),
      }),
    })
    worker.start()
    queue.send('good', notification('el9/good.rpm'))
    queue.send('bad', notification('el9/bad.rpm'))
    queue.send('both', notification('el9/good.rpm', 'el9/bad.rpm'))
    await clock.pass(60_000)
    expect(queue.deleted).toEqual(['good'])
    expect(queue.deadLetters.toSorted()).toEqual(['bad', 'both'])
    expect(eventsNamed('refused')).toContainEqual({
      messageId: 'bad',
      receiveCount: 1,
      batch: expect.any(String),
      bucket: 'packages',
      root: 'el9/',
      key: 'el9/bad.rpm',
      code: 'NOT_AN_RPM',
      reason: 'the lead is "hell"',
    })
    await worker.stop()
  })
})

describe('a fault', () => {
  it('gives the messages of its repository back with a growing delay and leaves the others alone', async () => {
    const { worker, queue, clock, eventsNamed } = bench({
      reconcile: async (location, ...rest) => {
        if (location.root === 'el8/') throw new Error('broken metadata')
        return await coverAll(location, ...rest)
      },
    })
    worker.start()
    queue.send('m8', notification('el8/a.rpm'))
    queue.send('m9', notification('el9/a.rpm'))
    await clock.pass(140_000)
    expect(queue.deleted).toEqual(['m9'])
    expect(eventsNamed('released')).toMatchObject(
      [20, 40, 80].map((afterSeconds) => ({ messageId: 'm8', afterSeconds })),
    )
    await worker.stop()
  })

  it('of a key that the report leaves out counts as undecided', async () => {
    const { worker, queue, clock, eventsNamed } = bench({ reconcile: async () => ({ verdicts: new Map() }) })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(3_000)
    expect(queue.deleted).toEqual([])
    expect(eventsNamed('released')).toMatchObject([{ messageId: 'm1', afterSeconds: 20 }])
    await worker.stop()
  })

  it('of a store that is out holds receiving back, so that no message is spent on it', async () => {
    const { worker, queue, clock, eventsNamed } = bench({ reconcile: () => Promise.reject(storeOut()) })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(2_000)
    expect(eventsNamed('receive-paused')).toMatchObject([{ seconds: 5, outage: 'store' }])
    queue.send('m2', notification('el9/b.rpm'))
    await clock.pass(3_000)
    expect(queue.messages.get('m2')?.receiveCount).toBeLessThanOrEqual(1)
    const spent = queue.messages.get('m1')?.receiveCount ?? 0
    await clock.pass(3_600_000)
    // An hour without a store: a maxReceiveCount of ten is not used up.
    expect((queue.messages.get('m1')?.receiveCount ?? 0) - spent).toBeLessThanOrEqual(8)
    await worker.stop()
  })

  it('while the repository of a key is looked for gives the message back, and nothing of it is published', async () => {
    const { queue, clock, calls, parts, eventsNamed } = bench()
    parts.openBucket = () => {
      throw storeOut()
    }
    const worker = createWorker(parts, settings)
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(5_000)
    expect(calls).toEqual([])
    expect(eventsNamed('locate-failed')).toMatchObject([{ messageId: 'm1', key: 'el9/a.rpm' }])
    expect(eventsNamed('released')).toMatchObject([{ messageId: 'm1', afterSeconds: 20 }])
    await worker.stop()
  })
})

describe('the repositories of a worker', () => {
  it('do not hold the packages of a repository that lies inside one of them', async () => {
    const { queue, clock, calls, parts, eventsNamed } = bench()
    const store = new MemoryStore()
    await store.put('el9/inner/repodata/repomd.xml', Buffer.from('<repomd/>'), { if: 'always' })
    parts.openBucket = () => store
    const roots = new Map([['packages', [parseRootPattern('el9')]]])
    const worker = createWorker(parts, { ...settings, roots })
    worker.start()
    queue.send('m1', notification('el9/Packages/a.rpm', 'el9/inner/b.rpm'))
    await clock.pass(3_000)
    expect(calls.map(({ keys }) => keys)).toEqual([['el9/Packages/a.rpm']])
    expect(eventsNamed('passed-over')).toMatchObject([{ key: 'el9/inner/b.rpm', why: 'outside the configured roots' }])
    await worker.stop()
  })

  it('are published at the same time, each one batch after the other', async () => {
    let running = 0
    const most = { all: 0, el9: 0 }
    const runningOf = new Map<string, number>()
    const { worker, queue, clock, parts, calls } = bench({
      windows: { quietMs: 100, longestWaitMs: 100, keysMax: 1 },
      reconcile: async (location, ...rest) => {
        running += 1
        runningOf.set(location.root, (runningOf.get(location.root) ?? 0) + 1)
        most.all = Math.max(most.all, running)
        most.el9 = Math.max(most.el9, runningOf.get('el9/') ?? 0)
        await new Promise<void>((resolve) => parts.clock.after(1_000, resolve))
        running -= 1
        runningOf.set(location.root, (runningOf.get(location.root) ?? 0) - 1)
        return await coverAll(location, ...rest)
      },
    })
    worker.start()
    for (const root of ['el7', 'el8', 'el9'])
      for (const name of ['a', 'b', 'c']) queue.send(`${root}${name}`, notification(`${root}/${name}.rpm`))
    await clock.pass(10_000)
    expect(calls.length).toBe(9)
    expect(most).toEqual({ all: 3, el9: 1 })
    expect(queue.deleted.length).toBe(9)
    await worker.stop()
  })

  it('take along what was gathered meanwhile where they lost a race, and publish it once', async () => {
    const [first, lost] = [latch(), latch()]
    const rounds: string[][] = []
    const { worker, queue, clock, calls } = bench({
      reconcile: async (_location, keys, { joining }) => {
        rounds.push([...keys])
        first.open()
        await lost.opened
        const all = [...keys, ...joining()]
        rounds.push(all)
        return { verdicts: new Map(all.map((key) => [key, covered])) }
      },
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(3_000)
    await first.opened
    queue.send('m2', notification('el9/a.rpm', 'el9/b.rpm'))
    queue.send('m3', notification('el8/c.rpm'))
    await clock.pass(0)
    lost.open()
    await clock.pass(10_000)
    const ofFirst = rounds.filter((keys) => keys.includes('el9/a.rpm'))
    expect(ofFirst.map((keys) => [...new Set(keys)])).toEqual([['el9/a.rpm'], ['el9/a.rpm', 'el9/b.rpm']])
    expect(calls.map(({ place }) => place)).toEqual(['packages/el9/', 'packages/el8/'])
    expect(queue.deleted.toSorted()).toEqual(['m1', 'm2', 'm3'])
    await worker.stop()
  })

  it('of several buckets in one queue are kept apart', async () => {
    const { worker, queue, clock, calls } = bench()
    worker.start()
    queue.send('m1', notificationOf('one', 'el9/a.rpm'))
    queue.send('m2', notificationOf('two', 'el9/a.rpm'))
    await clock.pass(3_000)
    expect(calls.map(({ place }) => place).toSorted()).toEqual(['one/el9/', 'two/el9/'])
    await worker.stop()
  })

  it('are the configured ones alone where some are', async () => {
    const roots = new Map([['packages', [{ segments: ['el9', '*'] }]]])
    const { worker, queue, clock, calls, eventsNamed } = bench({ roots })
    worker.start()
    queue.send('m1', notification('el9/x86_64/Packages/a.rpm', 'el8/a.rpm'))
    queue.send('m2', notificationOf('others', 'el9/x86_64/a.rpm'))
    await clock.pass(3_000)
    expect(calls).toEqual([{ place: 'packages/el9/x86_64/', keys: ['el9/x86_64/Packages/a.rpm'] }])
    expect(eventsNamed('passed-over').map((event) => 'why' in event && event.why)).toEqual(
      Array(2).fill('outside the configured roots'),
    )
    expect(queue.deleted.toSorted()).toEqual(['m1', 'm2'])
    await worker.stop()
  })
})

describe('an outage', () => {
  const diskFull = () =>
    Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })

  it.each([
    ['the store is out', storeOut],
    ['the disk of this machine is full', diskFull],
    ['what signs does not', () => new SigningError('SIGNING_FAILED', 'the card was pulled out')],
    ['the repository is signed, and there is no key', () => new RepositoryError('SIGNED', 'it is signed', 's3://b/')],
  ])('spends no delivery: the messages are held and published when it is over (%s)', async (_, fault) => {
    let out = true
    const { worker, queue, clock, eventsNamed } = bench({
      reconcile: async (...args) => {
        if (out) throw fault()
        return coverAll(...args)
      },
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    for (let minute = 0; minute < 20; minute += 1) await clock.pass(60_000)
    expect(queue.messages.get('m1')?.receiveCount).toBe(1)
    expect(queue.isVisible('m1')).toBe(false)
    expect(eventsNamed('batch-held').length).toBeGreaterThan(5)
    out = false
    await clock.pass(120_000)
    expect(queue.deleted).toEqual(['m1'])
    await worker.stop()
  })

  it('of one repository does not fill the place of the others', async () => {
    const { worker, queue, clock } = bench({
      messagesMax: 20,
      reconcile: async (location, ...rest) => {
        if (location.root === 'el9/') throw storeOut()
        return coverAll(location, ...rest)
      },
    })
    worker.start()
    queue.send('first', notification('el8/first.rpm'))
    await clock.pass(5_000)
    for (let at = 0; at < 20; at += 1) queue.send(`m${at}`, notification(`el9/${at}.rpm`))
    await clock.pass(30_000)
    queue.send('good', notification('el8/good.rpm'))
    await clock.pass(60_000)
    expect(queue.deleted).toEqual(['first', 'good'])
    await worker.stop()
  })

  it('that does not end gives the messages back, so that others may have them', async () => {
    const { worker, queue, clock, eventsNamed } = bench({ reconcile: () => Promise.reject(storeOut()) })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    for (let minute = 0; minute < 40; minute += 1) await clock.pass(60_000)
    expect(eventsNamed('released')).toMatchObject([{ messageId: 'm1', afterSeconds: expect.any(Number) }])
    await worker.stop()
  })

  it('does not keep a worker that is told to stop: what it holds is given back at once', async () => {
    const { worker, queue, clock } = bench({ reconcile: () => Promise.reject(storeOut()) })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(30_000)
    await worker.stop()
    expect(queue.isVisible('m1')).toBe(true)
  })
})

describe('a store that ignores conditions', () => {
  it.each(['ignored', 'unsupported'] as const)('(%s) ends the worker, which gives its messages back', async (kind) => {
    const { worker, queue, clock, calls } = bench({ probeConditions: async () => ({ kind }) })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(3_000)
    const end = await worker.finished
    expect(end).toMatchObject({
      kind: 'failed',
      error: { code: 'CONDITIONS_IGNORED', message: expect.stringContaining('--single-writer') },
    })
    expect(calls).toEqual([])
    expect(queue.isVisible('m1')).toBe(true)
  })

  it('ends the worker before it receives anything, where its buckets are configured', async () => {
    const prefixes: string[] = []
    const { worker, queue, clock, eventsNamed } = bench({
      roots: new Map([['packages', [parseRootPattern('el9/*')]]]),
      probeConditions: async (store, prefix) => {
        prefixes.push(`${store.name}/${prefix}`)
        return { kind: 'ignored' }
      },
    })
    queue.send('m1', notification('el9/x86_64/a.rpm'))
    worker.start()
    await clock.pass(3_000)
    expect(await worker.finished).toMatchObject({ kind: 'failed', error: { code: 'CONDITIONS_IGNORED' } })
    expect(eventsNamed('received')).toEqual([])
    expect(prefixes).toEqual(['packages/el9/repokeeper-probe/repodata/'])
  })

  it('is no reason to end where it cannot be asked at the start', async () => {
    let asked = 0
    const { worker, queue, clock, eventsNamed } = bench({
      roots: new Map([['packages', [parseRootPattern('el9')]]]),
      probeConditions: async () => {
        asked += 1
        if (asked === 1) throw storeOut()
        return { kind: 'honoured' }
      },
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(3_000)
    expect(eventsNamed('store-untried')).toHaveLength(1)
    expect(queue.deleted).toEqual(['m1'])
    await worker.stop()
  })

  it('is worked on where the person says that nobody else writes', async () => {
    const { worker, queue, clock } = bench({
      singleWriter: true,
      probeConditions: () => Promise.reject(new Error('asked')),
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(3_000)
    expect(queue.deleted).toEqual(['m1'])
    await worker.stop()
  })

  it('is asked once, and again where it could not be asked', async () => {
    let asked = 0
    const { worker, queue, clock } = bench({
      probeConditions: async () => {
        asked += 1
        if (asked === 1) throw storeOut()
        return { kind: 'honoured' }
      },
    })
    worker.start()
    for (const name of ['a', 'b', 'c']) {
      queue.send(name, notification(`el9/${name}.rpm`))
      await clock.pass(60_000)
    }
    expect(asked).toBe(2)
    expect(queue.deleted.toSorted()).toEqual(['a', 'b', 'c'])
    await worker.stop()
  })
})

describe('receiving', () => {
  it('is held back while as many repositories are published as may be', async () => {
    const publish = latch()
    const { worker, queue, clock } = bench({
      concurrency: 1,
      reconcile: async (...args) => {
        await publish.opened
        return await coverAll(...args)
      },
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(5_000)
    const receives = queue.receives
    queue.send('m2', notification('el9/b.rpm'))
    await clock.pass(10_000)
    expect(queue.receives - receives).toBeLessThanOrEqual(1)
    publish.open()
    await clock.pass(5_000)
    expect(queue.deleted).toEqual(['m1', 'm2'])
    await worker.stop()
  })

  it('is held back while as many messages are held as may be', async () => {
    const publish = latch()
    const { worker, queue, clock, eventsNamed } = bench({
      messagesMax: 20,
      reconcile: async (...args) => {
        await publish.opened
        return await coverAll(...args)
      },
    })
    worker.start()
    for (let index = 0; index < 100; index += 1) queue.send(`m${index}`, notification(`el9/${index}.rpm`))
    await clock.pass(30_000)
    expect(eventsNamed('received').length).toBe(20)
    publish.open()
    await clock.pass(60_000)
    expect(queue.deleted.length).toBe(100)
    await worker.stop()
  })

  it('waits longer after each failure, and says so when it works again', async () => {
    const { worker, queue, clock, eventsNamed } = bench()
    queue.receiveFailures = 5
    worker.start()
    await clock.pass(60_000)
    expect(eventsNamed('receive-failed')).toMatchObject(
      [1, 2, 4, 8, 16].map((retrySeconds) => ({ retrySeconds, whatToDo: 'Wait.' })),
    )
    expect(eventsNamed('receive-recovered')).toEqual([{ failures: 5 }])
    await worker.stop()
  })
})

describe('stopping', () => {
  it('finishes the publish under way and gives back what was only gathered', async () => {
    const publish = latch()
    const { worker, queue, clock } = bench({
      reconcile: async (...args) => {
        await publish.opened
        return await coverAll(...args)
      },
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(2_000)
    queue.send('m2', notification('el9/b.rpm'))
    await clock.pass(1_000)
    const stopped = worker.stop()
    await clock.pass(0)
    expect(queue.isVisible('m2')).toBe(true)
    expect(queue.isVisible('m1')).toBe(false)
    publish.open()
    await clock.pass(0)
    await stopped
    expect(queue.deleted).toEqual(['m1'])
    expect(await worker.finished).toEqual({ kind: 'stopped', givenBack: 1 })
  })

  it('gives a publish up that does not end within the grace time, and its messages back', async () => {
    const { worker, queue, clock } = bench({
      reconcile: (_location, _keys, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
        ),
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(3_000)
    const stopped = worker.stop()
    await clock.pass(9_999)
    expect(queue.isVisible('m1')).toBe(false)
    await clock.pass(1)
    await stopped
    expect(queue.isVisible('m1')).toBe(true)
    expect(queue.deleted).toEqual([])
  })

  it('does not wait for a publish that takes no notice, and its late end deletes nothing', async () => {
    const publish = latch()
    const { worker, queue, clock } = bench({
      reconcile: async (...args) => {
        await publish.opened
        return await coverAll(...args)
      },
    })
    worker.start()
    queue.send('m1', notification('el9/a.rpm'))
    await clock.pass(3_000)
    const stopped = worker.stop()
    await clock.pass(20_000)
    await stopped
    expect(queue.isVisible('m1')).toBe(true)
    publish.open()
    await clock.pass(1_000)
    expect(queue.deleted).toEqual([])
  })

  it('may be asked for twice and before anything was received', async () => {
    const { worker, clock } = bench()
    worker.start()
    await clock.pass(0)
    await Promise.all([worker.stop(), worker.stop()])
    expect(await worker.finished).toEqual({ kind: 'stopped', givenBack: 0 })
  })
})

describe('once', () => {
  const failing: Reconcile = async (location, keys, context) => {
    if (location.root === 'el8/') throw new Error('broken metadata')
    return await coverAll(location, keys, context)
  }

  it('empties the queue, publishes and ends', async () => {
    const { worker, queue, clock, calls } = bench({ once: true })
    for (let index = 0; index < 35; index += 1) queue.send(`m${index}`, notification(`el9/${index}.rpm`))
    worker.start()
    await clock.pass(30_000)
    expect(await worker.finished).toEqual({ kind: 'drained', left: 0, untried: [] })
    expect(queue.deleted.length).toBe(35)
    expect(calls.length).toBe(1)
  })

  it('ends at once with an empty queue', async () => {
    const { worker, clock } = bench({ once: true })
    worker.start()
    await clock.pass(3_000)
    expect(await worker.finished).toEqual({ kind: 'drained', left: 0, untried: [] })
  })

  it('says how many messages are left, receives none of them twice, and gives them back', async () => {
    const { worker, queue, clock, eventsNamed } = bench({ once: true, reconcile: failing })
    queue.send('m8', notification('el8/a.rpm'))
    queue.send('m9', notification('el9/a.rpm'))
    queue.send('bad', 'hello')
    worker.start()
    await clock.pass(30_000)
    expect(await worker.finished).toEqual({ kind: 'drained', left: 2, untried: [] })
    expect(queue.messages.get('m8')?.receiveCount).toBe(1)
    expect(queue.messages.get('bad')?.receiveCount).toBe(1)
    expect(eventsNamed('released').length).toBe(2)
  })

  it('ends although there are more messages that cannot be used than it may hold', async () => {
    const { worker, queue, clock } = bench({ once: true, messagesMax: 10 })
    for (let index = 0; index < 50; index += 1) queue.send(`m${index}`, 'hello')
    worker.start()
    await clock.pass(30_000)
    expect(await worker.finished).toMatchObject({ kind: 'drained', left: 10 })
  })

  it('gives up where the queue stays out', async () => {
    const { worker, queue, clock } = bench({ once: true })
    queue.receiveFailures = 1_000
    worker.start()
    await clock.pass(60_000)
    expect(await worker.finished).toMatchObject({ kind: 'failed', error: { code: 'RECEIVE_FAILED' } })
  })

  it('counts a message that could not be deleted as left', async () => {
    const { worker, queue, clock } = bench({ once: true })
    queue.failDelete = (id) => ({ id, code: 'InternalError', message: 'no', final: false })
    queue.send('m1', notification('el9/a.rpm'))
    worker.start()
    await clock.pass(30_000)
    expect(await worker.finished).toEqual({ kind: 'drained', left: 1, untried: [] })
  })
})
