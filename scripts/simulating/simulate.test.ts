import { availableParallelism } from 'node:os'
import { describeFailure, mutations } from '@repokeeper/simulation'
import { describe, expect, it } from 'vitest'
import { orInSoak } from '../../fixtures/soak.ts'
import { searchInParallel, searchMutated } from './search.ts'

/** A limit, not a measurement: other tests share the machine. */
const patience = 1_800_000

const runs = orInSoak(2_000, 10_000)

it(`${runs} runs, in any order of events and through any fault: nothing is lost, and nothing listed is missing`, {
  timeout: patience,
}, async () => {
  const options = { of: 'repositories', seed: 1, runs, shrinks: true } as const
  const { failure, interleavings, counts } = await searchInParallel(options, availableParallelism())
  if (failure !== undefined) expect.fail(describeFailure(failure))
  expect(interleavings).toBeGreaterThan(0.99 * runs)
  // It is a storm, not a calm sea.
  for (const name of ['publishes', 'kills', 'faults', 'duplicates', 'cleanedUp', 'deadLetters']) {
    expect([name, (counts[name] ?? 0) > runs / 20]).toEqual([name, true])
  }
})

/** Those of people who roll back are long. */
const others = [
  { of: 'inboxes', runs: orInSoak(400, 1_000) },
  { of: 'policies', runs: orInSoak(400, 1_000) },
  { of: 'rollbacks', runs: orInSoak(150, 1_000) },
] as const

it.each(others)('$runs runs of $of', { timeout: patience }, async ({ of, runs }) => {
  const { failure, interleavings, counts } = await searchInParallel(
    { of, seed: 1, runs, shrinks: true },
    availableParallelism(),
  )
  if (failure !== undefined) expect.fail(describeFailure(failure))
  expect(interleavings).toBeGreaterThan(0.95 * runs)
  for (const name of ['publishes', 'kills', 'faults']) {
    expect([name, (counts[name] ?? 0) > runs / 20]).toEqual([name, true])
  }
})

it('a run is the same each time', async () => {
  const options = { of: 'repositories', seed: 4_000, runs: orInSoak(60, 200), shrinks: false } as const
  const [one, two] = [await searchInParallel(options, 1), await searchInParallel(options, 2)]
  expect(one).toEqual(two)
})

// Each is a process of its own. With a seed that is known to show it, a search is short.
describe.concurrent('the simulation notices', () => {
  it.each(mutations)('$name: $because', { timeout: patience }, async ({ name, of = 'repositories', seed = 1 }) => {
    const { failure } = await searchMutated(name, { of, seed: orInSoak(seed, 1), runs: 20_000 })
    expect(failure?.message).toEqual(expect.any(String))
  })
})
