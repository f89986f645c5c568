/**
 * The directory of a generation is as it was published, for good: what is written into it breaks what a mirrorlist or a snapshot names.
 */
import { UsageError } from './failure.ts'

const generation = /(?:^|\/)generations\/[0-9]+-[0-9a-f]{16}(?:\/|$)/

/** @param place a repository as it was named, or a directory in one @throws UsageError */
export function refuseGeneration(place: string): void {
  if (!generation.test(place)) return
  const message =
    `${place} is the directory of a generation, which stays as it was published: name the repository above it. Where one is damaged, ` +
    'delete the snapshot that names it, or take one of another generation'
  throw new UsageError(message)
}
