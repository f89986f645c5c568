/**
 * What WebDAV answers in: RFC 4918, sections 13 and 14.
 */
import type { ListedObject } from '@repokeeper/object-store'
import { contentType } from './content-type.ts'
import { encodeKey } from './request-path.ts'

export interface DavEntry {
  /** Below the top of the door; of a folder empty or with its slash at the end. */
  readonly path: string
  /** Absent: a folder. */
  readonly object?: Pick<ListedObject, 'size' | 'etag' | 'lastModified'>
}

export const xmlType = 'application/xml; charset=utf-8'

export function formatMultistatus(entries: readonly DavEntry[]): string {
  return `<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">\n${entries.map(formatEntry).join('')}</D:multistatus>\n`
}

/** <D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error> */
export function formatFiniteDepth(): string {
  return '<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>\n'
}

function formatEntry({ path, object }: DavEntry): string {
  const properties =
    object === undefined
      ? '<D:resourcetype><D:collection/></D:resourcetype>'
      : '<D:resourcetype/>' +
        `<D:getcontentlength>${object.size}</D:getcontentlength>` +
        `<D:getcontenttype>${escaped(contentType(path))}</D:getcontenttype>` +
        `<D:getetag>${escaped(object.etag)}</D:getetag>` +
        `<D:getlastmodified>${object.lastModified.toUTCString()}</D:getlastmodified>`
  const found = `<D:propstat><D:prop>${properties}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>`
  return `<D:response><D:href>${escaped(`/${encodeKey(path)}`)}</D:href>${found}</D:response>\n`
}

/** What is percent-encoded has nothing of it but apostrophes. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
