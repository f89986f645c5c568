import { createHash } from 'node:crypto'
import { unlessAborted } from './abort.ts'
import { type PutBody, StoreError } from './port.ts'

/** What a source has to prove before the last of its bytes is let go. */
export interface SourceChecks {
  readonly sha256?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((bytesSent: number) => void) | undefined
  /** For messages. */
  readonly subject: { readonly store: string; readonly key: string }
}

/**
 * The bytes of a body, opened anew, of which the last chunk is held back until length and SHA-256 are proven. A store
 * that takes nothing but whole bodies (all of them do: a request cut short stores nothing) therefore never gets a wrong
 * one, whether it verifies digests itself or not.
 *
 * @throws StoreError `BAD_DIGEST`, or `FAILED` where the length differs from what was said; what the source throws; the
 *   signal's reason.
 */
export async function* verifiedSource(body: PutBody, checks: SourceChecks): AsyncGenerator<Uint8Array, void, void> {
  const size = bodySize(body)
  const hash = checks.sha256 === undefined ? undefined : createHash('sha256')
  const iterator = openBody(body)[Symbol.asyncIterator]()
  let held: Uint8Array | undefined
  let taken = 0
  let sent = 0
  let finished = false
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), checks.signal)
      if (next.done) break
      if (next.value.length === 0) continue
      taken += next.value.length
      if (taken > size) throw wrongLength(`more than the ${size} bytes that were announced`, checks)
      hash?.update(next.value)
      if (held !== undefined) {
        yield held
        sent += held.length
        checks.onProgress?.(sent)
      }
      held = next.value
    }
    finished = true
  } finally {
    // Not awaited: a source that hangs would hold up the abort that is to end it.
    if (!finished) void Promise.resolve(iterator.return?.()).catch(() => {})
  }
  if (taken < size) throw wrongLength(`only ${taken} of the ${size} bytes that were announced`, checks)
  const digest = hash?.digest('hex')
  if (digest !== checks.sha256) throw badDigest(digest, checks)
  if (held !== undefined) yield held
  checks.onProgress?.(size)
}

/** @throws StoreError `BAD_DIGEST`, and the signal's reason */
export async function checkDigest(bytes: AsyncIterable<Uint8Array>, checks: SourceChecks): Promise<void> {
  if (checks.sha256 === undefined) return
  const hash = createHash('sha256')
  for await (const chunk of bytes) {
    checks.signal?.throwIfAborted()
    hash.update(chunk)
  }
  const digest = hash.digest('hex')
  if (digest !== checks.sha256) throw badDigest(digest, checks)
}

export function bodySize(body: PutBody): number {
  return body instanceof Uint8Array ? body.length : body.size
}

function openBody(body: PutBody): AsyncIterable<Uint8Array> {
  return body instanceof Uint8Array ? once(body) : body.open()
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

export function wrongLength(found: string, { subject }: Pick<SourceChecks, 'subject'>): StoreError {
  return new StoreError(
    'FAILED',
    `${subject.store}: nothing was stored as ${subject.key}, because its source gave ${found}; did the file change while it was read?`,
    subject,
  )
}

function badDigest(found: string | undefined, { subject, sha256 }: SourceChecks): StoreError {
  return new StoreError(
    'BAD_DIGEST',
    `${subject.store}: nothing was stored as ${subject.key}, because its bytes have the SHA-256 ${found} instead of ${sha256}; did the file change after it was hashed?`,
    subject,
  )
}
