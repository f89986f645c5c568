import type { MirrorJob } from './mirror-repository.ts'

/** Why a mirror cannot be an exact copy, where it is to be one. */
export function wrongCopy(job: MirrorJob): string | undefined {
  if (!job.keepUpstreamMetadata) return undefined
  const { include, exclude, arches, newest, sinceSeconds, directory, replace, packagesOnly } = job
  const isChosen =
    include.length + exclude.length + arches.length > 0 || newest !== undefined || sinceSeconds !== undefined
  if (!isChosen && directory === '' && !replace && !packagesOnly) return undefined
  return 'an exact copy has all packages at their places; leave out what chooses, places or replaces some'
}
