/**
 * What the command line says of mirrors.
 */
import { readFile } from 'node:fs/promises'
import type { UpstreamAddress } from '@repokeeper/transfer'
import * as z from 'zod'
import { UsageError } from './failure.ts'
import { parseTarget } from './local-package.ts'
import { readMirrorConfig } from './mirror-config.ts'
import type { MirrorJob, MirrorManner } from './mirror-repository.ts'
import { parseSince } from './mirror-since.ts'
import { wrongCopy } from './wrong-copy.ts'

const off = z.boolean().default(false)
const texts = z.array(z.string().min(1, 'is empty')).default([])

const Choice = z.object({
  key: texts,
  include: texts,
  exclude: texts,
  arch: texts,
  newest: z.number().optional(),
  since: z.string().optional(),
  packagesOnly: off,
  keepUpstreamMetadata: off,
  to: z.string().default(''),
  replace: off,
  prune: off,
})

const Places = z.object({ mirrorlist: texts, metalink: texts, config: z.string().min(1).optional() })

const Manner = z.object({
  forcePrune: off,
  takeOver: off,
  concurrency: z.number(),
  bandwidth: z.number().optional(),
  upstreamTimeout: z.number().default(30_000),
})

/** @param now milliseconds since 1970 @throws UsageError */
export async function readJobs(places: readonly string[], values: unknown, now: number): Promise<MirrorJob[]> {
  const { config, mirrorlist, metalink } = Places.parse(values)
  const choice = Choice.parse(values)
  if (config !== undefined) {
    if (places.length + mirrorlist.length + metalink.length > 0) {
      throw new UsageError('--config names upstreams and repositories: leave out those of the command line')
    }
    const jobs = readMirrorConfig(config, await readText(config), now)
    refuseChoice(choice)
    return jobs
  }
  const repository = places.at(-1)
  const upstreams: UpstreamAddress[] = [
    ...places.slice(0, -1).map((place) => ({ kind: 'any' as const, place })),
    ...mirrorlist.map((place) => ({ kind: 'mirrorlist' as const, place })),
    ...metalink.map((place) => ({ kind: 'metalink' as const, place })),
  ]
  if (repository === undefined || upstreams.length === 0) {
    throw new UsageError('name one or more upstreams, and then the repository that they go to; or --config FILE')
  }
  if (choice.keepUpstreamMetadata && upstreams.length > 1) {
    throw new UsageError('--keep-upstream-metadata: a repository is an exact copy of one upstream; name one')
  }
  return upstreams.map((upstream) => jobOf(upstream, repository, choice, now))
}

export function readManner(
  values: unknown,
): Omit<MirrorManner, 'dryRun' | 'json' | 'wait' | 'timeoutSeconds' | 'publish'> {
  const { forcePrune, takeOver, concurrency, bandwidth, upstreamTimeout } = Manner.parse(values)
  return { forcePrune, concurrency, bytesPerSecond: bandwidth, silenceMs: upstreamTimeout, takesOver: takeOver }
}

function jobOf(upstream: UpstreamAddress, repository: string, choice: z.infer<typeof Choice>, now: number): MirrorJob {
  const { key, include, exclude, arch, newest, since, to, replace, prune, packagesOnly, keepUpstreamMetadata } = choice
  const sinceSeconds = since === undefined ? undefined : parseSince(since, now)
  if (since !== undefined && sinceSeconds === undefined) {
    throw new UsageError(`--since ${since} is no time: write a span such as 30d or 12h, or a date such as 2026-11-01`)
  }
  const job: MirrorJob = {
    ...{ upstream, repository, keys: key, include, exclude, arches: arch, newest, sinceSeconds },
    ...{ directory: parseTarget(to), replace, prune, packagesOnly, keepUpstreamMetadata },
  }
  const wrong = wrongCopy(job)
  if (wrong !== undefined) throw new UsageError(`--keep-upstream-metadata: ${wrong}`)
  return job
}

function refuseChoice(choice: z.infer<typeof Choice>): void {
  const said = Object.entries(choice).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : Boolean(value)))
  const [first] = said.map(([name]) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))
  if (first === undefined) return
  throw new UsageError(`--config says of each mirror what is taken: write ${first} there, and leave out --${first}`)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new UsageError(`--config ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}
