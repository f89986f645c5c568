/**
 * A bucket, two queues, workers of either kind, people who upload and delete, and whoever cleans up: receive to settle, as
 * it is in production but for what waits outside.
 */
import { parseRepositoryRoot } from '@repokeeper/repository'
import { Ambusher } from './ambusher.ts'
import { Bucket, type Version } from './bucket.ts'
import { Claims } from './claims.ts'
import { InboxClaims, inboxRoot, rejectedRoot } from './inbox-claims.ts'
import { contents, describeContent } from './packages.ts'
import type { Deed, Scenario } from './scenario.ts'
import { type PendingCall, Scheduler, type SimulatedProcess, settled, type TraceLine } from './scheduler.ts'
import { Queue, type StoredMessage } from './simulated-queue.ts'
import { Staff } from './staff.ts'
import { isTrusted } from './trust.ts'
import { Violation } from './violation.ts'

export interface RunReport {
  readonly violation: Violation | undefined
  readonly trace: readonly TraceLine[]
  /** What was reached, so that a simulation in which nothing happens shows. */
  readonly counts: RunCounts
}

export interface RunCounts {
  calls: number
  publishes: number
  kills: number
  faults: number
  duplicates: number
  cleanedUp: number
  deadLetters: number
}

const root = parseRepositoryRoot('el9/')
const shortRetentionMs = 90_000
const visibilityTimeoutSeconds = 30
/** Counted only once all is calm: until then faults, kills and duplicates spend as many as they like. */
const receivesMax = 5
/** A run that goes on for longer than this does not settle. */
const calmTurnsMax = 40_000
type TurnKind = 'deed' | 'timer' | 'step' | keyof Scenario['mishaps']

/** Of 256 turns; all others are steps. A number that shrinks to 0 is the next deed. */
const shares: readonly (readonly [TurnKind, number])[] = [
  ['deed', 24],
  ['timer', 16],
  ['faults', 20],
  ['kills', 6],
  ['duplicates', 8],
  ['delays', 8],
  ['freezes', 8],
]
const turnKinds: readonly TurnKind[] = shares.flatMap(([kind, share]) => Array<TurnKind>(share).fill(kind))
const delaysMs = [1_000, 10_000, 40_000, 100_000, 130_000]
/** After this time others look in the stead of who has not come back: repository/src/pledge.ts. */
const pledgeAgeMs = 61_000

export async function runScenario(scenario: Scenario): Promise<RunReport> {
  return await new World(scenario).run()
}

class World {
  readonly #scenario: Scenario
  readonly #scheduler = new Scheduler()
  readonly #bucket: Bucket
  readonly #claims: Claims
  readonly #inboxClaims: InboxClaims
  readonly #additions: Queue
  readonly #removals: Queue
  readonly #staff: Staff
  readonly #sent = new Map<string, { readonly keys: readonly string[]; readonly moment: number }>()
  readonly #people: SimulatedProcess = { name: 'people', isAlive: true }
  readonly #s3: SimulatedProcess = { name: 's3', isAlive: true }
  readonly #counts: RunCounts = {
    calls: 0,
    publishes: 0,
    kills: 0,
    faults: 0,
    duplicates: 0,
    cleanedUp: 0,
    deadLetters: 0,
  }
  #deeds: readonly Deed[] = []
  #frozen: SimulatedProcess | undefined
  #frozenTurns = 0
  readonly #ambush: Ambusher
  #violation: Violation | undefined
  /** People are changing the bucket. */
  #isAtWork = false

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#ambush = new Ambusher(scenario.ambush, (process, requestsArrive) =>
      this.#killProcess(process, requestsArrive),
    )
    this.#bucket = new Bucket(this.#scheduler, scenario.storeKnowsSha256)
    const { retentionMs = shortRetentionMs } = scenario
    this.#claims = new Claims(this.#bucket, {
      root,
      retentionMs,
      isSigned: scenario.signed,
      hasGenerations: scenario.generations,
      trusts: scenario.trusts,
    })
    this.#inboxClaims = new InboxClaims(this.#bucket, { root, inbox: scenario.inbox })
    this.#bucket.onChange = (key, version) => {
      if (key === `${root}repodata/repomd.xml`) this.#counts.publishes += 1
      const isMetadata = key.includes('/repodata/') || key.includes('/generations/')
      if (version.bytes === undefined && isMetadata) this.#counts.cleanedUp += 1
      this.#judge(() => this.#claims.changed(key, version))
      if (this.#isAtWork) return
      this.#judge(() => this.#inboxClaims.changedByWorker(key, version))
      if (scenario.inbox?.tellsOfWorkers === true && key.endsWith('.rpm')) this.#tell(key, version)
    }
    this.#staff = new Staff({
      scenario,
      bucket: this.#bucket,
      scheduler: this.#scheduler,
      root,
      retentionMs,
      visibilityTimeoutSeconds,
      onFailed: (violation) => this.#fail(violation),
    })
    const rules = { visibilityTimeoutMs: visibilityTimeoutSeconds * 1000, receivesMax }
    this.#additions = new Queue({ name: 'additions', ...rules }, this.#scheduler)
    this.#removals = new Queue({ name: 'removals', ...rules }, this.#scheduler)
    for (const queue of [this.#additions, this.#removals]) queue.onDeleted = (message) => this.#deleted(message)
  }

  async run(): Promise<RunReport> {
    for (let n = 1; n <= this.#scenario.addWorkers; n += 1) this.#staff.hire(`add ${n}`, this.#additions)
    for (let n = 1; n <= this.#scenario.removeWorkers; n += 1) this.#staff.hire(`remove ${n}`, this.#removals)
    await settled()
    for (const deed of this.#scenario.history ?? []) {
      this.#deeds = [deed]
      await this.#settle()
    }
    this.#deeds = this.#scenario.deeds
    for (const turn of this.#scenario.turns) {
      this.#ambush.spring(this.#scheduler.pending)
      await this.#take(turn)
      if (this.#violation !== undefined) return this.#report()
    }
    await this.#calm()
    return this.#report()
  }

  #report(): RunReport {
    this.#counts.deadLetters = this.#additions.deadLetters.length + this.#removals.deadLetters.length
    return { violation: this.#violation, trace: this.#scheduler.trace, counts: this.#counts }
  }

  // Turns

  /** What a number stands for. What may not happen in this scenario is an ordinary step instead. */
  async #take(turn: number): Promise<void> {
    const { mishaps } = this.#scenario
    const which = Math.floor(turn / 256)
    const kind = turnKinds[turn % 256] ?? 'step'
    if (kind === 'deed') await this.#deed()
    else if (kind === 'timer') await this.#scheduler.nextTimer()
    else if (kind === 'step' || !mishaps[kind]) await this.#steps(which)
    else if (kind === 'faults') await this.#faultyStep(which)
    else if (kind === 'kills') await this.#kill(which)
    else if (kind === 'duplicates') this.#duplicate(which)
    else if (kind === 'freezes') this.#freeze(which)
    else await this.#scheduler.pass(delaysMs[which % delaysMs.length] ?? 1_000)
  }

  /** One, or a few: most that can happen happens between a few of all the calls. */
  async #steps(which: number): Promise<void> {
    for (let left = which % 4; left >= 0; left -= 1) await this.#step(Math.floor(which / 4 ** (left + 1)))
  }

  async #step(which: number): Promise<void> {
    this.#frozenTurns -= 1
    const { pending } = this.#scheduler
    const free = pending.filter(({ process }) => !this.#isHeld(process))
    const call = free[which % Math.max(1, free.length)]
    if (call === undefined) return this.#scheduler.nextTimer()
    this.#counts.calls += 1
    await this.#scheduler.step(call, this.#ambush.fails(call) ? call.faults[0] : undefined)
  }

  async #faultyStep(which: number): Promise<void> {
    const calls: readonly PendingCall[] = this.#scheduler.pending.filter(({ faults }) => faults.length > 0)
    const call = calls[which % Math.max(1, calls.length)]
    if (call === undefined) return
    this.#counts.faults += 1
    await this.#scheduler.step(call, call.faults[Math.floor(which / 64) % call.faults.length])
  }

  async #deed(): Promise<void> {
    const [deed, ...later] = this.#deeds
    if (deed === undefined) return this.#step(0)
    this.#deeds = later
    if (deed.kind === 'upload' || deed.kind === 'delete') await this.#change(deed)
    else {
      const waits = 'afterMs' in deed && !this.#staff.hasPeople
      if (waits && deed.afterMs > 0) await this.#scheduler.pass(deed.afterMs)
      this.#staff.begin(deed)
    }
    await settled()
  }

  async #kill(which: number): Promise<void> {
    // Those that are about to do something, mostly.
    const victims = this.#scheduler.pending.map(({ process }) => process).filter((one) => this.#canDie(one))
    const victim = victims[which % Math.max(1, victims.length)]
    if (victim === undefined) return
    this.#killProcess(victim, Math.floor(which / 64) % 2 === 1)
    await settled()
  }

  #canDie(process: SimulatedProcess): boolean {
    return process.isAlive && process !== this.#people && process !== this.#s3
  }

  #killProcess(process: SimulatedProcess, requestsArrive: boolean): void {
    this.#counts.kills += 1
    this.#scheduler.kill(process, requestsArrive)
    this.#staff.lost(process)
  }

  #isHeld(process: SimulatedProcess): boolean {
    return (this.#frozenTurns > 0 && process === this.#frozen) || this.#ambush.holds(process)
  }

  #freeze(which: number): void {
    const { pending } = this.#scheduler
    this.#frozen = pending[which % Math.max(1, pending.length)]?.process
    this.#frozenTurns = 10 + (Math.floor(which / 64) % 60)
  }

  #duplicate(which: number): void {
    const hidden = [this.#additions, this.#removals].flatMap((queue) =>
      [...queue.messages.values()]
        .filter(({ visibleAt }) => visibleAt > this.#scheduler.now)
        .map((message) => ({ queue, message })),
    )
    const one = hidden[which % Math.max(1, hidden.length)]
    if (one === undefined) return
    this.#counts.duplicates += 1
    this.#scheduler.note(one.queue.rules.name, `${one.message.id} is visible again`)
    one.queue.show(one.message)
  }

  /** No more faults: everything goes on as it comes, until nothing is left to do, for workers and for who looks after them. */
  async #calm(): Promise<void> {
    this.#scheduler.note('time', 'all is calm from here on')
    for (const queue of [this.#additions, this.#removals]) queue.startCounting()
    this.#frozenTurns = 0
    this.#ambush.end()
    await this.#settle()
    await this.#scheduler.pass(pledgeAgeMs)
    this.#staff.begin({ kind: 'look again', afterMs: 0 })
    await this.#settle()
    this.#judge(() => this.#claims.settled())
    this.#judge(() => this.#inboxClaims.settled())
    for (const { id } of [...this.#additions.deadLetters, ...this.#removals.deadLetters]) {
      if (this.#sent.get(id)?.keys.some((key) => this.#everBroken(key))) continue
      return this.#fail(new Violation(`${id} ended in the dead-letter queue, and all that it names were good packages`))
    }
  }

  async #settle(): Promise<void> {
    for (let turn = 0; this.#violation === undefined; turn += 1) {
      if (turn === calmTurnsMax)
        return this.#fail(new Violation(`nothing has settled after ${calmTurnsMax} calm turns`))
      if (this.#deeds.length > 0) await this.#deed()
      else if (this.#scheduler.pending.length > 0) await this.#step(0)
      else if (this.#additions.messages.size + this.#removals.messages.size + this.#staff.tasksUnderWay === 0) return
      else if (this.#scheduler.hasTimers) await this.#scheduler.nextTimer()
      else return this.#fail(new Violation('messages are left, and nothing will ever happen'))
    }
  }

  #everBroken(key: string): boolean {
    const isBad = (bytes: Buffer): boolean => {
      const described = describeContent(bytes)
      return described === undefined || (this.#scenario.trusts === 'signed' && !isTrusted(described))
    }
    return this.#bucket.since(key, 0).some(({ bytes }) => bytes !== undefined && isBad(bytes))
  }

  // People

  /** A change of the bucket, and the event that tells of it, which may take its time. */
  async #change(deed: Extract<Deed, { path: string }>): Promise<void> {
    const key = `${deed.into === 'inbox' ? inboxRoot : root}${deed.path}`
    const bytes = deed.kind === 'upload' ? contents[deed.content] : undefined
    if (deed.kind === 'delete' && this.#bucket.at(key)?.bytes === undefined) return
    const what = bytes === undefined ? `delete ${key}` : `upload content ${contents.indexOf(bytes)} to ${key}`
    this.#scheduler.note(this.#people.name, what)
    if (bytes === undefined) await this.#bucket.store.delete(key)
    else await this.#bucket.store.put(key, bytes, { if: 'always' })
    this.#isAtWork = true
    this.#bucket.record(key, bytes)
    this.#isAtWork = false
    const version = this.#bucket.at(key)
    if (version !== undefined) this.#tell(key, version)
  }

  #tell(key: string, { bytes, moment }: Version): void {
    const id = `m${this.#sent.size + 1}`
    this.#sent.set(id, { keys: [key], moment })
    const queue = bytes === undefined ? this.#removals : this.#additions
    const eventName = bytes === undefined ? 'ObjectRemoved:Delete' : 'ObjectCreated:Put'
    const body = JSON.stringify({
      Records: [{ eventName, s3: { bucket: { name: 'bucket' }, object: { key: encodeURIComponent(key) } } }],
    })
    void this.#scheduler.call(this.#s3, `event ${id} ${eventName} ${key}`, () => queue.send(id, body))
  }

  // Judgement

  #deleted({ id }: StoredMessage): void {
    const sent = this.#sent.get(id)
    if (sent === undefined) return
    for (const key of sent.keys) {
      if (key.startsWith(inboxRoot)) this.#judge(() => this.#inboxClaims.deleted(id, key, sent.moment))
      else if (!key.startsWith(rejectedRoot)) this.#judge(() => this.#claims.deleted(id, [key], sent.moment))
    }
  }

  #judge(claim: () => void): void {
    try {
      claim()
    } catch (error) {
      this.#fail(error instanceof Violation ? error : new Violation(String(error), { cause: error }))
    }
  }

  #fail(violation: Violation): void {
    this.#violation ??= violation
  }
}
