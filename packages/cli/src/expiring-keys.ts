/**
 * What `status` and `doctor` say of keys that are over soon: those that lie beside the metadata, and those of a keyring.
 */
import { readPublicKey, readSignature } from '@repokeeper/repository'
import { type CertifiedKey, isGoodDetached, readKeyring, verifyDetached } from '@repokeeper/signing'
import { type ExpiringKey, expiringSoon, type WatchedKey, watchedKeys } from '@repokeeper/worker/key-expiry'
import { openPackagePolicyIfSaid } from '@repokeeper/worker/package-policy'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import type { OpenRepository } from './open-repository.ts'
import { keyringIn } from './policy-options.ts'

interface Wanted {
  readonly repository: OpenRepository
  /** As it is published; `undefined`: nothing is, or nobody can be asked. */
  readonly repomd: Uint8Array | undefined
  /** Sources of keys whose signatures over packages count. */
  readonly keyring: readonly string[]
}

/**
 * @param given sources of the command line; none: those of the environment
 */
export function keyringSources(given: readonly string[], { environment }: Cli): readonly string[] {
  return given.length > 0 ? given : keyringIn(environment)
}

/** Those that are over within 30 days, or over and sign all the same. @throws SigningError, StoreError */
export async function expiringKeys(
  { repository, repomd, keyring }: Wanted,
  connection: Connection,
  cli: Cli,
  now: Date,
): Promise<ExpiringKey[]> {
  const published = await publishedKeys(repository, repomd, now.getTime())
  return expiringSoon([...published, ...(await keyringKeys(keyring, connection, cli))], now)
}

async function publishedKeys(
  { location, context }: OpenRepository,
  repomd: Uint8Array | undefined,
  now: number,
): Promise<WatchedKey[]> {
  if (repomd === undefined) return []
  const [signature, bytes] = await Promise.all([readSignature(location, context()), readPublicKey(location, context())])
  if (signature === undefined || bytes === undefined) return []
  const keyring = readKeyring([{ name: 'repodata/repomd.xml.key', bytes }], now)
  const findings = verifyDetached(repomd, signature.bytes, { keyring, now })
  const signing = isGoodDetached(findings) ? keyring.find(findings[0].keyId ?? '')[0] : undefined
  if (signing === undefined) return []
  const isNewer = (key: CertifiedKey) =>
    key.isPrimary && key.fingerprint !== signing.primaryFingerprint && key.created >= signing.created
  const following = keyring.keys.filter(isNewer)
  return [watched('signs', signing), ...following.map((key) => watched('follows', key))]
}

function watched(use: WatchedKey['use'], { keyId, userId, expires }: CertifiedKey): WatchedKey {
  return { use, keyId, userId, expires }
}

async function keyringKeys(
  sources: readonly string[],
  { region, profile }: Connection,
  { environment }: Cli,
): Promise<WatchedKey[]> {
  if (sources.length === 0) return []
  const settings = { packagePolicy: 'signed' as const, keyring: sources, acceptWeakSignatures: true }
  const { keyring } = await openPackagePolicyIfSaid(settings, { environment, region, profile }, Date.now)
  return watchedKeys(undefined, keyring)
}
