/**
 * Packages that lie elsewhere (`xml:base`) beside those that lie upstream: which of them can come, each to a path of its own.
 */
import type { UpstreamPackage } from './read-upstream.ts'
import { parseWebUrl } from './web-source.ts'

export interface SettledPlaces {
  /** No two have one path. */
  readonly wanted: readonly UpstreamPackage[]
  readonly impossible: readonly ImpossiblePackage[]
}

export interface ImpossiblePackage {
  readonly file: UpstreamPackage
  readonly reason: string
}

/** The path is for what lies upstream itself, else for what is listed first. @returns in the order of `chosen` */
export function settlePlaces(chosen: readonly UpstreamPackage[]): SettledPlaces {
  const at = new Map<string, UpstreamPackage>()
  for (const file of chosen.toSorted((a, b) => rankOf(a) - rankOf(b))) if (!at.has(file.path)) at.set(file.path, file)
  const wanted: UpstreamPackage[] = []
  const impossible: ImpossiblePackage[] = []
  for (const file of chosen) {
    const first = at.get(file.path)
    if (first !== file) {
      // The very same file, at another place as well.
      if (first === undefined || first.checksum.hex === file.checksum.hex) continue
      impossible.push({ file, reason: `upstream lists another package with this path, which lies ${placeOf(first)}` })
    } else if (rankOf(file) === unreachable) {
      impossible.push({ file, reason: `it lies ${placeOf(file)}, which is no http:// or https:// URL` })
    } else wanted.push(file)
  }
  return { wanted, impossible }
}

const unreachable = 2

function rankOf({ base }: UpstreamPackage): number {
  if (base === undefined) return 0
  return parseWebUrl(base) === undefined ? unreachable : 1
}

/** For messages, without a password. */
function placeOf({ base }: UpstreamPackage): string {
  if (base === undefined) return 'in upstream itself'
  const url = URL.parse(base)
  if (url !== null) Object.assign(url, { username: '', password: '', search: '' })
  return `elsewhere (xml:base), at ${url?.href ?? JSON.stringify(base)}`
}
