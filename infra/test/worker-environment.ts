import { describeWorkerOptions, readWorkerOptions, type WorkerOptions } from '@repokeeper/worker'
import { expect } from 'vitest'

/** Variables of the worker's process that its options don't have. */
const beside = ['REPOKEEPER_CACHE_DIR']
/** Of AWS's SDK. */
const ofAws = ['AWS_REGION']

/** The options that a worker with this environment has. Fails where it has others than a worker knows, or where they don't do. */
export function optionsOf(environment: Readonly<Record<string, string>>): WorkerOptions {
  const known = new Set([...describeWorkerOptions().map((option) => option.environment), ...beside, ...ofAws])
  expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([])
  const outcome = readWorkerOptions({ flags: {}, environment })
  if (outcome.kind === 'problems') throw new Error(outcome.problems.join('\n'))
  return outcome.options
}
