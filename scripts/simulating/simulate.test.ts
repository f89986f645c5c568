import { availableParallelism } from 'node:os'
import { describeFailure, mutations } from '@repokeeper/simulation'
import { describe, expect, it } from 'vitest'
import { searchInParallel, searchMutated } from './search.ts'

/** A limit, not a measurement: other tests share the machine. */
const patience = 1_800_000

it('ten thousand runs, in any order of events and through any fault: nothing is lost, and nothing listed is missing', {
  timeout: patience,
}, async () => {
  const options = { of: 'repositories', seed: 1, runs: 10_000, shrinks: true } as const
  const { failure, interleavings, counts } = await searchInParallel(options, availableParallelism())
  if (failure !== undefined) expect.fail(describeFailure(failure))
  expect(interleavings).toBeGreaterThan(9_900)
  // It is a storm, not a calm sea.
  for (const name of ['publishes', 'kills', 'faults', 'duplicates', 'cleanedUp', 'deadLetters']) {
    expect([name, (counts[name] ?? 0) > 500]).toEqual([name, true])
  }
})

it.each(['inboxes', 'policies', 'rollbacks'] as const)(
  'a thousand runs with %s besides',
  { timeout: patience },
  async (of) => {
    const options = { of, seed: 1, runs: 1_000, shrinks: true }
    const { failure, interleavings, counts } = await searchInParallel(options, availableParallelism())
    if (failure !== undefined) expect.fail(describeFailure(failure))
    expect(interleavings).toBeGreaterThan(950)
    for (const name of ['publishes', 'kills', 'faults']) expect([name, (counts[name] ?? 0) > 50]).toEqual([name, true])
  },
)

it('a run is the same each time', async () => {
  const options = { of: 'repositories', seed: 4_000, runs: 200, shrinks: false } as const
  const [one, two] = [await searchInParallel(options, 1), await searchInParallel(options, 2)]
  expect(one).toEqual(two)
})

// Each is a process of its own.
describe.concurrent('the simulation notices', () => {
  it.each(mutations)('$name: $because', { timeout: patience }, async ({ name, of = 'repositories', seed = 1 }) => {
    const { failure } = await searchMutated(name, { of, seed, runs: 20_000 })
    expect(failure?.message).toEqual(expect.any(String))
  })
})
