import type { Scenario } from './scenario.ts'
import type { PendingCall, SimulatedProcess } from './scheduler.ts'

/** Waits for a process to come to a certain call, holds it there while the others go on, and lets it go, or not. */
export class Ambusher {
  readonly #plan: Scenario['ambush']
  readonly #kill: (process: SimulatedProcess, requestsArrive: boolean) => void
  #caught: SimulatedProcess | undefined
  #turns = 0
  /** Its next HEAD fails. */
  #unlucky: SimulatedProcess | undefined
  #letThrough: readonly PendingCall[] = []

  constructor(plan: Scenario['ambush'], kill: (process: SimulatedProcess, requestsArrive: boolean) => void) {
    this.#plan = plan
    this.#kill = kill
  }

  /** Before each turn. */
  spring(pending: readonly PendingCall[]): void {
    if (this.#plan === undefined) return
    const { at, step, after, turns, end } = this.#plan
    if (this.#caught !== undefined) {
      this.#turns += 1
      if (this.#turns < turns) return
      if (end === 'go, but fail to look') this.#unlucky = this.#caught
      else if (end !== 'go' && this.#caught.isAlive) this.#kill(this.#caught, end !== 'die')
      this.#caught = undefined
    } else if (this.#turns === 0) {
      const isHere = (call: PendingCall): boolean => call.step === step && call.label.startsWith(at)
      const next = pending.find((call) => isHere(call) && !this.#letThrough.includes(call))
      if (next === undefined) return
      if (this.#letThrough.length < after) this.#letThrough = [...this.#letThrough, next]
      else this.#caught = next.process
    }
  }

  holds(process: SimulatedProcess): boolean {
    return process === this.#caught
  }

  /** Whether this call is the one that is to fail; only one is. */
  fails({ process, step, label }: PendingCall): boolean {
    const isTheOne = process === this.#unlucky && step === 'request' && label.startsWith('HEAD')
    if (isTheOne) this.#unlucky = undefined
    return isTheOne
  }

  end(): void {
    this.#caught = undefined
    this.#unlucky = undefined
  }
}
