/** A package whose header a key of ours has signed, as rpmsign would do it. */
import { parsePackage, SignatureTag } from '@repokeeper/rpm-parser'
import { binary, buildPackage, encodeHeader } from '@repokeeper/rpm-parser/testing'
import type { Signer } from '@repokeeper/signing'

export async function buildSignedPackage(name: string, signer: Signer): Promise<Uint8Array> {
  const bytes = buildPackage({ name })
  const { headerRange } = parsePackage(bytes)
  const armored = Buffer.from(await signer.sign(bytes.subarray(headerRange.start, headerRange.end))).toString()
  const [, base64 = ''] = /\n\n([^=-]+=*)\n=/.exec(armored) ?? []
  const tag = binary(SignatureTag.DSA, Buffer.from(base64, 'base64'))
  const signature = encodeHeader([tag], SignatureTag.HEADERSIGNATURES)
  const padding = new Uint8Array((8 - (signature.length % 8)) % 8)
  return Buffer.concat([bytes.subarray(0, 96), signature, padding, bytes.subarray(headerRange.start)])
}
