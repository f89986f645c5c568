/** The whole way of a notification in one process: receive to settle, in any order of events, through any fault. */
export { type Mutation, mutations } from './mutations.ts'
export { describeFailure, type Failure, type SearchReport, search } from './search.ts'
