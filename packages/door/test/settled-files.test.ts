import { describe, expect, it } from 'vitest'
import type { Clock } from '../src/index.ts'
import { SettledFiles } from '../src/settled-files.ts'

/** Time that goes on when a test says so. */
class ManualClock implements Clock {
  #now = 0
  #runs: { readonly at: number; readonly run: () => void }[] = []

  now(): number {
    return this.#now
  }

  random(): number {
    return 0.5
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.#now + milliseconds, run }
    this.#runs.push(timer)
    return () => {
      this.#runs = this.#runs.filter((other) => other !== timer)
    }
  }

  /** Goes on by steps of 100 ms, each of which lets what was begun come to its end. */
  async advance(milliseconds: number): Promise<void> {
    for (const end = this.#now + milliseconds; this.#now < end; ) {
      this.#now += 100
      const due = this.#runs.filter(({ at }) => at <= this.#now)
      this.#runs = this.#runs.filter(({ at }) => at > this.#now)
      for (const { run } of due) run()
      await new Promise(setImmediate)
    }
  }
}

function open() {
  const clock = new ManualClock()
  const states = new Map<string, string>()
  const settled: (readonly string[])[] = []
  const faults: string[] = []
  const broken = new Set<string>()
  const files = new SettledFiles({
    look: async (key) => {
      if (broken.has(key)) throw new Error('the disk is out')
      return states.get(key)
    },
    clock,
    onSettled: (keys) => settled.push(keys),
    onFault: (key) => faults.push(key),
  })
  const write = (key: string, state: string): void => {
    states.set(key, state)
    files.touch(key)
  }
  return { clock, states, settled, faults, broken, files, write }
}

describe('a file', () => {
  it('has settled when it stays as it is, and is told once', async () => {
    const { clock, settled, write } = open()
    write('a.rpm', '1')
    await clock.advance(400)
    expect(settled).toEqual([])
    await clock.advance(5_000)
    expect(settled).toEqual([['a.rpm']])
  })

  it('that is written to goes on being waited for, whether the system tells of it or not', async () => {
    const { clock, settled, states, write } = open()
    for (let size = 0; size < 20; size += 1) {
      if (size < 10) write('a.rpm', String(size))
      else states.set('a.rpm', String(size))
      await clock.advance(300)
    }
    expect(settled).toEqual([])
    await clock.advance(1_000)
    expect(settled).toEqual([['a.rpm']])
  })

  it('that is gone is told at the next look', async () => {
    const { clock, settled, files } = open()
    files.touch('gone.rpm')
    await clock.advance(100)
    expect(settled).toEqual([['gone.rpm']])
  })

  it('that cannot be looked at is looked at again', async () => {
    const { clock, settled, faults, broken, write } = open()
    broken.add('a.rpm')
    write('a.rpm', '1')
    await clock.advance(300)
    expect(settled).toEqual([])
    expect(new Set(faults)).toEqual(new Set(['a.rpm']))
    broken.clear()
    await clock.advance(1_000)
    expect(settled).toEqual([['a.rpm']])
  })
})

describe('many files', () => {
  it('of one copy are told together, 10,000 of them once', async () => {
    const { clock, settled, write } = open()
    for (let number = 0; number < 10_000; number += 1) {
      write(`${number}.rpm`, 'whole')
      if (number % 100 === 99) await clock.advance(100)
    }
    expect(settled).toEqual([])
    await clock.advance(1_000)
    expect(settled.map((keys) => keys.length)).toEqual([10_000])
  })

  it('that come for ever are told now and then', async () => {
    const { clock, settled, write } = open()
    for (let number = 0; number < 6_000; number += 1) {
      write(`${number}.rpm`, 'whole')
      if (number % 10 === 9) await clock.advance(100)
    }
    expect(settled.length).toBeGreaterThan(1)
    expect(settled.length).toBeLessThan(5)
  })

  it('but not so many that they were one copy do not wait for each other', async () => {
    const { clock, settled, write } = open()
    write('first.rpm', '1')
    await clock.advance(400)
    write('second.rpm', '1')
    await clock.advance(200)
    expect(settled).toEqual([['first.rpm']])
  })
})
