import { looksArmored, readArmor } from './armor.ts'
import { type Judgement, judgeSignature, type SignaturePolicy, type SignatureStatus } from './judge-signature.ts'
import { OpenPgpError } from './openpgp-error.ts'
import { PacketTag, readPackets } from './packets.ts'
import { SignatureCheck } from './signature-check.ts'
import { type OpenPgpSignature, parseSignature } from './signature-packet.ts'

/** One signature of a file, and what it is worth. */
export interface DetachedFinding {
  readonly status: SignatureStatus
  /** Of who it says it is by: 16 hexadecimal digits, or 40 of a fingerprint; absent where it does not say. */
  readonly keyId: string | undefined
  /** For people, without a subject. */
  readonly sentence: string
}

/** There may be one for each of several keys: dnf goes by the first, zypper wants all of them good. */
const signaturesMax = 16

/**
 * Verifies a detached signature, as `gpg --verify FILE.asc FILE` does.
 *
 * @param signed exactly what was signed
 * @param signature armored or not; of what else stands in it only packets of signatures count
 * @returns one finding for each signature that is in it, in their order; one that is `bad` where none can be found. Never throws for what is in the bytes
 */
export function verifyDetached(
  signed: Uint8Array,
  signature: Uint8Array,
  policy: SignaturePolicy,
): readonly [DetachedFinding, ...DetachedFinding[]] {
  try {
    const packets = readPackets(signatureBytes(signature), signaturesMax)
    const [first, ...others] = packets.filter(({ tag }) => tag === PacketTag.signature)
    if (first === undefined) return [noSignature('it holds no signature')]
    return [verifyOne(signed, first.body, policy), ...others.map(({ body }) => verifyOne(signed, body, policy))]
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    return [noSignature(`it cannot be read: ${error.message}`)]
  }
}

/** Whether clients of any kind take it: each signature is good, and there is one. */
export function isGoodDetached(findings: readonly DetachedFinding[]): boolean {
  return findings.length > 0 && findings.every(({ status }) => status === 'ok')
}

function signatureBytes(bytes: Uint8Array): Uint8Array {
  if (!looksArmored(bytes)) return bytes
  const blocks = readArmor(new TextDecoder().decode(bytes)).filter(({ kind }) => kind === 'SIGNATURE')
  return Buffer.concat(blocks.map((block) => block.bytes))
}

/** What one signature over these bytes is worth. */
export function judgeOver(signed: Uint8Array, signature: OpenPgpSignature, policy: SignaturePolicy): Judgement {
  const check = new SignatureCheck(signature, policy.keyring.find(signature.issuer ?? ''))
  check.update(signed)
  return judgeSignature(signature, check.settle(), policy)
}

function verifyOne(signed: Uint8Array, packet: Uint8Array, policy: SignaturePolicy): DetachedFinding {
  try {
    const signature = parseSignature(packet)
    return { keyId: signature.issuer, ...judgeOver(signed, signature, policy) }
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    return noSignature(error.message)
  }
}

function noSignature(sentence: string): DetachedFinding {
  return { status: 'bad', keyId: undefined, sentence }
}
