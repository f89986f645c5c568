/**
 * The one source of time: last-modified dates, visibility timeouts, long polling and the delays of faults all hang on it.
 * It runs with the machine's clock or stands still, and it can be put forward, so that a test of a visibility timeout of
 * twelve hours takes no time.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `run` once `now()` has reached `due` (milliseconds since the epoch). Returns what cancels it. */
  alarm(due: number, run: () => void): () => void
  /** Puts the clock forward and rings every alarm that falls due, the earliest first. */
  advance(milliseconds: number): void
  /** Forgets every alarm. */
  close(): void
}

export interface ClockOptions {
  /** Where the clock starts, milliseconds since the epoch; default: the machine's time. */
  readonly startAt?: number
  /** A clock that stands still until `advance` is called. */
  readonly frozen?: boolean
}

/** setTimeout takes no more than 2^31 − 1 milliseconds; a later alarm is looked at again by then. */
const timeoutMillisecondsMax = 2 ** 31 - 1

export function createClock(options: ClockOptions = {}): Clock {
  const { startAt = Date.now(), frozen = false } = options
  const alarms = new Set<{ readonly due: number; readonly run: () => void }>()
  let now = startAt
  let read = Date.now()
  let timer: NodeJS.Timeout | undefined

  const clock: Clock = {
    now() {
      if (frozen) return now
      const machine = Date.now()
      now += Math.max(0, machine - read) // a machine's clock that is set back must not turn ours back
      read = machine
      return now
    },
    alarm(due, run) {
      const alarm = { due, run }
      alarms.add(alarm)
      schedule()
      return () => {
        alarms.delete(alarm)
        schedule()
      }
    },
    advance(milliseconds) {
      if (!(milliseconds >= 0)) throw new RangeError(`a clock goes forward only: ${milliseconds} ms`)
      now = clock.now() + milliseconds
      ring()
    },
    close() {
      alarms.clear()
      clearTimeout(timer)
    },
  }
  return clock

  function ring() {
    const due = [...alarms].filter((alarm) => alarm.due <= clock.now()).sort((a, b) => a.due - b.due)
    for (const alarm of due) if (alarms.delete(alarm)) alarm.run()
    schedule()
  }

  function schedule() {
    clearTimeout(timer)
    if (frozen || alarms.size === 0) return
    let next = Number.POSITIVE_INFINITY
    for (const alarm of alarms) next = Math.min(next, alarm.due)
    timer = setTimeout(ring, Math.min(Math.max(0, next - clock.now()), timeoutMillisecondsMax))
    timer.unref()
  }
}

/** Resolves after that time by the clock, or as soon as the signal is aborted. */
export function sleep(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (milliseconds <= 0 || signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = () => {
      cancel()
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const cancel = clock.alarm(clock.now() + milliseconds, finish)
    signal?.addEventListener('abort', finish)
  })
}
