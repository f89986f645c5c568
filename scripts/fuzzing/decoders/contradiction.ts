/** Two ways to the same answer gave different ones, or an answer breaks a law. Never what a decoder itself throws. */
export class Contradiction extends Error {
  override readonly name = 'Contradiction'
}

/** @throws Contradiction */
export function insist(holds: boolean, law: string): asserts holds {
  if (!holds) throw new Contradiction(law)
}

/** In pieces of so many bytes, as a store might send them. */
export async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}
