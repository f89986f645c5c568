/**
 * Breaks the code on purpose while it is loaded: `node --import …/mutate.ts` with the name of a mutation in the environment.
 */
import { registerHooks } from 'node:module'
import { mutations, mutationVariable, type Patch } from './mutations.ts'

const name = process.env[mutationVariable]
const mutation = mutations.find((one) => one.name === name)
if (mutation === undefined) throw new Error(`there is no mutation "${name}"`)

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const patches = mutation.patches.filter(({ file }) => url.endsWith(`/packages/${file}`))
    if (patches.length === 0) return loaded
    return { ...loaded, source: patches.reduce(patched, String(loaded.source)) }
  },
})

function patched(source: string, { file, find, replace }: Patch): string {
  const [before, after, ...more] = source.split(find)
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(
      `the mutation "${name}" no longer fits ${file}: ${JSON.stringify(find)} is there ${more.length === 0 ? 'not at all' : 'more than once'}`,
    )
  }
  return `${before}${replace}${after}`
}
