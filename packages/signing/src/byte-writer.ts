/** Parts of packets, as every reader takes them. */

/** In the old format with two bytes of length, which gpg 1 reads, too. */
export function packetBytes(tag: number, body: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(0x80 | (tag << 2) | 1), number16(body.length), body])
}

/** @param integer big-endian; zeros in front are dropped */
export function integerBytes(integer: Uint8Array): Buffer {
  const significant = integer.subarray(
    Math.max(
      0,
      integer.findIndex((byte) => byte !== 0),
    ),
  )
  return Buffer.concat([number16(8 * significant.length - Math.clz32(significant[0] ?? 0) + 24), significant])
}

export function number16(number: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(number)
  return bytes
}

export function number32(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number)
  return bytes
}
