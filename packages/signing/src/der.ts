/** As much of DER (X.690) as a DSA key takes, which has no other form that node:crypto reads. */

/** @param integer big-endian, not negative */
export function derInteger(integer: Uint8Array): Buffer {
  const isPositive = (integer[0] ?? 0x80) < 0x80
  return element(0x02, isPositive ? integer : Buffer.concat([Uint8Array.of(0), integer]))
}

export function derSequence(...parts: readonly Uint8Array[]): Buffer {
  return element(0x30, Buffer.concat(parts))
}

/** @param hex the content, encoded */
export function derObjectId(hex: string): Buffer {
  return element(0x06, Buffer.from(hex, 'hex'))
}

/** A bit string of whole bytes. */
export function derBits(content: Uint8Array): Buffer {
  return element(0x03, Buffer.concat([Uint8Array.of(0), content]))
}

function element(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(tag), lengthOf(content.length), content])
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length)
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  const significant = bytes.subarray(bytes.findIndex((byte) => byte !== 0))
  return Buffer.concat([Uint8Array.of(0x80 | significant.length), significant])
}
