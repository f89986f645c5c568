import { createHash } from 'node:crypto'
import { z } from 'zod'
import { createCrc32, createCrc32c, createCrc64Nvme } from './crc.ts'
import { S3Error } from './error.ts'

/** S3's names of what can be computed here; its xxHash ones cannot. Source: AWS, "Checking object integrity". */
export const checksumAlgorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256', 'SHA512', 'MD5'] as const
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number]

/** Over the object's bytes, or over the checksums of its parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

export const checksumSchema = z.object({
  algorithm: z.enum(checksumAlgorithms),
  type: z.enum(['FULL_OBJECT', 'COMPOSITE']),
  /** Base64; with `-N` for N parts where it is composite. */
  value: z.string(),
})
export type Checksum = z.output<typeof checksumSchema>

const digestBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
  SHA512: 64,
  MD5: 16,
}

export interface Digester {
  update(chunk: Uint8Array): void
  digest(): Buffer
}

export function createDigester(algorithm: ChecksumAlgorithm): Digester {
  switch (algorithm) {
    case 'CRC32':
      return createCrc32()
    case 'CRC32C':
      return createCrc32c()
    case 'CRC64NVME':
      return createCrc64Nvme()
    default: {
      const hash = createHash(algorithm)
      return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest() }
    }
  }
}

/** `x-amz-checksum-sha256` */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`
}

/** `ChecksumSHA256` */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`
}

/** @throws S3Error InvalidRequest */
export function parseChecksumAlgorithm(name: string): ChecksumAlgorithm {
  const algorithm = checksumAlgorithms.find((known) => known === name.toUpperCase())
  if (algorithm !== undefined) return algorithm
  if (/^xxhash/i.test(name)) {
    throw new S3Error(
      'NotImplemented',
      `local-cloud cannot compute ${name}; it knows ${checksumAlgorithms.join(', ')}.`,
    )
  }
  throw new S3Error(
    'InvalidRequest',
    'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
  )
}

/**
 * The checksum that a client says its body has.
 * @throws S3Error InvalidRequest for two of them, for one that is no base64 of the right length.
 */
export function declaredChecksum(
  header: (name: string) => string | undefined,
): { algorithm: ChecksumAlgorithm; value: string } | undefined {
  const declared = checksumAlgorithms.flatMap((algorithm) => {
    const value = header(checksumHeader(algorithm))
    return value === undefined ? [] : [{ algorithm, value }]
  })
  if (declared.length > 1) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    )
  }
  const [checksum] = declared
  if (checksum !== undefined && !isDigest(checksum.algorithm, checksum.value)) {
    throw new S3Error('InvalidRequest', `Value for ${checksumHeader(checksum.algorithm)} header is invalid.`)
  }
  return checksum
}

/** Whether this is base64 of as many bytes as the algorithm gives. */
export function isDigest(algorithm: ChecksumAlgorithm, value: string): boolean {
  const bytes = Buffer.from(value, 'base64')
  return bytes.length === digestBytes[algorithm] && bytes.toString('base64') === value
}

/**
 * Which type a multipart upload's checksum has.
 * Source: AWS, "Checking object integrity", table of supported types: CRC64NVME is of the full object only, the digests are
 * composite only, the two other CRCs may be both.
 * @throws S3Error InvalidRequest
 */
export function multipartChecksumType(algorithm: ChecksumAlgorithm, asked: string | undefined): ChecksumType {
  const possible: readonly ChecksumType[] =
    algorithm === 'CRC64NVME'
      ? ['FULL_OBJECT']
      : algorithm === 'CRC32' || algorithm === 'CRC32C'
        ? ['COMPOSITE', 'FULL_OBJECT']
        : ['COMPOSITE']
  const type = asked === undefined ? possible[0] : possible.find((known) => known === asked)
  if (type === undefined) {
    throw new S3Error(
      'InvalidRequest',
      `The ${asked} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    )
  }
  return type
}

/** The checksum of the parts' checksums, and how many they were. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly string[]): string {
  const digester = createDigester(algorithm)
  for (const part of parts) digester.update(Buffer.from(part, 'base64'))
  return `${digester.digest().toString('base64')}-${parts.length}`
}
