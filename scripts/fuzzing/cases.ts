/**
 * Cases of a target: a real input, what is done to it, and the pieces in which it comes. A case follows from the seed and its path
 * alone, as long as the same packages are at hand.
 */
import * as fc from 'fast-check'
import { applyEdits, editsFor } from './mutations.ts'
import type { Seed, Target } from './targets.ts'

export interface Case {
  readonly input: Seed
  readonly pieceBytes: number
}

export async function casesOf({ seeds, tokens, placesOf, seamsOf }: Target): Promise<fc.Arbitrary<Case>> {
  const inputs = await seeds()
  const others = inputs.map(({ bytes }) => bytes)
  return fc
    .record({
      seed: fc.nat(inputs.length - 1),
      edits: editsFor(seamsOf !== undefined),
      pieceBytes: fc.integer({ min: 1, max: 5000 }),
    })
    .map(({ seed, edits, pieceBytes }) => {
      const input = inputs[seed]
      if (input === undefined) throw new Error('a target without inputs')
      return {
        input: { ...input, bytes: applyEdits({ bytes: input.bytes, others, tokens, placesOf, seamsOf }, edits) },
        pieceBytes,
      }
    })
}
