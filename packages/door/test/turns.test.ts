import { expect, it } from 'vitest'
import { Turns } from '../src/turns.ts'

it('runs so many at a time, in the order in which they came, also past one that fails', async () => {
  const turns = new Turns(2)
  const ends: (() => void)[] = []
  const begun: number[] = []
  const all = Array.from({ length: 5 }, (_, index) =>
    turns.run(async () => {
      begun.push(index)
      await new Promise<void>((resolve) => ends.push(resolve))
      if (index === 0) throw new Error('of this one')
      return index
    }),
  )
  const settled = Promise.allSettled(all)
  for (let ended = 0; ended < 5; ended += 1) {
    await new Promise(setImmediate)
    expect(begun).toEqual([0, 1, 2, 3, 4].slice(0, ended + 2))
    ends[ended]?.()
  }
  expect((await settled).map((one) => (one.status === 'fulfilled' ? one.value : 'failed'))).toEqual([
    'failed',
    1,
    2,
    3,
    4,
  ])
})
