import { RpmError } from './rpm-error.ts'

/** The lead: the first 96 bytes of a package. Only its magic has a meaning today; the headers say the rest. */
export interface Lead {
  /** 3, or 4 in v6 packages. */
  readonly major: number
  readonly minor: number
  readonly type: 'binary' | 'source' | number
  readonly architecture: number
  /** name-version-release, cut to 65 bytes. */
  readonly name: string
  readonly operatingSystem: number
  /** 5: the signature is a header. The only one that anything reads today. */
  readonly signatureType: number
}

export const leadLength = 96

/**
 * Refuses bytes that do not begin with ed ab ee db, as soon as the first byte is wrong. Like rpm 6 (lib/rpmlead.cc
 * `rpmLeadCheck`) it looks at nothing else: version and signature type are history.
 *
 * @throws RpmError NOT_AN_RPM
 */
export function checkLeadMagic(bytes: Uint8Array): void {
  for (const [index, expected] of magic.entries()) {
    const found = bytes[index]
    if (found === undefined) return
    if (found !== expected) {
      const start = Buffer.from(bytes.subarray(0, magic.length)).toString('hex')
      throw new RpmError('NOT_AN_RPM', `not an RPM package: it begins with ${start}, not with edabeedb`, 0)
    }
  }
}

/** Reads the lead (docs/manual/format_lead.md). The bytes are at least 96 and begin with the magic. */
export function parseLead(bytes: Uint8Array): Lead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, leadLength)
  const type = view.getUint16(6)
  const name = bytes.subarray(10, 76)
  const nameEnd = name.indexOf(0)
  return {
    major: view.getUint8(4),
    minor: view.getUint8(5),
    type: type === 0 ? 'binary' : type === 1 ? 'source' : type,
    architecture: view.getUint16(8),
    name: new TextDecoder().decode(nameEnd === -1 ? name : name.subarray(0, nameEnd)),
    operatingSystem: view.getUint16(76),
    signatureType: view.getUint16(78),
  }
}

const magic = [0xed, 0xab, 0xee, 0xdb]
