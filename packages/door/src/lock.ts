/**
 * LOCK and UNLOCK: RFC 4918, sections 9.10 and 9.11.
 */
import { passOverKey } from '@repokeeper/repository'
import { type Answer, sentence } from './answer.ts'
import { networkOf } from './client-address.ts'
import { isAny } from './conditions.ts'
import { locked, submittedLock } from './lock-guard.ts'
import { parseLockRequest, parseTimeout } from './lock-request.ts'
import type { Lock } from './locks.ts'
import { isFinished } from './package-places.ts'
import { type DavRequest, folderIsThere } from './propfind.ts'
import { formatLock, xmlAnswer } from './webdav-xml.ts'
import type { XmlElement } from './xml-body.ts'

/** @param body absent: a lock is to be renewed @throws StoreError */
export async function lock(request: DavRequest, body: XmlElement | undefined): Promise<Answer> {
  const { headers, locks, emptyFiles, user, from } = request
  if (body === undefined) return renew(request)
  const asked = parseLockRequest(body, headers)
  if (asked.kind === 'refused') return asked.answer
  const what = await lookAt(request)
  if (what === 'nothing that can be locked') {
    return sentence(403, 'only packages, and folders that are there, can be locked')
  }
  const ifNoneMatch = headers['if-none-match']
  if (what !== 'nothing yet' && ifNoneMatch !== undefined && isAny(ifNoneMatch)) {
    return sentence(412, 'it is there already')
  }
  const root = request.path.replace(/\/$/, '')
  const { depth, owner, secondsLeft } = asked
  const taken = locks.take({ root, depth, owner, user, holder: user ?? networkOf(from), secondsLeft })
  if (taken.kind === 'taken') return locked('no-conflicting-lock', [taken.by])
  if (taken.kind === 'too many') {
    return sentence(503, 'as many locks as may be are held; give some back, or try again', { 'Retry-After': '60' })
  }
  if (what === 'nothing yet' || emptyFiles.has(root)) emptyFiles.hold(root, secondsLeft)
  return granted(what === 'nothing yet' ? 201 : 200, taken.lock)
}

export function unlock({ path, headers, locks, emptyFiles, user }: DavRequest): Answer {
  const [, token] = /^\s*<([^<>\s]+)>\s*$/.exec(headers['lock-token']?.toString() ?? '') ?? []
  if (token === undefined) return sentence(400, 'the header "Lock-Token" says which lock, as <urn:uuid:…>')
  const held = locks.covering(path).find((one) => one.token === token)
  if (held === undefined) return sentence(409, 'there is no such lock here')
  if (held.user !== user) return sentence(403, 'only who took a lock may give it back')
  locks.release(held)
  emptyFiles.forget(held.root)
  return { status: 204, body: { kind: 'none' } }
}

function renew(request: DavRequest): Answer {
  const { path, headers, locks, emptyFiles } = request
  if (headers.if === undefined) return sentence(400, 'say in the body what lock it is to be, or in "If" which to renew')
  const held = submittedLock(path, request)
  if (held === undefined) return sentence(412, 'there is no such lock here')
  const renewed = locks.refresh(held, parseTimeout(headers.timeout?.toString()))
  if (emptyFiles.has(renewed.root)) emptyFiles.hold(renewed.root, renewed.secondsLeft)
  return xmlAnswer(200, formatLock(renewed))
}

type Lockable = 'a file' | 'a folder' | 'nothing yet' | 'nothing that can be locked'

async function lookAt(request: DavRequest): Promise<Lockable> {
  const { store, prefix, path, emptyFiles, signal } = request
  const mayBePackage = passOverKey(`${prefix}${path}`) === undefined && isFinished(path)
  if (mayBePackage) {
    if (emptyFiles.has(path) || (await store.head(`${prefix}${path}`, { signal })) !== undefined) return 'a file'
    return 'nothing yet'
  }
  const folder = path === '' || path.endsWith('/') ? path : `${path}/`
  return (await folderIsThere(request, folder)) ? 'a folder' : 'nothing that can be locked'
}

function granted(status: number, lock: Lock): Answer {
  const answer = xmlAnswer(status, formatLock(lock))
  return { ...answer, headers: { ...answer.headers, 'Lock-Token': `<${lock.token}>` } }
}
