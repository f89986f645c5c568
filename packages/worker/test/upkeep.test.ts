import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MemoryStore, StoreError } from '@repokeeper/object-store'
import {
  type AuditFinding,
  auditRepository,
  MemoryCache,
  parseRepositoryRoot,
  parseRootPattern,
  readIndexedSnapshot,
  realContext,
  rebuildRepository,
  reconcile,
  withLease,
} from '@repokeeper/repository'
import { describe, expect, it } from 'vitest'
import { levelOf, textOf } from '../src/event-text.ts'
import { type WorkerEventMap, type WorkerEventName, WorkerEvents } from '../src/events.ts'
import { readWorkerOptions } from '../src/options.ts'
import type { ProbeConditions, Reconcile } from '../src/reconcile.ts'
import { settingsOf } from '../src/run.ts'
import type { Audit } from '../src/upkeep-audit.ts'
import type { CollectGarbage } from '../src/upkeep-clean-up.ts'
import type { HoldLease } from '../src/upkeep-lease.ts'
import type { KeepPledges } from '../src/upkeep-second-look.ts'
import { createWorker } from '../src/worker.ts'
import type { WorkerSettings } from '../src/worker-parts.ts'
import { coverAll, latch, notification, settings } from './bench.ts'
import { FakeQueue } from './fake-queue.ts'
import { ManualClock } from './manual-clock.ts'

const hour = 3_600_000
const upkeep = { auditIntervalMs: 6 * hour, gcIntervalMs: 0, retentionMs: 24 * hour, keepGenerations: 1 }
const el9 = new Map([['packages', [parseRootPattern('el9'), parseRootPattern('el8/*')]]])

interface Setup {
  readonly audit?: Audit
  readonly collectGarbage?: CollectGarbage
  readonly keepPledges?: KeepPledges
  readonly holdLease?: HoldLease
  readonly probeConditions?: ProbeConditions
  readonly reconcile?: Reconcile
  readonly settings?: Partial<WorkerSettings>
  readonly store?: MemoryStore
  readonly random?: () => number
}

/** A worker that looks after its repositories, beside a queue in which nothing is. */
function setUp(setup: Setup = {}) {
  const clock = new ManualClock(setup.random)
  const queue = new FakeQueue(clock, { visibilityTimeoutSeconds: 60 })
  const events = new WorkerEvents()
  const log: { readonly name: WorkerEventName; readonly event: WorkerEventMap[WorkerEventName] }[] = []
  events.subscribe((name, event) => log.push({ name, event }))
  const reconciled: string[][] = []
  const { store = new MemoryStore({ name: 's3://packages' }) } = setup
  const worker = createWorker(
    {
      queue,
      clock,
      events,
      openBucket: () => store,
      probeConditions: setup.probeConditions ?? (async () => ({ kind: 'honoured' })),
      reconcile: (location, keys, context) => {
        reconciled.push([...keys])
        return (setup.reconcile ?? coverAll)(location, keys, context)
      },
      ...(setup.audit === undefined ? {} : { audit: setup.audit }),
      ...(setup.collectGarbage === undefined ? {} : { collectGarbage: setup.collectGarbage }),
      ...(setup.keepPledges === undefined ? {} : { keepPledges: setup.keepPledges }),
      ...(setup.holdLease === undefined ? {} : { holdLease: setup.holdLease }),
    },
    { ...settings, roots: el9, upkeep, ...setup.settings },
  )
  const next = (awaited: WorkerEventName) =>
    new Promise<void>((resolve) => {
      const end = events.subscribe((name) => {
        if (name !== awaited) return
        end()
        resolve()
      })
    })
  const eventsNamed = <E extends WorkerEventName>(name: E) =>
    log.filter((entry) => entry.name === name).map(({ event }) => event as WorkerEventMap[E])
  return { worker, clock, queue, next, eventsNamed, reconciled }
}

const unlisted = (path: string): AuditFinding => ({
  kind: 'unlisted',
  path,
  problem: 'it is not listed',
  remedy: 'repair',
  mend: 'reconcile',
})
const broken: AuditFinding = {
  kind: 'no-repomd',
  path: 'repodata/repomd.xml',
  problem: 'there is none',
  remedy: '"audit --repair"',
  mend: 'rebuild',
}

/** Gives these findings, and remembers when and of which repository it was asked. */
function auditing(clockOf: () => ManualClock, ...findings: readonly AuditFinding[]) {
  const audits: string[] = []
  const audit: Audit = async ({ root }) => {
    audits.push(`${root} at ${clockOf().now() / hour}`)
    return { findings, notes: [] }
  }
  return { audits, audit }
}

describe('a worker', () => {
  it('heals what a lost notification left: real repository, real audit, real reconcile', async () => {
    const store = new MemoryStore({ name: 's3://packages' })
    const location = { store, root: parseRepositoryRoot('el9') }
    const cache = new MemoryCache()
    const context = realContext({ cache, onEvent: () => {} })
    const rpm = await readFile(join(import.meta.dirname, '../../../fixtures/rpms/hello-repokeeper-1.0-1.noarch.rpm'))
    const put = (name: string) => store.put(`el9/${name}.rpm`, rpm, { if: 'always' })
    await Promise.all(['kept', 'gone'].map(put))
    await rebuildRepository(location, context)
    // Neither of these is ever told.
    await put('lost')
    await store.delete('el9/gone.rpm')

    const { worker, clock, next, eventsNamed } = setUp({
      store,
      audit: (place, { settleMs: _, ...given }) => auditRepository(place, realContext({ ...given, cache })),
      reconcile: (place, keys, given) => reconcile(place, keys, realContext({ ...given, cache })),
    })
    const [audited, settled] = [next('audited'), next('batch-settled')]
    worker.start()
    await clock.pass(6 * hour)
    await audited
    await clock.pass(settings.windows.quietMs)
    await settled
    const { index } = await readIndexedSnapshot(location, context)
    expect(index.packages.map(({ href }) => href)).toEqual(['kept.rpm', 'lost.rpm'])
    expect(eventsNamed('drift')).toMatchObject([
      { kind: 'vanished', path: 'gone.rpm', healing: true },
      { kind: 'unlisted', path: 'lost.rpm', healing: true },
    ])
    expect(eventsNamed('batch-settled')).toMatchObject([{ changes: { added: 1, removed: 1 }, refused: 0 }])

    const again = next('audited')
    await clock.pass(6 * hour)
    await again
    expect(eventsNamed('audited').at(-1)).toMatchObject({ findings: 0, healing: 0 })
    await worker.stop()
  })

  it('audits each repository that it is configured for by name, first after a part of the interval, then in each', async () => {
    let clock = new ManualClock()
    const { audit, audits } = auditing(() => clock)
    const started = setUp({ audit, random: () => 0.25 })
    clock = started.clock
    started.worker.start()
    await clock.pass(14 * hour)
    // 1.5 h is a quarter of the interval; what `*` stands for is not known.
    expect(audits).toEqual(['el9/ at 1.5', 'el9/ at 7.5', 'el9/ at 13.5'])
    await started.worker.stop()
    await clock.pass(24 * hour)
    expect(audits.length).toBe(3)
  })

  it('audits those that it has published since it started', async () => {
    let clock = new ManualClock()
    const { audit, audits } = auditing(() => clock)
    const started = setUp({ audit, settings: { roots: undefined } })
    clock = started.clock
    started.worker.start()
    started.queue.send('m1', notification('fedora/44/a.rpm'))
    await clock.pass(6 * hour)
    expect(audits).toEqual(['fedora/44/ at 3'])
    await started.worker.stop()
  })

  it('publishes the keys of packages like those of a batch, and leaves to a person what is more', async () => {
    let clock = new ManualClock()
    const { audit } = auditing(() => clock, broken, unlisted('b.rpm'), unlisted('a.rpm'))
    const started = setUp({ audit })
    clock = started.clock
    started.worker.start()
    await clock.pass(3 * hour + settings.windows.quietMs)
    expect(started.reconciled).toEqual([['el9/b.rpm', 'el9/a.rpm']])
    expect(started.eventsNamed('audited')).toMatchObject([{ findings: 3, healing: 2 }])
    const [first, second] = started.eventsNamed('drift')
    if (first === undefined || second === undefined) throw new Error('nothing was told')
    expect([levelOf('drift', first), textOf('drift', first)]).toEqual([
      'warn',
      's3://packages/el9/repodata/repomd.xml: there is none; "audit --repair"',
    ])
    expect(textOf('drift', second)).toContain(
      'b.rpm: it is not listed; no notification told so: it is brought into line now',
    )
    await started.worker.stop()
  })

  it('changes nothing where the bucket cannot be listed, says so, and tries again', async () => {
    let audits = 0
    const { worker, clock, eventsNamed, reconciled } = setUp({
      audit: async () => {
        audits += 1
        throw new StoreError('ACCESS_DENIED', 'no listing', { store: 's3://packages' })
      },
    })
    worker.start()
    await clock.pass(12 * hour)
    expect(audits).toBe(2)
    expect(reconciled).toEqual([])
    expect(eventsNamed('upkeep-failed')).toMatchObject([
      { job: 'audit', root: 'el9/' },
      { job: 'audit', root: 'el9/' },
    ])
    await worker.stop()
  })

  it('gives an audit up when it is stopped, and publishes nothing that it finds after that', async () => {
    const given = latch()
    const { worker, clock, reconciled, eventsNamed } = setUp({
      audit: async (_location, { signal }) => {
        signal.addEventListener('abort', given.open)
        await given.opened
        return { findings: [unlisted('a.rpm')], notes: [] }
      },
    })
    worker.start()
    await clock.pass(3 * hour)
    await worker.stop()
    await clock.pass(hour)
    expect(reconciled).toEqual([])
    expect(eventsNamed('audited')).toEqual([])
    expect(await worker.finished).toMatchObject({ kind: 'stopped' })
  })

  it.each([
    ['an interval of 0', { upkeep: { ...upkeep, auditIntervalMs: 0 } }],
    ['--once', { once: true }],
  ])('audits nothing with %s', async (_, changed) => {
    let clock = new ManualClock()
    const { audit, audits } = auditing(() => clock)
    const started = setUp({ audit, settings: changed })
    clock = started.clock
    started.worker.start()
    await clock.pass(24 * hour)
    expect(audits).toEqual([])
    await started.worker.stop()
  })

  it('tells no more than the first hundred findings, and heals all of them', async () => {
    let clock = new ManualClock()
    const { audit } = auditing(() => clock, ...Array.from({ length: 250 }, (_, at) => unlisted(`${at}.rpm`)))
    const started = setUp({ audit })
    clock = started.clock
    started.worker.start()
    await clock.pass(3 * hour + settings.windows.quietMs)
    expect(started.eventsNamed('drift').length).toBe(100)
    expect(started.reconciled.flat().length).toBe(250)
    await started.worker.stop()
  })

  it('gives a change that is under way the time of a batch and its publish', async () => {
    const given: number[] = []
    const { worker, clock } = setUp({
      audit: async (_location, { settleMs }) => {
        given.push(settleMs)
        return { findings: [], notes: [] }
      },
    })
    worker.start()
    await clock.pass(3 * hour)
    expect(given[0]).toBeGreaterThan(settings.windows.longestWaitMs)
    await worker.stop()
  })

  it('cleans up what is superseded, one repository and one job at a time', async () => {
    const underWay: string[] = []
    const done: string[] = []
    const one = latch()
    const { worker, clock, eventsNamed } = setUp({
      settings: { upkeep: { ...upkeep, gcIntervalMs: 6 * hour, keepGenerations: 3 } },
      audit: async () => {
        underWay.push('audit')
        await one.opened
        done.push('audit')
        return { findings: [], notes: [] }
      },
      collectGarbage: async ({ root }, { retentionMs, keepGenerations }) => {
        expect(done).toEqual(['audit'])
        underWay.push(`clean-up of ${root} ${retentionMs / hour} ${keepGenerations}`)
        return { delete: [{ size: 7 }, { size: 5 }] }
      },
    })
    worker.start()
    await clock.pass(3 * hour)
    expect(underWay).toEqual(['audit'])
    one.open()
    await clock.pass(0)
    expect(underWay).toEqual(['audit', 'clean-up of el9/ 24 3'])
    expect(eventsNamed('cleaned-up')).toMatchObject([{ bucket: 'packages', root: 'el9/', objects: 2, bytes: 12 }])
    await worker.stop()
  })
})

describe('audits and clean-ups of several workers', () => {
  it('are not done where another is at work, and tried once more before their next round', async () => {
    const asked: string[] = []
    const theirs = ['clean-up', undefined, 'audit', 'audit']
    const holdLease: HoldLease = async ({ root }, job, { signal }, work) => {
      asked.push(`${job} of ${root} at ${clock.now() / hour}`)
      const other = theirs.shift()
      return other === undefined ? { kind: 'done', value: await work(signal) } : { kind: 'elsewhere', job: other }
    }
    const { audits, audit } = auditing(() => clock)
    const { worker, clock, eventsNamed } = setUp({ audit, holdLease, random: () => 0.5 })
    worker.start()
    await clock.pass(18 * hour)
    // Six minutes later, then after the interval; a second try has no third.
    expect(asked).toEqual([3, 3.1, 9.1, 9.2, 15.2].map((at) => `audit of el9/ at ${at}`))
    expect(audits).toEqual(['el9/ at 3.1', 'el9/ at 15.2'])
    expect(eventsNamed('left-to-others')).toMatchObject([
      { job: 'audit', root: 'el9/', theirs: 'clean-up' },
      { theirs: 'audit' },
      { theirs: 'audit' },
    ])
    expect(worker.scheduled()).toMatchObject([{ name: 'audit', root: 'el9/', outcome: 'done', isRunning: false }])
    await worker.stop()
  })

  it('are never two at once at one repository: real workers, real leases', async () => {
    const store = new MemoryStore({ name: 's3://packages' })
    let working = 0
    let atOnce = 0
    const workers = Array.from({ length: 4 }, (_, number) => {
      const work = async (): Promise<void> => {
        working += 1
        atOnce = Math.max(atOnce, working)
        await new Promise<void>((resolve) => setImmediate(resolve))
        working -= 1
      }
      return setUp({
        store,
        random: () => 0.5,
        settings: { upkeep: { ...upkeep, gcIntervalMs: 6 * hour } },
        audit: async () => {
          await work()
          return { findings: [], notes: [] }
        },
        collectGarbage: async () => {
          await work()
          return { delete: [] }
        },
        holdLease: (location, job, context, held) =>
          withLease(
            location,
            job,
            { ...realContext({ ...context, cache: new MemoryCache() }), random: () => number / 8 },
            held,
          ),
      })
    })
    for (const { worker } of workers) worker.start()
    // All of them want to begin in the same moment, of both jobs.
    for (let minutes = 0; minutes < 7 * 60; minutes += 1) {
      await Promise.all(workers.map(({ clock }) => clock.pass(60_000)))
    }
    const ended = workers.flatMap(({ eventsNamed }) => [...eventsNamed('audited'), ...eventsNamed('cleaned-up')])
    expect(ended.length).toBeGreaterThan(1)
    expect(atOnce).toBe(1)
    await Promise.all(workers.map(({ worker }) => worker.stop()))
  })
})

describe('the times of upkeep', () => {
  const read = (flags: Record<string, unknown>, text = '') =>
    readWorkerOptions({ flags: { queue: 'q', ...flags }, environment: {}, file: { path: 'worker.yaml', text } })
  const settingsFor = (...args: Parameters<typeof read>) => {
    const outcome = read(...args)
    if (outcome.kind === 'problems') throw new Error(outcome.problems.join('\n'))
    return settingsOf(outcome.options).upkeep
  }

  it('are six hours, and a day for what is superseded, where nothing is said', () => {
    expect(settingsFor({})).toEqual({ ...upkeep, gcIntervalMs: 6 * hour })
  })

  it.each([
    ['90s', 90_000],
    ['30m', 30 * 60_000],
    ['1.5h', 1.5 * hour],
    ['1d', 24 * hour],
    ['0', 0],
    [0, 0],
    ['0h', 0],
  ])('may be %s', (auditInterval, expected) => {
    expect(settingsFor({ auditInterval })?.auditIntervalMs).toBe(expected)
  })

  it('may stand in a file', () => {
    expect(settingsFor({}, 'auditInterval: 0\nretention: 2d\nkeepGenerations: 5')).toEqual({
      auditIntervalMs: 0,
      gcIntervalMs: 6 * hour,
      retentionMs: 48 * hour,
      keepGenerations: 5,
    })
  })

  it.each(['6', '6 hours', '-1h', 'never', '25d', '1e9h'])(
    'may not be %s, and the problem says what may',
    (auditInterval) => {
      const outcome = read({ auditInterval })
      expect(outcome).toEqual({
        kind: 'problems',
        problems: [expect.stringMatching(/^--audit-interval is ".+": expected a time such as 90s, 30m, 6h or 1d/)],
      })
    },
  )
})

describe('a second look in the stead of publishers that are gone', () => {
  it('is taken soon after the start and then every minute, and told where there was something to look at', async () => {
    const looks: string[] = []
    const left = [['el9/a.rpm'], [], []]
    const keepPledges: KeepPledges = async ({ root }) => {
      looks.push(`${root} at ${clock.now() / 1000}`)
      return left.shift() ?? []
    }
    const { worker, clock, eventsNamed } = setUp({ keepPledges, random: () => 0.5 })
    worker.start()
    await clock.pass(150_000)
    // The first after half of five seconds.
    expect(looks).toEqual(['el9/ at 2.5', 'el9/ at 62.5', 'el9/ at 122.5'])
    expect(eventsNamed('looked-again')).toEqual([{ bucket: 'packages', root: 'el9/', keys: 1 }])
    await worker.stop()
  })

  it('is not taken where it could not be published, and is tried again', async () => {
    let looks = 0
    const keepPledges: KeepPledges = async () => {
      looks += 1
      throw new StoreError('UNAVAILABLE', 'the store is out', { store: 's3://packages' })
    }
    let out = true
    const probeConditions: ProbeConditions = async () => {
      if (out) throw new StoreError('UNAVAILABLE', 'the store is out', { store: 's3://packages' })
      return { kind: 'honoured' }
    }
    const { worker, clock, eventsNamed } = setUp({ keepPledges, probeConditions, random: () => 0.5 })
    worker.start()
    await clock.pass(30_000)
    expect([looks, eventsNamed('upkeep-failed').length]).toEqual([0, 1])
    out = false
    await clock.pass(120_000)
    expect([looks, eventsNamed('upkeep-failed').length]).toEqual([2, 3])
    await worker.stop()
  })
})
