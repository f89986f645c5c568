/**
 * Who signs: everybody but one. What has to be signed here is told by the name of the package, since what a signature is worth is
 * another's affair (packages/signing).
 */

import type { PackagePolicy, PackageVerifier } from '@repokeeper/repository'
import { Tag } from '@repokeeper/rpm-parser'

const unsigned = 'zebra'

export const onlySigned: PackagePolicy = { kind: 'signed', verifier: verifier() }

/** @param described `name version`, as packages.ts has it */
export function isTrusted(described: string): boolean {
  return described.split(' ')[0] !== unsigned
}

function verifier(): PackageVerifier {
  return {
    begin: (rpm) => {
      const name = rpm.header.string(Tag.NAME) ?? ''
      const verdict = isTrusted(name)
        ? ({ kind: 'signed', by: {} } as const)
        : ({ kind: 'refused', code: 'UNSIGNED', reason: 'it is not signed', signatures: [] } as const)
      return { payloadNeeded: false, update: () => {}, headerVerdict: () => verdict, wholeVerdict: () => verdict }
    },
  }
}
