import { compareVersions } from './version-order.ts'

/** Epoch, version, release. The epoch is text, as everywhere in rpm; absent means 0. */
export interface Evr {
  readonly epoch?: string | undefined
  readonly version: string
  readonly release?: string | undefined
}

/**
 * Splits `[epoch:]version[-release]` as rpm does (rpmio/rpmver.cc `parseEVR`): digits in front of the first colon are the
 * epoch (none of them: "0"), the last hyphen begins the release. Every text has a reading; nothing is thrown.
 */
export function parseEvr(text: string): Evr {
  const epoch = /^([0-9]*):/.exec(text)
  const rest = epoch === null ? text : text.slice(epoch[0].length)
  const hyphen = rest.lastIndexOf('-')
  return {
    epoch: epoch === null ? undefined : epoch[1] || '0',
    version: hyphen === -1 ? rest : rest.slice(0, hyphen),
    release: hyphen === -1 ? undefined : rest.slice(hyphen + 1),
  }
}

/** `[epoch:]version[-release]`; what is `undefined` is left out. */
export function formatEvr({ epoch, version, release }: Evr): string {
  return `${epoch === undefined ? '' : `${epoch}:`}${version}${release === undefined ? '' : `-${release}`}`
}

/**
 * Which of two packages is newer, as rpm tells (rpmio/rpmver.cc `rpmverCmp`): by epoch, then version, then release, each with
 * `compareVersions`. No epoch is epoch 0; no release is older than any.
 */
export function compareEvr(a: Evr, b: Evr): -1 | 0 | 1 {
  return (
    compareVersions(a.epoch ?? '0', b.epoch ?? '0') ||
    compareVersions(a.version, b.version) ||
    compareReleases(a.release, b.release)
  )
}

function compareReleases(a: string | undefined, b: string | undefined): -1 | 0 | 1 {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  return compareVersions(a, b)
}
