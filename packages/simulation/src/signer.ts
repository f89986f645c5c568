/**
 * A signer whose signatures say what they are of: everybody can check them, and nobody has to compute.
 */
import { createHash } from 'node:crypto'
import type { RepomdSigner } from '@repokeeper/repository'

export const simulatedSigner: RepomdSigner = {
  sign: async (bytes) => Buffer.from(signatureOf(bytes)),
  verify: async (bytes, signature) => Buffer.from(signature).toString() === signatureOf(bytes),
  publicKey: Buffer.from('the public key'),
}

export function signatureOf(bytes: Uint8Array): string {
  return `signature of ${createHash('sha256').update(bytes).digest('hex')}`
}
