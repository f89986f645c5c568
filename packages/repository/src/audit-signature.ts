/**
 * What an audit says of the signature of repomd.xml.
 */
import { type AuditNote, signatureFinding } from './audit-finding.ts'
import type { Generation, Suspect } from './audit-generation.ts'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { settledLook } from './settled-look.ts'
import { judgeSignature, type SignatureState } from './signature.ts'

/** @throws StoreError */
export async function checkSignature(
  location: RepositoryLocation,
  generation: Generation,
  context: RepositoryContext,
): Promise<{ readonly suspects: readonly Suspect[]; readonly notes: readonly AuditNote[] }> {
  const state = await stateOf(location, generation.stored, context)
  const nothing = { suspects: [], notes: [] }
  if (state === 'right' || state === 'no matter') return nothing
  if (state === 'unchecked') {
    const reason = 'it is signed, and no key was given (--sign-key): whether the signature is right was not checked'
    return { suspects: [], notes: [{ kind: 'unchecked', path: 'repodata/repomd.xml.asc', reason }] }
  }
  const holds = async (): Promise<boolean> =>
    (await settledLook(location, context, (stored) => stateOf(location, stored, context))) === state
  return { suspects: [{ finding: signatureFinding(state, problems[state]), holds }], notes: [] }
}

const problems = {
  unsigned: 'repomd.xml is to be signed, and has no signature: clients with repo_gpgcheck=1 fail',
  'wrong-signature':
    'the signature is not of this repomd.xml by the key that was given: clients with repo_gpgcheck=1 fail',
} as const

async function stateOf(
  location: RepositoryLocation,
  stored: Generation['stored'],
  context: RepositoryContext,
): Promise<SignatureState> {
  return stored?.bytes === undefined ? 'no matter' : judgeSignature(location, stored.bytes, context)
}
