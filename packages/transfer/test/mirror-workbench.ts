/** A whole run of a mirror, as the command does it. */
import {
  anyPackage,
  foundRepository,
  MemoryCache,
  type PackagePolicy,
  type RepositoryContext,
  type RepositoryLocation,
  realContext,
  reconcile,
} from '@repokeeper/repository'
import { Mirror, type MirrorOptions, openUpstream, storeSource, type UpstreamAddress } from '../src/index.ts'
import { never, newDirectory, readWhole, Source } from './workbench.ts'

interface RunOptions extends Partial<MirrorOptions> {
  readonly packagePolicy?: PackagePolicy
  readonly prunes?: boolean
  readonly forces?: boolean
}

/** As the command does it. @param from a repository of the tests, or an address of the web */
export async function mirror(
  from: Source | UpstreamAddress,
  target: RepositoryLocation,
  { packagePolicy = anyPackage, prunes, forces, ...more }: RunOptions = {},
) {
  const context = realContext({ cache: new MemoryCache(), onEvent: () => {}, packagePolicy })
  const openPlace = async () => {
    if (!(from instanceof Source)) throw new Error('it is of the web')
    return storeSource(from.location, { signal: never })
  }
  const address = from instanceof Source ? ({ kind: 'any', place: 'upstream' } as const) : from
  const upstream = await openUpstream(address, { openPlace, pauseMs: 1 })
  const options: MirrorOptions = {
    ...{ keyring: undefined, selection: { arches: [], newest: undefined, sinceSeconds: undefined }, directory: '' },
    ...{ replaces: false, bringsDocuments: true, concurrency: 1, bytesPerSecond: undefined, copiesInStore: false },
    ...{ scratch: await newDirectory(), signal: never, onBrought: () => {} },
    time: { now: Date.now, random: Math.random, sleep: () => new Promise(setImmediate) },
    ...more,
  }
  const run = await Mirror.look(upstream, target, context, options)
  try {
    await foundRepository(target, context)
    await run.begin(context)
    await run.bringDocuments(context)
    const brought = await run.bringPackages()
    await publish(
      target,
      brought.map(({ file }) => file.path),
      context,
    )
    const { doubt } = run.plan
    const pruned = prunes && (forces || doubt === undefined) ? await run.prune(context) : []
    await publish(
      target,
      pruned.map(({ path }) => path),
      context,
    )
    await run.end(brought, pruned, forces || doubt === undefined, context)
    const outcomes = brought.map(({ file, outcome }) => `${outcome.kind} ${file.path}`)
    return {
      plan: run.plan,
      outcomes: outcomes.toSorted(),
      refused: brought.flatMap(({ outcome }) => (outcome.kind === 'refused' ? [outcome] : [])),
      pruned: pruned.map(({ path, outcome }) => `${outcome.kind} ${path}`),
    }
  } finally {
    await run.close()
    await upstream.close()
  }
}

async function publish(
  { root, store }: RepositoryLocation,
  paths: readonly string[],
  of: RepositoryContext,
): Promise<void> {
  const { undecided } = await reconcile({ root, store }, new Set(paths.map((path) => `${root}${path}`)), of)
  if (undecided.size > 0) throw [...undecided.values()][0]
}

/** Paths and digests of the packages that are listed, each of which is there. */
export async function packagesIn(location: RepositoryLocation): Promise<Record<string, string>> {
  const whole = (await readWhole(location)) ?? new Map<string, string>()
  return Object.fromEntries([...whole].filter(([path]) => path.endsWith('.rpm')))
}
