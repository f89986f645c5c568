/**
 * A repository in a bucket or a directory, as somebody sees it who may only read.
 */

import { parseETag } from '@repokeeper/object-store'
import { describeLocation, type RepositoryLocation } from '@repokeeper/repository'
import type { RepositorySource, SourceVersion } from './source.ts'

/** @param location with a store that is closed with the source */
export function storeSource(
  { store, root }: RepositoryLocation,
  options: { readonly signal: AbortSignal; readonly identity?: string },
): RepositorySource {
  const { signal, identity } = options
  return {
    name: describeLocation({ store, root }).replace(/\/+$/, ''),
    ...(identity === undefined ? {} : { identity }),
    async open(path, { unless, range } = {}) {
      const known = unless === undefined ? {} : { ifNoneMatch: parseETag(unless) }
      const got = await store.get(`${root}${path}`, { ...known, ...(range && { range }), signal })
      switch (got.kind) {
        case 'found':
          // An ETag is told apart from all others by the place that gave it: that is all a version has to be.
          return { kind: 'found', version: got.head.etag as string as SourceVersion, body: got.body }
        case 'unchanged':
          return { kind: 'unchanged' }
        case 'absent':
        case 'changed':
          return { kind: 'absent' }
      }
    },
    async locate(path) {
      const head = await store.head(`${root}${path}`, { signal })
      return head && { ...head, store }
    },
    close: () => store.close(),
  }
}
