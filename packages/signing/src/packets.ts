import { ByteReader } from './byte-reader.ts'
import { OpenPgpError } from './openpgp-error.ts'

/** One packet: what it is, and what it holds, as a view. */
export interface Packet {
  readonly tag: number
  readonly body: Uint8Array
}

export const PacketTag = {
  signature: 2,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  marker: 10,
  trust: 12,
  userId: 13,
  publicSubkey: 14,
  userAttribute: 17,
} as const

/**
 * Cuts bytes into packets (RFC 9580 4.2). As in rpm (rpmio/rpmpgp_internal.c `decodePkt`) a packet says its length: those of
 * partial or indefinite length, in which data of any size could hide, are refused.
 *
 * @param packetsMax more are refused; nothing is made of the first ones then
 * @throws OpenPgpError MALFORMED
 */
export function readPackets(bytes: Uint8Array, packetsMax: number): Packet[] {
  const reader = new ByteReader(bytes)
  const packets: Packet[] = []
  while (reader.remaining > 0) {
    if (packets.length === packetsMax) throw new OpenPgpError('MALFORMED', `there are more than ${packetsMax} packets`)
    packets.push(readPacket(reader))
  }
  return packets
}

function readPacket(reader: ByteReader): Packet {
  const first = reader.number(1)
  if ((first & 0x80) === 0) throw new OpenPgpError('MALFORMED', `no packet begins with byte ${first}`)
  const isNewFormat = (first & 0x40) !== 0
  if (isNewFormat) return { tag: first & 0x3f, body: reader.take(newFormatLength(reader)) }
  const width = [1, 2, 4] as const
  const lengthWidth = width[first & 3]
  if (lengthWidth === undefined) throw new OpenPgpError('MALFORMED', 'a packet does not say how long it is')
  return { tag: (first >> 2) & 0xf, body: reader.take(reader.number(lengthWidth)) }
}

function newFormatLength(reader: ByteReader): number {
  const first = reader.number(1)
  if (first < 192) return first
  if (first < 224) return (first - 192) * 256 + reader.number(1) + 192
  if (first === 255) return reader.number(4)
  throw new OpenPgpError('MALFORMED', 'a packet comes in parts, and does not say how long it is')
}
