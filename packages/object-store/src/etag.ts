import type { ETag } from './port.ts'

/**
 * The one place where ETags are made. Takes what a server sent: quoted, bare, or made weak (`W/"…"`) by a proxy that
 * compresses; gives the strong quoted form, which is the one that RFC 9110 lets `If-Match` compare.
 */
export function parseETag(text: string): ETag {
  const strong = text.trim().replace(/^W\//, '')
  const bare = strong.startsWith('"') && strong.endsWith('"') && strong.length >= 2 ? strong.slice(1, -1) : strong
  return `"${bare}"` as ETag
}

/** The ETag without its quotes, for the servers that compare it so. */
export function bareETag(etag: ETag): string {
  return etag.slice(1, -1)
}
