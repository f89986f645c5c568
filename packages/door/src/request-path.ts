/**
 * What a request names: the way from its target to a key of the store, and out of no folder.
 */
import { keyProblem } from '@repokeeper/object-store'

export type RequestPath =
  /** `''` is the top; a folder's ends in a slash. `said` is as it was asked for, for logs and for links. */
  | { readonly kind: 'key'; readonly key: string; readonly said: string; readonly query: URLSearchParams }
  | { readonly kind: 'refused'; readonly status: 400 | 404 | 414; readonly reason: string }

/** A key has 1,024 bytes at most, each of which is three characters where it is encoded; the rest is for a query. */
const targetCharactersMax = 4_096
/** As `.repokeeper-put-…`: what stores keep beside the objects. Of a bucket they may be copies. */
const ownPrefix = '.repokeeper-'

/**
 * @param target of the request line: an absolute path, or, as a proxy sends it, a whole URL
 *
 * Whatever two programs on the way might read differently is refused instead of mended: `..`, an encoded slash, a backslash, two
 * slashes in a row.
 */
export function parseRequestPath(target: string): RequestPath {
  if (target.length > targetCharactersMax) return refused('the path is too long', 414)
  const withoutHost = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const [path = '', query = ''] = withoutHost.split(/\?(.*)/s, 2)
  if (!path.startsWith('/') || path.includes('#'))
    return refused('the path has to begin with a slash, and to have no "#"')
  const segments: string[] = []
  for (const encoded of path.slice(1).split('/')) {
    const segment = decode(encoded)
    if (segment === undefined) return refused('the path is not percent-encoded UTF-8')
    if (/[\u0000-\u001f\u007f/\\]/.test(segment)) {
      return refused('a part of the path has a slash, a backslash or a control character in it')
    }
    if (segment.startsWith(ownPrefix)) return refused('there is nothing here', 404)
    segments.push(segment)
  }
  const key = segments.join('/')
  if (key === '') return { kind: 'key', key, said: path, query: new URLSearchParams(query) }
  if (key.startsWith('/') || key.includes('//')) return refused('the path has two slashes in a row')
  const problem = keyProblem(key)
  if (problem !== undefined) return refused(`the path ${problem}`)
  return { kind: 'key', key, said: path, query: new URLSearchParams(query) }
}

/**
 * What a header names, as a URL or as a path (RFC 4918, section 8.3): only of this server.
 *
 * @param host as the request names it
 */
export function parseResource(text: string, host = ''): RequestPath {
  const [, itsHost] = /^https?:\/\/([^/?#]*)/i.exec(text) ?? []
  if (itsHost !== undefined && itsHost.toLowerCase() !== host.toLowerCase()) {
    return refused('it can only go to another place of this server')
  }
  return parseRequestPath(text)
}

/** A key as it stands in a URL: no character of it means anything there. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function refused(reason: string, status: 400 | 404 | 414 = 400): RequestPath {
  return { kind: 'refused', status, reason }
}
