/**
 * Message → changes. It never throws. Beside it: in an SNS envelope it says the same, and what it names can be the key of an object.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Interpretation, interpretMessage } from '@repokeeper/repository'
import { insist } from './contradiction.ts'

/** What a reading came to, in the place of an error's code: a message is never refused by throwing. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
  readonly code = 'UNREADABLE'
}

/** @throws Unreadable, Contradiction */
export function readHostileEvent(bytes: Uint8Array): void {
  const body = Buffer.from(bytes).toString('utf8')
  const interpretation = interpretMessage(body)
  checkKeys(interpretation)
  const enveloped = interpretMessage(JSON.stringify({ Type: 'Notification', Message: body }))
  const tooDeep = enveloped.kind === 'unreadable' && enveloped.reason.includes('SNS envelopes inside one another')
  insist(tooDeep || isDeepStrictEqual(enveloped, interpretation), 'in an envelope it says the same')
  if (interpretation.kind === 'unreadable') throw new Unreadable(interpretation.reason)
}

function checkKeys(interpretation: Interpretation): void {
  if (interpretation.kind === 'unreadable') insist(interpretation.reason !== '', 'a reason is given')
  if (interpretation.kind !== 'changes') return
  for (const { bucket, key, said } of interpretation.changes) {
    insist(key !== '' && key.isWellFormed() && Buffer.byteLength(key) <= 1024, 'a key is one that S3 allows')
    insist(!/[^A-Za-z0-9._:-]/.test(bucket), 'a bucket has a name that S3 allows')
    insist(said === 'created' || said === 'removed', 'a change is one or the other')
  }
}
