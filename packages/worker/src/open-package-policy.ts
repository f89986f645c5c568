/**
 * What the options say of the packages that are let in → who verifies them.
 */
import type { PackageCheck, PackageVerifier } from '@repokeeper/repository'
import {
  type KeyFile,
  openVerification,
  type PackageVerdict,
  PackageVerification,
  readKeyFile,
  readKeyring,
  type SignaturePolicy,
} from '@repokeeper/signing'
import type { OpenedPackagePolicy, PackagePolicySettings } from './package-policy-settings.ts'
import { fetchSecret, type SecretIo } from './secret-source.ts'

/** @throws SigningError where a key cannot be had, or there is none: the message says what to do */
export async function openPackagePolicy(
  { keyring: sources = [], acceptWeakSignatures: acceptWeak }: PackagePolicySettings,
  io: SecretIo,
  now: () => number,
): Promise<OpenedPackagePolicy> {
  const files = await Promise.all(sources.map((source) => readSource(source, io)))
  const keyring = readKeyring(files, now())
  return {
    policy: { kind: 'signed', verifier: verifierWith(() => ({ keyring, now: now(), acceptWeak })) },
    keyring: {
      keys: keyring.keys.filter(({ unusable }) => unusable === undefined),
      notes: keyring.notes,
      acceptsWeak: acceptWeak,
    },
  }
}

async function readSource(source: string, io: SecretIo): Promise<KeyFile> {
  const found = await fetchSecret(source, 'the keyring', io)
  return 'file' in found ? readKeyFile(found.file) : { name: source, bytes: Buffer.from(found.text) }
}

/** @param policy asked anew for each package, because keys expire */
function verifierWith(policy: () => SignaturePolicy): PackageVerifier {
  return {
    begin(rpm, firstBytes) {
      const begun = openVerification(firstBytes, policy(), rpm)
      return begun instanceof PackageVerification ? begun : settled(begun)
    },
  }
}

/** Nothing that is to come changes it. */
function settled(verdict: PackageVerdict): PackageCheck {
  return { payloadNeeded: false, update() {}, headerVerdict: () => verdict, wholeVerdict: () => verdict }
}
