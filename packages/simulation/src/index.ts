/** The whole way of a notification in one process: receive to settle, in any order of events, through any fault. */
export { type Mutation, mutations, mutationVariable } from './mutations.ts'
export { type ScenarioKind, scenarioKinds } from './scenarios.ts'
export { describeFailure, type Failure, type SearchOptions, type SearchReport, search } from './search.ts'
export { type SteadyLoad, type SteadyLoadReport, simulateSteadyLoad } from './steady-load.ts'
export type { RunCounts } from './world.ts'
