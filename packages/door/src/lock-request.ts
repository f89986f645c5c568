/**
 * What a LOCK asks for: RFC 4918, sections 9.10 and 10.7.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { type Answer, sentence } from './answer.ts'
import { type Lock, type LockOwner, secondsMax } from './locks.ts'
import { childOf, type XmlElement } from './xml-body.ts'

export type LockRequest =
  | ({ readonly kind: 'lock' } & Pick<Lock, 'depth' | 'owner' | 'secondsLeft'>)
  | { readonly kind: 'refused'; readonly answer: Answer }

/** Where none is asked for. */
const usualSeconds = 600
/** Others see it with each file. */
const ownerCharactersMax = 512

export function parseLockRequest(body: XmlElement, headers: IncomingHttpHeaders): LockRequest {
  const scope = childOf(body, 'lockscope')
  const type = childOf(body, 'locktype')
  if (body.name !== 'lockinfo' || scope === undefined || type === undefined) {
    return refused(400, 'the body is no lockinfo with a lockscope and a locktype')
  }
  if (childOf(scope, 'exclusive') === undefined || childOf(type, 'write') === undefined) {
    return refused(403, 'only exclusive write locks are given')
  }
  const { depth = 'infinity' } = headers
  const known = (['0', 'infinity'] as const).find((one) => one === depth.toString().toLowerCase())
  if (known === undefined) return refused(400, 'the depth of a lock is 0 or infinity')
  const owner = ownerOf(childOf(body, 'owner'))
  if (owner !== undefined && owner.text.length > ownerCharactersMax) {
    return refused(400, `the owner of a lock has ${ownerCharactersMax} characters at most`)
  }
  return { kind: 'lock', depth: known, owner, secondsLeft: parseTimeout(headers.timeout?.toString()) }
}

/** The first that is understood counts; nobody gets more than is given. */
export function parseTimeout(header = ''): number {
  for (const one of header.split(',').slice(0, 10)) {
    if (/^\s*infinite\s*$/i.test(one)) return secondsMax
    const [, seconds] = /^\s*second-([0-9]{1,10})\s*$/i.exec(one) ?? []
    if (seconds !== undefined) return Math.min(secondsMax, Math.max(1, Number(seconds)))
  }
  return usualSeconds
}

/** Clients write a name, or the address of a person or a program; of what else they might, the text. */
function ownerOf(element: XmlElement | undefined): LockOwner | undefined {
  if (element === undefined) return undefined
  const href = childOf(element, 'href')
  return href === undefined ? { kind: 'text', text: element.text.trim() } : { kind: 'href', text: href.text.trim() }
}

function refused(status: number, words: string): LockRequest {
  return { kind: 'refused', answer: sentence(status, words) }
}
