/**
 * One process stands for many: everything that they do to the outside is a call that waits here, in two steps, the request
 * and the answer, until it is picked. Nothing else takes time: between two picks everything runs that waits for nothing but
 * promises. So the order of the picks is all that a run depends on.
 */

/** A program that runs, and may be killed: then nothing of it goes on. */
export interface SimulatedProcess {
  readonly name: string
  isAlive: boolean
}

/** How a call can go wrong. */
export interface Fault<T> {
  readonly name: string
  /** The outside did what was asked for, and only the answer is another one. */
  readonly tookEffect: boolean
  /** What the caller gets instead; may throw. */
  readonly answer: (result: T | undefined) => T
}

/** A call under way, for who picks. */
export interface PendingCall {
  readonly process: SimulatedProcess
  readonly label: string
  readonly step: 'request' | 'answer'
  /** Ways in which its request can go wrong; none for an answer. */
  readonly faults: readonly string[]
}

export interface TraceLine {
  /** Milliseconds of simulated time. */
  readonly at: number
  readonly who: string
  readonly what: string
}

interface Call extends PendingCall {
  step: 'request' | 'answer'
  faults: readonly string[]
  /** Carries the request out, with the fault of that name. */
  request: (fault: string | undefined) => Promise<void>
  answer: () => void
}

interface Timer {
  readonly at: number
  readonly process: SimulatedProcess | undefined
  readonly run: () => void
}

export class Scheduler {
  readonly trace: TraceLine[] = []
  #now = 0
  #calls: Call[] = []
  #timers: Timer[] = []

  /** Milliseconds since the run began. */
  get now(): number {
    return this.#now
  }

  /** In the order in which they were made. */
  get pending(): readonly PendingCall[] {
    return this.#calls
  }

  get hasTimers(): boolean {
    return this.#timers.length > 0
  }

  note(who: string, what: string): void {
    this.trace.push({ at: this.#now, who, what })
  }

  /** A call to the outside. `effect` is what the outside does, at one moment; it must wait for nothing but promises. */
  call<T>(
    process: SimulatedProcess,
    label: string,
    effect: () => T | Promise<T>,
    faults: readonly Fault<T>[] = [],
  ): Promise<T> {
    // Who is dead calls no more.
    if (!process.isAlive) return new Promise(() => {})
    return new Promise((resolve, reject) => {
      const call: Call = {
        process,
        label,
        step: 'request',
        faults: faults.map(({ name }) => name),
        request: async (faultName) => {
          const fault = faults.find(({ name }) => name === faultName)
          try {
            const result = fault?.tookEffect === false ? undefined : await effect()
            const value = fault === undefined ? (result as T) : fault.answer(result)
            call.answer = () => resolve(value)
          } catch (error) {
            call.answer = () => reject(error)
          }
        },
        answer: () => {},
      }
      this.#calls.push(call)
    })
  }

  /** Calls `run` after so many milliseconds, unless the process is dead by then. Gives what takes that back. */
  after(process: SimulatedProcess | undefined, ms: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), process, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** The next step of one of the pending calls. */
  async step(picked: PendingCall, fault?: string): Promise<void> {
    const call = this.#calls.find((one) => one === picked)
    if (call === undefined) throw new Error(`${picked.label} is not pending`)
    if (call.step === 'request') {
      this.note(call.process.name, `${call.label}${fault === undefined ? '' : `, but ${fault}`}`)
      await call.request(fault)
      if (!call.process.isAlive) this.#drop(call)
      call.step = 'answer'
      call.faults = []
    } else {
      this.note(call.process.name, `  answered: ${call.label}`)
      this.#drop(call)
      call.answer()
    }
    await settled()
  }

  /** Time goes on to the next timer. */
  async nextTimer(): Promise<void> {
    const next = this.#timers.reduce<Timer | undefined>(
      (first, timer) => (first === undefined || timer.at < first.at ? timer : first),
      undefined,
    )
    if (next === undefined) return
    this.#timers = this.#timers.filter((other) => other !== next)
    this.#now = Math.max(this.#now, next.at)
    if (next.process?.isAlive !== false) next.run()
    await settled()
  }

  /** Time passes while nobody who called gets an answer. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    this.note('time', `${ms / 1000} s pass`)
    while (this.#timers.some(({ at }) => at <= end)) await this.nextTimer()
    this.#now = end
  }

  /**
   * The process is killed, as by SIGKILL. Requests that it has sent may still be carried out, at any time later, if
   * `requestsArrive`; nobody waits for their answers.
   */
  kill(process: SimulatedProcess, requestsArrive: boolean): void {
    this.note(process.name, requestsArrive ? 'is killed; its requests are under way' : 'is killed')
    process.isAlive = false
    this.#calls = this.#calls.filter((call) => call.process !== process || (requestsArrive && call.step === 'request'))
    this.#timers = this.#timers.filter((timer) => timer.process !== process)
  }

  #drop(call: Call): void {
    this.#calls = this.#calls.filter((other) => other !== call)
  }
}

/** Everything that waits for nothing but promises has run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
