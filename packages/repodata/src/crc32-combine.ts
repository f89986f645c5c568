/**
 * The CRC-32 of two runs of bytes from the CRC-32 of each, without the bytes: what zlib calls crc32_combine.
 *
 * A CRC is a polynomial over GF(2) modulo the one of gzip (RFC 1952, section 8). Bytes that follow push it up by x^8 each; so the first
 * CRC times x^(8 · length of the second), plus the second, is that of both. Bit 31 stands for x^0, as in zlib's tables.
 */

/** The polynomial of CRC-32 without its x^32, in the same bit order. */
const polynomial = 0xedb88320
const one = 0x80000000

/**
 * @param first @param second CRC-32 of the runs, 0 to 2^32 - 1
 * @param secondBytes length of the second run
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  return (multiply(powerOfBytes(secondBytes), first) ^ second) >>> 0
}

/** x^(8 · bytes). */
function powerOfBytes(bytes: number): number {
  let power = one
  for (let rest = bytes, bit = 0; rest > 0; rest = Math.floor(rest / 2), bit += 1) {
    if (rest % 2 === 1) power = multiply(squares[bit] ?? 0, power)
  }
  return power
}

function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let factor = a; factor !== 0; factor <<= 1) {
    if (factor < 0 || factor >= one) product ^= shifted
    shifted = (shifted & 1) === 1 ? (shifted >>> 1) ^ polynomial : shifted >>> 1
  }
  return product
}

/** x^(8 · 2^n), for every length that a number can hold. */
const squares: number[] = [one >>> 8]
for (let bit = 1; bit < 53; bit += 1) {
  const before = squares[bit - 1] ?? 0
  squares.push(multiply(before, before))
}
