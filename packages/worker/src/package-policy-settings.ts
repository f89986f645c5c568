/**
 * What the options say of the packages that are let in.
 */
import type { PackagePolicy } from '@repokeeper/repository'
import type { KeyringNote } from '@repokeeper/signing'
import type { SecretIo } from './secret-source.ts'

/** As the options give them. */
export interface PackagePolicySettings {
  /** `undefined`: nobody has said anything, which is any. */
  readonly packagePolicy?: 'any' | 'signed' | undefined
  /** Sources of public keys: paths, `env:NAME`, `secretsmanager:ID` or `ssm:NAME`. */
  readonly keyring?: readonly string[] | undefined
  readonly acceptWeakSignatures: boolean
}

export interface OpenedPackagePolicy {
  readonly policy: PackagePolicy
  /** `undefined`: any package is let in. */
  readonly keyring: KeyringSummary | undefined
}

export interface KeyringKey {
  readonly keyId: string
  readonly userId: string
  /** Seconds since 1970; `undefined`: never. */
  readonly expires: number | undefined
}

/** For logs and people. */
export interface KeyringSummary {
  /** Keys and subkeys whose signatures may count. */
  readonly keys: readonly KeyringKey[]
  /** Keys whose signatures do not, or less than one thinks. */
  readonly notes: readonly KeyringNote[]
  readonly acceptsWeak: boolean
}

/** Where any package is let in, what verifies is not loaded. @throws SigningError: the message says what to do */
export async function openPackagePolicyIfSaid(
  settings: PackagePolicySettings,
  io: SecretIo,
  now: () => number,
): Promise<OpenedPackagePolicy> {
  if (settings.packagePolicy !== 'signed') return { policy: { kind: 'any' }, keyring: undefined }
  const { openPackagePolicy } = await import('./open-package-policy.ts')
  return openPackagePolicy(settings, io, now)
}

/** What cannot be meant. */
export function wrongPackagePolicy(settings: PackagePolicySettings): string | undefined {
  const { packagePolicy, keyring = [], acceptWeakSignatures } = settings
  if (packagePolicy === 'signed' && keyring.length === 0) {
    return 'packages have to be signed, but by whom? Give the public keys: --keyring FILE'
  }
  if (packagePolicy === undefined && keyring.length > 0) {
    return '--keyring verifies nothing without --package-policy signed: say that, or --package-policy any'
  }
  if (packagePolicy === undefined && acceptWeakSignatures) {
    return '--accept-weak-signatures means nothing without --package-policy signed'
  }
  return undefined
}
