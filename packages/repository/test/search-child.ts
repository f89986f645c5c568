/**
 * A search in a primary of so many packages that lies in a directory, in a process of its own: what it finds, and the memory that it took.
 */
import { openStore } from '@repokeeper/object-store'
import { DiskCache, parseRepositoryRoot, realContext, searchPackages } from '../src/index.ts'

const [directory = '', cacheDirectory = '', words = ''] = process.argv.slice(2)
const store = openStore({ kind: 'directory', path: directory, prefix: '' })
const cache = await DiskCache.open({ directory: cacheDirectory, bytesMax: 2 ** 30 })
const context = realContext({ cache, onEvent: () => {} })
const report = await searchPackages({ store, root: parseRepositoryRoot('') }, context, {
  words,
  hitsMax: 100,
  givenUp: new AbortController().signal,
})
const hits = report?.hits.map(({ nevra }) => nevra) ?? []
console.log(JSON.stringify({ ...report, hits, peakMebibytes: process.resourceUsage().maxRSS / 1024 }))
