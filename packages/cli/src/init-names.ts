import { createHash } from 'node:crypto'

/** Names of the queues of one repository. */
export interface QueueNames {
  readonly additions: string
  readonly removals: string
  readonly deadLetters: string
}

/** AWS, "Amazon SQS message quotas": letters, digits, - and _. */
const nameLengthMax = 80
const endings = { additions: '-additions', removals: '-removals', deadLetters: '-dead-letters' } as const

/** `my-bucket-el9-x86_64-additions`: by bucket and directory, so that each repository has its own. */
export function defaultQueueNames(bucket: string, root: string): QueueNames {
  const name = nameOf(bucket, root)
  return {
    additions: `${name}${endings.additions}`,
    removals: `${name}${endings.removals}`,
    deadLetters: `${name}${endings.deadLetters}`,
  }
}

/** One word for a repository, for a queue's name or the id in a .repo file. */
export function nameOf(bucket: string, root: string): string {
  const place = `${bucket}/${root}`.replace(/\/$/, '')
  const word = place.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/-$/, '')
  const lengthMax = nameLengthMax - endings.deadLetters.length
  if (word.length <= lengthMax) return word
  // Two long names that begin alike stay two.
  const digest = createHash('sha256').update(place).digest('hex').slice(0, 8)
  return `${word.slice(0, lengthMax - digest.length - 1)}-${digest}`
}
