/**
 * MOVE and COPY of packages: RFC 4918, sections 9.8 and 9.9. The store copies; no byte comes by here where it can do so itself.
 */
import type { PutCondition } from '@repokeeper/object-store'
import { passOverKey } from '@repokeeper/repository'
import { type Answer, sentence } from './answer.ts'
import { isFinished } from './package-places.ts'
import { encodeKey } from './request-path.ts'
import type { WriteDesk, WriteRequest } from './write.ts'

/** @param to where it is to go; that it may, has been asked already @throws StoreError */
export async function moveOrCopy(desk: WriteDesk, request: WriteRequest, to: string, keeps: boolean): Promise<Answer> {
  const { store, prefix, path, emptyFiles, headers, signal } = request
  const [from, target] = [`${prefix}${path.key}`, `${prefix}${to}`]
  for (const name of [path.key, to]) {
    if (passOverKey(`${prefix}${name}`) !== undefined || !isFinished(name)) {
      return sentence(403, `only packages can be moved and copied, and ${name} is none`)
    }
  }
  if (from === target) return sentence(403, 'it is there already')
  const source = await store.head(from, { signal })
  const isEmpty = source === undefined && emptyFiles.has(path.key)
  if (source === undefined && !isEmpty) return sentence(404, 'there is nothing here')
  const there = await store.head(target, { signal })
  if (there !== undefined && (headers.overwrite?.toString().toUpperCase() === 'F' || !desk.replaces)) {
    return sentence(412, `another file is there already as ${to}`)
  }
  if (source === undefined) {
    // Of what nothing was written to yet there is nothing to take the place of a file.
    if (there !== undefined) return sentence(409, `a file is there already as ${to}`)
    emptyFiles.hold(to)
    if (!keeps) emptyFiles.forget(path.key)
    return sentence(201, `${to} is kept for what is to come`)
  }
  const condition: PutCondition = there === undefined ? { if: 'absent' } : { if: 'unchanged', etag: there.etag }
  const copied = await store.copy({ ...source, store }, target, condition, { signal })
  if (copied.kind !== 'stored') return sentence(409, 'others have changed it meanwhile; try again')
  emptyFiles.forget(to)
  desk.publication.changed({ key: target, sha256: source.sha256 })
  if (!keeps) {
    // Of another version that has come meanwhile nothing is known.
    const deleted = await store.delete(from, { ifMatch: source.etag, signal })
    if (deleted.kind === 'deleted') desk.publication.changed({ key: from, sha256: undefined })
  }
  return there === undefined
    ? sentence(201, `stored ${to}`, { Location: `/${encodeKey(to)}` })
    : { status: 204, body: { kind: 'none' } }
}
