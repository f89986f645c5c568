/**
 * PUT and DELETE of packages.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { FolderStore } from '@repokeeper/object-store'
import { type PackagePolicy, passOverKey } from '@repokeeper/repository'
import { type Answer, sentence } from './answer.ts'
import { checkDraft } from './check-draft.ts'
import { matchesStrongly } from './conditions.ts'
import type { EmptyFiles } from './empty-files.ts'
import type { MadeFolders } from './made-folders.ts'
import { isFinished } from './package-places.ts'
import type { Change, Publication } from './publication.ts'
import { isFolder } from './read-folder.ts'
import { type Draft, type ReceiveLimits, receiveDraft } from './receive-draft.ts'
import { encodeKey, type RequestPath } from './request-path.ts'
import type { Scratch } from './scratch.ts'
import { type Stored, storeDraft } from './store-draft.ts'

export interface WriteLimits extends ReceiveLimits {
  /** At the same time. */
  readonly uploadsMax: number
  /** `?wait=1` is answered after this time in any case. */
  readonly waitMs: number
}

export interface WriteDesk {
  readonly scratch: Scratch
  readonly packagePolicy: PackagePolicy
  /** Another file of the same name is replaced. */
  readonly replaces: boolean
  readonly publication: Publication
  readonly limits: WriteLimits
}

export interface WriteRequest {
  readonly store: FolderStore
  readonly prefix: string
  readonly madeFolders: MadeFolders
  readonly emptyFiles: EmptyFiles
  readonly path: Extract<RequestPath, { kind: 'key' }>
  readonly headers: IncomingHttpHeaders
  readonly now: () => Date
  /** Somebody may have locked it since it was let in. */
  readonly refuseNow: () => Answer | undefined
  readonly signal: AbortSignal
}

/** Uploads that are under way, of one door. */
export class Uploads {
  #running = 0

  /**
   * @param body is asked for only when the upload may begin
   * @throws StoreError, and what the body throws where it is torn
   */
  async put(desk: WriteDesk, request: WriteRequest, body: () => AsyncIterable<Uint8Array>): Promise<Answer> {
    const refusal = refuseUpload(desk, request)
    if (refusal !== undefined) return refusal
    if (this.#running >= desk.limits.uploadsMax) {
      return sentence(503, 'as many uploads as may be are under way; try again', { 'Retry-After': '5' })
    }
    this.#running += 1
    try {
      const received = await receiveDraft(body(), desk.scratch, desk.limits, request.now)
      if (received.kind === 'too large') return tooLarge(desk)
      if (received.kind === 'too slow') return sentence(408, 'the upload is too slow', { Connection: 'close' })
      try {
        return await admit(desk, request, received.draft)
      } finally {
        await received.draft.remove()
      }
    } finally {
      this.#running -= 1
    }
  }
}

/** @throws StoreError */
export async function deletePackage(desk: WriteDesk, request: WriteRequest): Promise<Answer> {
  const { store, path, prefix, madeFolders, emptyFiles, headers, signal } = request
  const key = `${prefix}${path.key}`
  // One that a package has come into since, or another folder, is none that was only made.
  if (madeFolders.has(path.key) && madeFolders.in(path.key).length === 0 && !(await isFolder(store, key, signal))) {
    madeFolders.remove(path.key)
    return { status: 204, body: { kind: 'none' } }
  }
  if (passOverKey(key) !== undefined) {
    return sentence(403, 'only packages, and folders that were made here and are empty, can be deleted')
  }
  const there = await store.head(key, { signal })
  const ifMatch = headers['if-match']
  if (there === undefined && emptyFiles.has(path.key)) {
    emptyFiles.forget(path.key)
    return { status: 204, body: { kind: 'none' } }
  }
  if (there === undefined) return ifMatch === undefined ? sentence(404, 'there is nothing here') : changed()
  if (ifMatch !== undefined) {
    if (!matchesStrongly(ifMatch, there)) return changed()
    if ((await store.delete(key, { ifMatch: there.etag, signal })).kind === 'conflict') return changed()
  } else await store.delete(key, { signal })
  return told(desk, request, { key, sha256: undefined }, sentence(200, `deleted ${path.key}`))
}

/** All that can be said before a byte of the body came. */
function refuseUpload(desk: WriteDesk, { path, prefix, headers }: WriteRequest): Answer | undefined {
  if (path.key === '' || path.key.endsWith('/')) {
    return sentence(400, 'name the file: with a slash at the end of the URL, curl -T adds its name')
  }
  const why = passOverKey(`${prefix}${path.key}`)
  if (why !== undefined) return sentence(422, `${path.key} cannot be in a repository: ${whyNot[why] ?? why}`)
  if (!isFinished(path.key))
    return sentence(422, `${path.key} is the name of a file on its way: a part of it begins with a dot`)
  // RFC 9110, section 14.5: a part of a file must not be taken for the whole.
  if (headers['content-range'] !== undefined) return sentence(400, 'a part of a file cannot be put; send all of it')
  if (headers['content-encoding'] !== undefined) return sentence(415, 'send the file as it is, without an encoding')
  return Number(headers['content-length'] ?? 0) > desk.limits.uploadBytesMax ? tooLarge(desk) : undefined
}

const whyNot: Readonly<Record<string, string>> = {
  'not an rpm': 'its name does not end in ".rpm"',
  'not safe as a location': 'its name has characters that no repository can list',
  'under repodata': 'below repodata/ there is metadata only',
}

async function admit(desk: WriteDesk, request: WriteRequest, draft: Draft): Promise<Answer> {
  const { store, path, prefix, emptyFiles, headers, signal } = request
  if (draft.size === 0 && writesNothingFirst(headers)) return keepName(desk, request)
  const problem = await checkDraft(draft, desk.scratch, desk.packagePolicy, signal)
  if (problem !== undefined) return sentence(422, `${path.key} was not stored: ${problem}`)
  const refusal = request.refuseNow()
  if (refusal !== undefined) return refusal
  const key = `${prefix}${path.key}`
  const stored = await storeDraft(store, key, draft, { headers, replaces: desk.replaces, signal })
  const answer = answerFor(stored, path.key, draft)
  if (!('etag' in stored)) return answer
  emptyFiles.forget(path.key)
  return told(desk, request, { key, sha256: draft.sha256 }, answer)
}

/** The clients of macOS and of Windows write a file of no bytes first, then lock it, and then write what they mean. */
function writesNothingFirst(headers: IncomingHttpHeaders): boolean {
  return /^(?:WebDAVFS|Microsoft-WebDAV-MiniRedir)\//.test(headers['user-agent'] ?? '')
}

async function keepName(desk: WriteDesk, { store, path, prefix, emptyFiles, signal }: WriteRequest): Promise<Answer> {
  const there = await store.head(`${prefix}${path.key}`, { signal })
  if (there !== undefined) return desk.replaces ? { status: 204, body: { kind: 'none' } } : taken(path.key)
  emptyFiles.hold(path.key)
  return sentence(201, `${path.key} is kept for what is to come`)
}

function answerFor(stored: Stored, name: string, { size, sha256 }: Draft): Answer {
  switch (stored.kind) {
    case 'created':
      return sentence(201, `stored ${name}: ${size} bytes, SHA-256 ${sha256}`, {
        ETag: stored.etag,
        Location: `/${encodeKey(name)}`,
      })
    case 'replaced':
      return sentence(200, `replaced ${name}: ${size} bytes, SHA-256 ${sha256}`, { ETag: stored.etag })
    case 'same':
      return sentence(200, `${name} is there already, with these very bytes`, { ETag: stored.etag })
    case 'taken':
      return taken(name)
    case 'changed':
      return changed()
    case 'contended':
      return sentence(503, 'others write the same file just now; try again', { 'Retry-After': '1' })
  }
}

/** Tells who publishes; who asked for it is answered when it is done. */
async function told(desk: WriteDesk, request: WriteRequest, change: Change, answer: Answer): Promise<Answer> {
  const { signal } = request
  const { wait } = desk.publication.changed(change)
  if (!asksToWait(request)) return answer
  const published = await wait(AbortSignal.any([signal, AbortSignal.timeout(desk.limits.waitMs)]))
  switch (published.kind) {
    case 'published':
      return withMore(answer, answer.status, 'published')
    case 'refused':
      return withMore(answer, 422, `not published: ${published.reason}`)
    case 'later':
      // It was asked for, and is not so: a pipeline must not take that for success (RFC 9110, section 15.6.5).
      return withMore(answer, 504, `it is stored, and not published yet: ${published.reason}`)
  }
}

/** By the query, or as RFC 7240, section 4.3, has it, where a client leaves no room for a query: `Prefer: wait=60`. */
function asksToWait({ path, headers }: WriteRequest): boolean {
  if (['1', 'true', 'yes'].includes(path.query.get('wait') ?? '')) return true
  return [headers.prefer ?? []].flat().some((prefer) => /(?:^|,)\s*wait\s*(?:=|,|;|$)/i.test(prefer))
}

function withMore(answer: Answer, status: number, words: string): Answer {
  const { body } = answer
  return { ...answer, status, body: body.kind === 'text' ? { ...body, text: `${body.text}${words}\n` } : body }
}

function taken(name: string): Answer {
  return sentence(409, `another file is there already as ${name}; a new version or release has a new name`)
}

function changed(): Answer {
  return sentence(412, 'another version is there than the one that was named, or none')
}

function tooLarge({ limits }: WriteDesk): Answer {
  return sentence(413, `more than ${limits.uploadBytesMax} bytes are not taken`)
}
