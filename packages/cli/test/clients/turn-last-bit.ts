import { createHash } from 'node:crypto'
import { readBody } from '@repokeeper/object-store'
import type { ClientPlace } from './client-place.ts'

/** Replaces an object by one of its own size with another last bit. @returns the SHA-256 that it had, and the one that it has */
export async function turnLastBit(
  { store }: ClientPlace,
  key: string,
): Promise<{ expected: string; calculated: string }> {
  const got = await store.get(key)
  if (got.kind !== 'found') throw new Error(`${key} is ${got.kind}`)
  const bytes = Buffer.from(await readBody(got.body, 2 ** 30))
  const expected = sha256(bytes)
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  await store.put(key, bytes, { if: 'always' })
  return { expected, calculated: sha256(bytes) }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
