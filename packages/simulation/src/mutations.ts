/**
 * Ways to break the code that the simulation must notice. Each replaces a piece of a source file, which has to be there
 * exactly once: a mutation that no longer fits the code says so.
 */

import { brokenCleanUp } from './mutations-of-clean-up.ts'
import { brokenDecisions } from './mutations-of-deciding.ts'
import { brokenFollowers } from './mutations-of-followers.ts'
import { brokenInboxes } from './mutations-of-inboxes.ts'
import { brokenPublishing } from './mutations-of-publishing.ts'
import { brokenRollbacks } from './mutations-of-rollbacks.ts'
import type { ScenarioKind } from './scenarios.ts'

/** The environment variable that names a mutation to `mutate.ts`. */
export const mutationVariable = 'REPOKEEPER_MUTATION'

export interface Patch {
  /** Below `packages/`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface Mutation {
  readonly name: string
  /** What goes wrong, for people. */
  readonly because: string
  /** What has to happen for it to show. Default: `repositories`. */
  readonly of?: ScenarioKind
  /** A run in which it showed when this was written: a search that begins here need not go far. Default: 1. */
  readonly seed?: number
  readonly patches: readonly Patch[]
}

export const mutations: readonly Mutation[] = [
  ...brokenDecisions,
  ...brokenPublishing,
  ...brokenCleanUp,
  ...brokenFollowers,
  ...brokenInboxes,
  ...brokenRollbacks.map((mutation) => ({ of: 'rollbacks' as const, ...mutation })),
]
