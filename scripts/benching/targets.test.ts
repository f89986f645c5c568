import { expect, it } from 'vitest'
import { coldWithEmptyCache, takeOver } from './commands.ts'
import type { Result } from './contest.ts'
import { createrepoUpdate } from './createrepo.ts'
import { quantile } from './figures.ts'
import { limit } from './limit.ts'
import { judgeTargets } from './targets.ts'
import { warmOnDirectory } from './warm-worker.ts'

const mebibyte = 2 ** 20

it('are reached where the figures are as good as wanted', () => {
  const reached = judgeTargets([
    ...both(createrepoUpdate.name, [30, 0.4], 800),
    ...both(warmOnDirectory.name, [0.2, 0.1], 200),
    ...both(coldWithEmptyCache.name, [0.6, 0.4], 200),
    ...both(takeOver.name, [6, 0.5], 200),
    ...both(limit.name, [0.1, 0.01], undefined),
  ]).flatMap((target) => target.reached ?? [])
  expect(reached).toEqual(Array.from({ length: 11 }, () => true))
})

it('are not where any of them is a little worse', () => {
  const targets = judgeTargets([
    ...both(createrepoUpdate.name, [30, 0.4], 800),
    ...both(warmOnDirectory.name, [0.21, 0.03], 257),
    ...both(coldWithEmptyCache.name, [0.61, 0.41], 257),
    ...both(takeOver.name, [6.1, 0.5], 257),
  ])
  expect(targets.flatMap((target) => target.reached ?? [])).toEqual(Array.from({ length: 11 }, () => false))
})

it('say nothing of what was not measured', () => {
  const results = both(warmOnDirectory.name, [0.2, 0.1], 200).filter(({ packages }) => packages === 1_000)
  for (const { measured, reached } of judgeTargets(results)) expect([measured, reached]).toEqual([undefined, undefined])
})

it('a quantile is one of the values', () => {
  expect([0, 0.5, 0.95, 1].map((part) => quantile([4, 1, 3, 2], part))).toEqual([1, 2, 4, 4])
  expect(() => quantile([], 0.5)).toThrow(RangeError)
})

/** At 60,000 packages and at 1,000. */
function both(contestant: string, seconds: readonly [number, number], mebibytes: number | undefined): Result[] {
  return [60_000, 1_000].map((packages, at) => ({
    contestant,
    packages,
    changes: 1,
    added: 1,
    removed: 0,
    runs: [{ seconds: seconds[at] ?? 0, peakBytes: mebibytes === undefined ? undefined : mebibytes * mebibyte }],
  }))
}
