/**
 * Tags of the signature header: rpm's `rpmSigTag` (include/rpm/rpmtag.h). Those from 1000 on mean something else in the
 * main header (1000 is SIZE here and NAME there).
 */
export const SignatureTag = {
  HEADERSIGNATURES: 62,
  BADSHA1_1: 264,
  BADSHA1_2: 265,
  DSA: 267,
  RSA: 268,
  SHA1: 269,
  LONGSIZE: 270,
  LONGARCHIVESIZE: 271,
  SHA256: 273,
  FILESIGNATURES: 274,
  FILESIGNATURELENGTH: 275,
  VERITYSIGNATURES: 276,
  VERITYSIGNATUREALGO: 277,
  OPENPGP: 278,
  SHA3_256: 279,
  /** Room for signatures to come, in v6 packages. */
  RESERVED: 999,
  /** Bytes of the main header and the payload together. */
  SIZE: 1000,
  LEMD5_1: 1001,
  PGP: 1002,
  LEMD5_2: 1003,
  /** MD5 of the main header and the payload. */
  MD5: 1004,
  GPG: 1005,
  PGP5: 1006,
  /** Bytes of the uncompressed payload. */
  PAYLOADSIZE: 1007,
  /** Room for signatures to come, in v4 packages. */
  RESERVEDSPACE: 1008,
} as const

/** rpm's name of a tag number of the signature header, for messages; `undefined` where this table has none. */
export function signatureTagName(tag: number): string | undefined {
  return names.get(tag)
}

const names: ReadonlyMap<number, string> = new Map(Object.entries(SignatureTag).map(([name, tag]) => [tag, name]))
