/** A part of a search, in a process of its own: options come from the parent, progress and the report go to it. */
import { type SearchOptions, search } from '@repokeeper/simulation'

process.once('message', async (options: SearchOptions) => {
  const report = await search({ ...options, onProgress: (runs) => process.send?.({ runs }) })
  process.send?.({ report }, () => process.disconnect())
})
