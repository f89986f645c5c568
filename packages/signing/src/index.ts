export type { CertifiedKey, Revocation } from './certificate.ts'
export { type CommandSignerOptions, openCommandSigner } from './command-signer.ts'
export type { SignaturePolicy, SignatureStatus } from './judge-signature.ts'
export { makeKey, NewKey, type NewKeyOptions } from './key-new.ts'
export type { KeyPairKind } from './key-pair.ts'
export { type KeySignerOptions, openKeySigner, readPassphrase } from './key-signer.ts'
export {
  dayOf,
  type KeyFile,
  type Keyring,
  type KeyringNote,
  keyFileBytesMax,
  openKeyring,
  readKeyFile,
  readKeyring,
} from './keyring.ts'
export type { DigestFinding } from './package-digests.ts'
export type { Coverage } from './package-signatures.ts'
export type { PackageVerdict, RefusalCode } from './package-verdict.ts'
export { armorPublicKeys, publicPart } from './public-part.ts'
export { type Rotation, rotatingSigner } from './rotating-signer.ts'
export type { Secret } from './secret-file.ts'
export type { SignatureFinding } from './signature-finding.ts'
export type { Signer, SignerDescription } from './signer.ts'
export { SigningError, type SigningErrorCode } from './signing-error.ts'
export { reasonAgainst } from './signing-key.ts'
export { type DetachedFinding, isGoodDetached, verifyDetached } from './verify-detached.ts'
export { openVerification, PackageVerification, verifyPackage } from './verify-package.ts'
