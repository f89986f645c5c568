/**
 * What is done to real inputs: bits turned, bytes set, pieces cut out, doubled, put in, two inputs spliced, and at the places
 * where a format keeps its numbers and names, others put in their place.
 */
import * as fc from 'fast-check'

/** Bytes of an input that a format gives a meaning to, and what is worth putting there. */
export interface Place {
  readonly start: number
  readonly end: number
  readonly values: readonly Uint8Array[]
}

const kinds = ['flip', 'set', 'place', 'cut', 'truncate', 'insert', 'double', 'token', 'splice'] as const

export interface Edit {
  readonly kind: (typeof kinds)[number]
  /** Pieces begin and end where the format lets them: at a tag, not within one. */
  readonly aligned: boolean
  /** Taken modulo whatever it chooses from. */
  readonly at: number
  readonly length: number
  readonly value: number
  readonly bytes: Uint8Array
}

export interface Mutable {
  readonly bytes: Uint8Array
  /** Other inputs of the kind, for splices. */
  readonly others: readonly Uint8Array[]
  readonly tokens: readonly Uint8Array[]
  readonly placesOf: (bytes: Uint8Array) => readonly Place[]
  /** Where a piece can begin or end; absent where a piece moved breaks everything behind it. */
  readonly seamsOf?: ((bytes: Uint8Array) => readonly number[]) | undefined
}

/** No edit makes an input longer than this: a case is to be quick. */
const inputBytesMax = 64 * 1024

/** Evenly: most of an input lies neither at its begin nor at its end. */
const anywhere = fc.noBias(fc.nat({ max: 0xffffffff }))

/**
 * @param movable pieces may move without breaking everything behind them, as in text; else most edits leave the length as it is,
 * so that a decoder gets further than the first offset that is wrong
 */
export function editsFor(movable: boolean): fc.Arbitrary<readonly Edit[]> {
  const inPlace = ['flip', 'set', 'place', 'place'] as const
  const moving = ['cut', 'double', 'token', 'splice'] as const
  const often = movable ? [...inPlace, ...moving, ...moving] : [...inPlace, ...inPlace, ...inPlace]
  const edit = fc.record({
    kind: fc.constantFrom(...often, ...kinds),
    aligned: movable ? fc.constantFrom(true, true, true, false) : fc.constant(false),
    at: anywhere,
    length: fc.oneof(fc.nat({ max: 16 }), fc.nat({ max: 4096 })),
    value: anywhere,
    bytes: fc.uint8Array({ maxLength: 8 }),
  })
  return fc.oneof(fc.tuple(edit), fc.array(edit, { minLength: 1, maxLength: 4 }))
}

/** An edit that finds nothing to do leaves the input as it is. */
export function applyEdits({ bytes, ...kind }: Mutable, list: readonly Edit[]): Uint8Array {
  return list.reduce((edited, edit) => applyEdit({ bytes: edited, ...kind }, edit).subarray(0, inputBytesMax), bytes)
}

function applyEdit({ bytes, others, tokens, placesOf, seamsOf }: Mutable, edit: Edit): Uint8Array {
  const seams = edit.aligned ? seamsOf?.(bytes) : undefined
  const [at, end] = pieceOf(bytes, seams, edit)
  switch (edit.kind) {
    case 'flip':
      return withByte(bytes, edit.at % (bytes.length + 1), (byte) => byte ^ (1 << (edit.value % 8)))
    case 'set':
      return withByte(bytes, edit.at % (bytes.length + 1), () => edit.value & 0xff)
    case 'cut':
      return join(bytes.subarray(0, at), bytes.subarray(end))
    case 'truncate':
      return bytes.subarray(0, at)
    case 'insert':
      return join(bytes.subarray(0, at), edit.bytes, bytes.subarray(at))
    case 'double': {
      const copies = Array.from({ length: 1 + (edit.value % 8) }, () => bytes.subarray(at, end))
      return join(bytes.subarray(0, end), ...copies, bytes.subarray(end))
    }
    case 'token':
      return join(bytes.subarray(0, at), choose(tokens, edit.value) ?? edit.bytes, bytes.subarray(at))
    case 'place': {
      const place = choose(placesOf(bytes), edit.at)
      if (place === undefined) return bytes
      const value = choose(place.values, edit.value) ?? edit.bytes
      return join(bytes.subarray(0, place.start), value, bytes.subarray(place.end))
    }
    case 'splice': {
      const other = choose(others, edit.value) ?? bytes
      const [from] = pieceOf(other, edit.aligned ? seamsOf?.(other) : undefined, edit)
      return join(bytes.subarray(0, at), other.subarray(from))
    }
  }
}

/** Begin and end of the piece that an edit means: from one seam to another, or anywhere. */
function pieceOf(bytes: Uint8Array, seams: readonly number[] | undefined, { at, length }: Edit): [number, number] {
  if (seams === undefined || seams.length === 0) {
    const start = at % (bytes.length + 1)
    return [start, Math.min(bytes.length, start + 1 + length)]
  }
  const first = at % seams.length
  return [seams[first] ?? 0, seams[Math.min(seams.length - 1, first + 1 + (length % 16))] ?? bytes.length]
}

function withByte(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? change(byte) : byte))
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  // Not a Buffer from the pool: a decoder that reads outside its view would find the bytes of another.
  return Uint8Array.from(Buffer.concat(parts))
}

function choose<Item>(items: readonly Item[], number: number): Item | undefined {
  return items.length === 0 ? undefined : items[number % items.length]
}
