import { looksArmored, readArmor, writeArmor } from './armor.ts'
import type { CertifiedKey } from './certificate.ts'
import { Keyring } from './keyring.ts'
import { OpenPgpError } from './openpgp-error.ts'
import { type OpenPgpSignature, readSignature } from './signature-packet.ts'
import { SigningError } from './signing-error.ts'
import { judgeOver } from './verify-detached.ts'

/**
 * Looks at a signature that was made before anybody relies on it: armored, of version 4, of exactly these bytes, by one of these
 * keys, with a digest and at a time that clients take.
 *
 * @param name of who made it, for messages
 * @returns it alone, without what stood around it
 * @throws SigningError SIGNING_FAILED
 */
export function checkMade(
  name: string,
  output: Uint8Array,
  signed: Uint8Array,
  keys: readonly CertifiedKey[],
  now: number,
): Uint8Array {
  const refuse = (reason: string) => new SigningError('SIGNING_FAILED', `${name} made no signature to use: ${reason}`)
  const bytes = signatureIn(output, refuse)
  const signature = read(bytes, refuse)
  if (signature.version !== 4) throw refuse(`it is of version ${signature.version}, and clients want 4`)
  const { status, sentence } = judgeOver(signed, signature, { keyring: new Keyring(keys), now })
  if (status === 'ok') return Buffer.from(writeArmor('SIGNATURE', bytes))
  if (status !== 'unknown-key') throw refuse(sentence)
  const ours = keys.map(({ keyId }) => keyId).join(', ')
  throw refuse(`it is by key ${signature.issuer}, and the public key that was given has ${ours}`)
}

function signatureIn(output: Uint8Array, refuse: (reason: string) => SigningError): Uint8Array {
  if (output.length === 0) throw refuse('nothing was printed')
  if (!looksArmored(output)) throw refuse('it is not armored (gpg: --armor)')
  try {
    const blocks = readArmor(new TextDecoder().decode(output))
    const [block, ...others] = blocks.filter(({ kind }) => kind === 'SIGNATURE')
    if (others.length > 0) throw refuse(`there are ${others.length + 1} of them`)
    if (block !== undefined) return block.bytes
    throw refuse(`what was printed is no armored signature of its own (gpg: --detach-sign --armor)`)
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    throw refuse(error.message)
  }
}

function read(bytes: Uint8Array, refuse: (reason: string) => SigningError): OpenPgpSignature {
  try {
    return readSignature(bytes)
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    throw refuse(error.message)
  }
}
