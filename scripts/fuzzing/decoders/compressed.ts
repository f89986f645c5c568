/**
 * Compressed bytes → bytes. Beside it: however they are cut they give the same, or the same refusal.
 */
import { createHash } from 'node:crypto'
import { decompress } from '@repokeeper/repodata'
import { inPieces, insist } from './contradiction.ts'

/** What a case may come to; more is refused by the decoder. */
export const openBytesMax = 2 ** 22

/** @throws DocumentError, Contradiction */
export async function readHostileCompressed(bytes: Uint8Array, pieceBytes: number): Promise<void> {
  const whole = await digestOf(bytes, bytes.length + 1)
  const cut = await digestOf(bytes, pieceBytes)
  insist(
    whole.digest === cut.digest,
    `as a whole it is ${whole.digest ?? String(whole.error)}, in pieces ${cut.digest ?? String(cut.error)}`,
  )
  if (whole.error !== undefined) throw whole.error
}

async function digestOf(
  bytes: Uint8Array,
  pieceBytes: number,
): Promise<{ readonly digest?: string; readonly error?: unknown }> {
  const hash = createHash('sha1')
  let length = 0
  try {
    for await (const piece of decompress(inPieces(bytes, pieceBytes), openBytesMax)) {
      hash.update(piece)
      length += piece.length
      insist(length <= openBytesMax, 'no more comes out than may')
    }
    return { digest: hash.digest('hex') }
  } catch (error) {
    return { error }
  }
}
