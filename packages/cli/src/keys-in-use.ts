/**
 * Which of the keys beside the metadata has signed it, and which is there to follow: while one key takes the place of another both lie there.
 */
import { readBody, StoreError } from '@repokeeper/object-store'
import { type CertifiedKey, isGoodDetached, type KeyFile, readKeyring, verifyDetached } from '@repokeeper/signing'
import { openBody, WebError } from '@repokeeper/transfer'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { openSource } from './open-source.ts'

export type KeyUse = 'signs now' | 'follows' | 'does not sign now'

/** As in repository/src/snapshot.ts and signature.ts. */
const repomdBytesMax = 16 * 2 ** 20
const signatureBytesMax = 2 ** 18

/** @returns by fingerprint; empty where the signature cannot be read, or is of none of these keys */
export async function keysInUse(
  place: string,
  file: KeyFile,
  connection: Connection,
  cli: Cli,
): Promise<ReadonlyMap<string, KeyUse>> {
  const now = Date.now()
  const keyring = readKeyring([file], now)
  const signed = await readSigned(place, connection, cli)
  if (signed === undefined) return new Map()
  const findings = verifyDetached(signed.repomd, signed.signature, { keyring, now })
  const signing = isGoodDetached(findings) ? keyring.find(findings[0].keyId ?? '')[0] : undefined
  if (signing === undefined) return new Map()
  return new Map(keyring.keys.map((key) => [key.fingerprint, useOf(key, signing)]))
}

/** The younger one follows: a key that has been followed is listed as long as clients may have it. */
function useOf({ fingerprint, primaryFingerprint, created }: CertifiedKey, signing: CertifiedKey): KeyUse {
  if (fingerprint === signing.fingerprint) return 'signs now'
  return primaryFingerprint !== signing.primaryFingerprint && created >= signing.created
    ? 'follows'
    : 'does not sign now'
}

/** The keys are worth showing also to who may not read the rest. */
async function readSigned(place: string, connection: Connection, { interruption: { signal } }: Cli) {
  const source = await openSource(place, connection, { signal })
  try {
    const repomd = await openBody(source, 'repodata/repomd.xml')
    const bytes = repomd && (await readBody(repomd, repomdBytesMax))
    const signature = bytes && (await openBody(source, 'repodata/repomd.xml.asc'))
    return signature && { repomd: bytes, signature: await readBody(signature, signatureBytesMax) }
  } catch (error) {
    if (error instanceof StoreError || error instanceof WebError || error instanceof RangeError) return undefined
    throw error
  } finally {
    await source.close()
  }
}
