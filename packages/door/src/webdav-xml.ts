/**
 * What WebDAV answers in: RFC 4918, sections 13 and 14.
 */
import type { Answer } from './answer.ts'
import type { Lock } from './locks.ts'
import { encodeKey } from './request-path.ts'

const front = '<?xml version="1.0" encoding="utf-8"?>\n'

export function xmlAnswer(status: number, text: string): Answer {
  const contentType = 'application/xml; charset=utf-8'
  return { status, headers: { 'Cache-Control': 'no-cache' }, body: { kind: 'text', contentType, text } }
}

export function formatMultistatus(responses: readonly string[]): string {
  return `${front}<D:multistatus xmlns:D="DAV:">\n${responses.join('')}</D:multistatus>\n`
}

/** <D:propstat><D:prop>…</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat> */
export function formatPropstat(properties: readonly string[], status: '200 OK' | '403 Forbidden' | '404 Not Found') {
  return properties.length === 0
    ? ''
    : `<D:propstat><D:prop>${properties.join('')}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`
}

/** @param path below the top of the door; of a folder empty or with its slash at the end */
export function formatResponse(path: string, propstats: string): string {
  return `<D:response>${formatHref(path)}${propstats}</D:response>\n`
}

/** <D:error xmlns:D="DAV:"><D:lock-token-submitted><D:href>/el9/x.rpm</D:href></D:lock-token-submitted></D:error> */
export function formatError(condition: string, paths: readonly string[] = []): string {
  return `${front}<D:error xmlns:D="DAV:"><D:${condition}>${paths.map(formatHref).join('')}</D:${condition}></D:error>\n`
}

/** The body of the answer to a LOCK. */
export function formatLock(lock: Lock): string {
  return `${front}<D:prop xmlns:D="DAV:">${formatLockDiscovery([lock], lock.user)}</D:prop>\n`
}

/** @param user who looks: the token is for who took the lock */
export function formatLockDiscovery(locks: readonly Lock[], user: string | undefined): string {
  return `<D:lockdiscovery>${locks.map((lock) => formatActiveLock(lock, user)).join('')}</D:lockdiscovery>`
}

/** Of a property nothing but its name. */
export function formatName({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  if (namespace === 'DAV:') return `<D:${name}/>`
  return namespace === '' ? `<${name} xmlns=""/>` : `<x:${name} xmlns:x="${escapeXml(namespace)}"/>`
}

/** What is percent-encoded has nothing of it but apostrophes. */
export function escapeXml(text: string): string {
  // What XML cannot have at all (section 2.2 of it) a file system may.
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function formatActiveLock({ root, depth, owner, user, token, secondsLeft }: Lock, looks: string | undefined): string {
  const text = escapeXml(owner?.text ?? '')
  return [
    '<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope>',
    `<D:depth>${depth}</D:depth>`,
    owner === undefined ? '' : `<D:owner>${owner.kind === 'href' ? `<D:href>${text}</D:href>` : text}</D:owner>`,
    `<D:timeout>Second-${secondsLeft}</D:timeout>`,
    user === looks ? `<D:locktoken><D:href>${token}</D:href></D:locktoken>` : '',
    `<D:lockroot>${formatHref(root)}</D:lockroot></D:activelock>`,
  ].join('')
}

function formatHref(path: string): string {
  return `<D:href>${escapeXml(`/${encodeKey(path)}`)}</D:href>`
}
