/**
 * An outage for people: what is out, and what to do.
 */
import { type Outage, outageOf } from './outage.ts'

const subjects: Readonly<Record<Outage, string>> = {
  store: 'the store is out',
  disk: "this machine's disk is out",
  signing: 'what signs is out',
}

/** Where it is the store the message says it, and it comes back by itself mostly. */
const anyDisk = "look at the worker's cache directory, --cache-dir"
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'make room there, or name a place that has some: --cache-dir',
  EDQUOT: 'make room there, or name a place that has some: --cache-dir',
  EROFS: 'let this user write there, or name a place where he may: --cache-dir',
  EACCES: 'let this user write there, or name a place where he may: --cache-dir',
  EPERM: 'let this user write there, or name a place where he may: --cache-dir',
}

export function outageSubject(outage: Outage): string {
  return subjects[outage]
}

/** What to do about a fault where its message does not say it itself, in brackets behind it; empty where there is nothing to say. */
export function outageHint(error: unknown): string {
  switch (outageOf(error)) {
    case 'disk': {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      return ` (${remedies[code] ?? anyDisk})`
    }
    case 'signing':
      return ' (nothing is published until it signs again; a worker that is to have another key has to be started again)'
    case 'store':
    case undefined:
      return ''
  }
}
