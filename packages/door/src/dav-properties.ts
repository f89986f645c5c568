/**
 * What a PROPFIND tells of a file or a folder: RFC 4918, section 15.
 */
import type { ListedObject } from '@repokeeper/object-store'
import { contentType } from './content-type.ts'
import type { Lock } from './locks.ts'
import type { AskedProperties } from './propfind-request.ts'
import { escapeXml, formatLockDiscovery, formatName, formatPropstat, formatResponse } from './webdav-xml.ts'
import { dav } from './xml-body.ts'

export interface DavEntry {
  /** Below the top of the door; of a folder empty or with its slash at the end. */
  readonly path: string
  /** A folder has none; a file that nothing was written to yet has nothing but its size. */
  readonly object?: { readonly size: 0 } | Pick<ListedObject, 'size' | 'etag' | 'lastModified'>
}

export interface DavLooks {
  /** Absent: there are no locks here. */
  readonly locksOn?: ((path: string) => readonly Lock[]) | undefined
  /** Who looks. */
  readonly user: string | undefined
}

/** <D:response><D:href>/el9/</D:href><D:propstat>…</D:propstat></D:response> */
export function formatEntry(entry: DavEntry, asked: AskedProperties, looks: DavLooks): string {
  const there = propertiesOf(entry, looks)
  switch (asked.kind) {
    case 'all':
      return formatResponse(entry.path, formatPropstat([...there.values()], '200 OK'))
    case 'names': {
      const names = [...there.keys()].map((name) => formatName({ namespace: dav, name }))
      return formatResponse(entry.path, formatPropstat(names, '200 OK'))
    }
    case 'some': {
      const known = ({ namespace, name }: { namespace: string; name: string }) =>
        namespace === dav ? there.get(name) : undefined
      const found = asked.properties.map(known).filter((value) => value !== undefined)
      const missing = asked.properties.filter((property) => known(property) === undefined).map(formatName)
      return formatResponse(entry.path, formatPropstat(found, '200 OK') + formatPropstat(missing, '404 Not Found'))
    }
  }
}

function propertiesOf({ path, object }: DavEntry, { locksOn, user }: DavLooks): Map<string, string> {
  const properties = new Map<string, string>()
  if (object === undefined) properties.set('resourcetype', '<D:resourcetype><D:collection/></D:resourcetype>')
  else {
    properties.set('resourcetype', '<D:resourcetype/>')
    properties.set('getcontentlength', `<D:getcontentlength>${object.size}</D:getcontentlength>`)
    properties.set('getcontenttype', `<D:getcontenttype>${escapeXml(contentType(path))}</D:getcontenttype>`)
    if ('etag' in object) {
      properties.set('getetag', `<D:getetag>${escapeXml(object.etag)}</D:getetag>`)
      properties.set('getlastmodified', `<D:getlastmodified>${object.lastModified.toUTCString()}</D:getlastmodified>`)
    }
  }
  if (locksOn !== undefined) {
    properties.set('supportedlock', supportedLock)
    properties.set('lockdiscovery', formatLockDiscovery(locksOn(path), user))
  }
  return properties
}

const supportedLock =
  '<D:supportedlock><D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry></D:supportedlock>'
