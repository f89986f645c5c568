import { crc32 } from 'node:zlib'

/** A cyclic redundancy check over bytes that arrive in pieces; the digest is big-endian, as S3 encodes it. */
export interface Crc {
  update(chunk: Uint8Array): void
  digest(): Buffer
}

/** CRC-32 of ISO 3309, of gzip and zip. */
export function createCrc32(): Crc {
  let state = 0
  return {
    update(chunk) {
      state = crc32(chunk, state)
    },
    digest: () => bigEndian(state),
  }
}

/** CRC-32C (Castagnoli; RFC 3720, B.4). Node has none. */
export function createCrc32c(): Crc {
  let state = 0xffffffff
  return {
    update(chunk) {
      for (let index = 0; index < chunk.length; index++) {
        state = (state >>> 8) ^ (crc32cTable[(state ^ (chunk[index] ?? 0)) & 0xff] ?? 0)
      }
    },
    digest: () => bigEndian(~state >>> 0),
  }
}

/** CRC-64/NVME (NVM Command Set specification, 5.2.1.3.4). Node has none; the state is two halves, as BigInt is too slow. */
export function createCrc64Nvme(): Crc {
  let high = 0xffffffff
  let low = 0xffffffff
  return {
    update(chunk) {
      for (let index = 0; index < chunk.length; index++) {
        const slot = (low ^ (chunk[index] ?? 0)) & 0xff
        low = ((low >>> 8) | (high << 24)) ^ (crc64Table.low[slot] ?? 0)
        high = (high >>> 8) ^ (crc64Table.high[slot] ?? 0)
      }
    },
    digest: () => Buffer.concat([bigEndian(~high >>> 0), bigEndian(~low >>> 0)]),
  }
}

const crc32cTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0)
  return value >>> 0
})

const crc64Table = makeCrc64Table(0x9a6c9329ac4bc9b5n)

function makeCrc64Table(reflectedPolynomial: bigint) {
  const high = new Uint32Array(256)
  const low = new Uint32Array(256)
  for (let index = 0; index < 256; index++) {
    let value = BigInt(index)
    for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ (value & 1n ? reflectedPolynomial : 0n)
    high[index] = Number(value >> 32n)
    low[index] = Number(value & 0xffffffffn)
  }
  return { high, low }
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
