import { type PrimaryFacts, parseLocation } from '@repokeeper/repodata'
import { linkable } from './html.ts'
import { hrefOf } from './site-paths.ts'
import type { SiteSettings } from './site-settings.ts'

/** Where a package itself is, seen from the page of its name; `undefined` where that would lead out of the repository, or nobody knows. */
export function packageLink({ toRoot, baseUrl }: SiteSettings, { href, base }: PrimaryFacts): string | undefined {
  const location = parseLocation(href.replace(/^(?:\.\/+)+/, ''))
  if (location === undefined) return undefined
  const path = hrefOf(location)
  if (base !== undefined) return linkable(`${base.replace(/\/$/, '')}/${path}`)
  if (toRoot !== undefined) return `../${toRoot}${path}`
  return baseUrl === undefined ? undefined : linkable(`${baseUrl}${path}`)
}
