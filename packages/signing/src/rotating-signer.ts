/**
 * Two keys, of which the one follows the other on a day that is said in advance: until then clients have time to learn of the second.
 */
import type { Signer } from './signer.ts'

export interface Rotation {
  /** Signs until then. */
  readonly now: Signer
  /** Signs from then on. */
  readonly next: Signer
  /** Milliseconds since 1970. */
  readonly from: number
}

/** @param clock milliseconds, as Date.now() has them */
export function rotatingSigner({ now, next, from }: Rotation, clock: () => number): Signer {
  const current = (): Signer => (clock() < from ? now : next)
  return {
    // Both, before and after: a client that has only one of them can still check what the other has not signed yet.
    publicKey: `${now.publicKey}${next.publicKey}`,
    get describe() {
      return current().describe
    },
    sign: (bytes) => current().sign(bytes),
  }
}
