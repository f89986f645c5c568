/**
 * What an audit says of the mirrorlist, and of the directories of the generations that it and the snapshots name.
 */
import { type AuditFinding, type AuditNote, generationFinding, pinnedSignatureFinding } from './audit-finding.ts'
import type { Generation, Suspect } from './audit-generation.ts'
import type { KeptPackages } from './audit-kept-packages.ts'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { checkDirectory } from './generation-check.ts'
import { listGeneration } from './generation-claim.ts'
import { generationLocation } from './generation-directory.ts'
import { readGenerationHolders } from './generation-holders.ts'
import { readMirrorlist } from './generations.ts'
import { type GenerationId, generationIdOf } from './mirrorlist.ts'
import { settledLook } from './settled-look.ts'
import { judgeSignature, publicKeyKey, readSignature, type SignatureState, signatureKey } from './signature.ts'
import { readStoredRepomd } from './snapshot.ts'

interface Options {
  /** Documents are read through. */
  readonly deep: boolean
}

/**
 * @param kept those that a person keeps, as far as their metadata can be read
 * @throws StoreError
 */
export async function checkGenerations(
  location: RepositoryLocation,
  generation: Generation,
  kept: readonly KeptPackages[],
  context: RepositoryContext,
  options: Options,
): Promise<{ readonly suspects: readonly Suspect[]; readonly notes: readonly AuditNote[] }> {
  const faults = new Map(kept.flatMap(({ id, fault }) => (fault === undefined ? [] : [[id, fault]])))
  const lookAt = (stored: Generation['stored']) => findingsOf(location, stored, faults, context, options)
  const found = await lookAt(generation.stored)
  // One for all that seems to be wrong.
  let again: Promise<AuditFinding[] | undefined> | undefined
  const suspects = found.map((finding): Suspect => {
    const isSame = ({ kind, path }: AuditFinding): boolean => kind === finding.kind && path === finding.path
    return {
      finding,
      async holds() {
        again ??= settledLook(location, context, lookAt)
        return (await again)?.some(isSame) === true
      },
    }
  })
  const mirrorlist = (await readMirrorlist(location, context))?.mirrorlist
  if (mirrorlist?.isPinned !== true) return { suspects, notes: [] }
  const reason = `it is pinned to generation ${mirrorlist.generation}: clients do not see what is published until "repokeeper rollback --resume"`
  return { suspects, notes: [{ kind: 'pinned', path: 'mirrorlist', reason }] }
}

async function findingsOf(
  location: RepositoryLocation,
  stored: Generation['stored'],
  faults: ReadonlyMap<GenerationId, string>,
  context: RepositoryContext,
  options: Options,
): Promise<AuditFinding[]> {
  const current = stored?.bytes === undefined ? undefined : generationIdOf(stored.bytes)
  const there = await readMirrorlist(location, context)
  const mirrorlist = there?.mirrorlist
  const isWanted = context.generations.kind === 'published' || mirrorlist !== undefined
  const findings: AuditFinding[] = []
  const isSigned = (await readSignature(location, context)) !== undefined
  const { named, snapshots } = await readGenerationHolders(location, context, (name, { message }) => {
    findings.push(generationFinding('unreadable-snapshot', `snapshots/${name}/mirrorlist`, message, 'by-hand'))
  })
  if (isWanted && current !== undefined) {
    if (mirrorlist?.isPinned !== true && named !== current) {
      const problem =
        named === undefined
          ? 'there is to be one, and there is none of ours'
          : `it names generation ${named}, and ${current} is published`
      findings.push(generationFinding('stale-mirrorlist', 'mirrorlist', problem, 'follow'))
    }
    const wrong = await problemsIn(location, current, faults, context, options)
    const unsigned = await signatureProblem(location, current, isSigned, context)
    findings.push(...broken(current, [...wrong, ...unsigned], 'follow'))
  }
  for (const id of new Set([...(named === undefined ? [] : [named]), ...snapshots.values()])) {
    if (id !== current)
      findings.push(...broken(id, await problemsIn(location, id, faults, context, options), 'by-hand'))
  }
  if (mirrorlist?.isPinned === true && mirrorlist.generation !== current) {
    findings.push(...(await wronglySigned(location, mirrorlist.generation, isSigned, context)))
  }
  return findings
}

function broken(id: GenerationId, problems: readonly string[], mend: 'follow' | 'by-hand'): AuditFinding[] {
  if (problems.length === 0) return []
  const problem = `${problems.join(', ')}: clients that are sent there fail`
  return [generationFinding('broken-generation', `generations/${id}/`, problem, mend)]
}

async function problemsIn(
  location: RepositoryLocation,
  id: GenerationId,
  faults: ReadonlyMap<GenerationId, string>,
  context: RepositoryContext,
  options: Options,
): Promise<string[]> {
  const objects = await listGeneration(location, id, context)
  const found = (await checkDirectory(location, id, context, { ...options, objects })).faults
  const unreadable = faults.get(id)
  if (found.length === 0 && unreadable !== undefined) return [unreadable]
  const own = generationLocation(location, id)
  const has = (key: string): boolean => objects.some((object) => object.key === key)
  // The key is put there before the signature, and by nobody else.
  const lost = has(publicKeyKey(own.root)) && !has(signatureKey(own.root))
  return [...found.map(({ problem }) => problem), ...(lost ? ['repodata/repomd.xml.asc is not there'] : [])]
}

/** The directory of what is published has to be signed as that is. */
async function signatureProblem(
  location: RepositoryLocation,
  id: GenerationId,
  isSigned: boolean,
  context: RepositoryContext,
): Promise<string[]> {
  const state = await stateIn(location, id, isSigned, context)
  if (state === 'wrong-signature') return ['repodata/repomd.xml.asc is not of the key that was given']
  return state === 'unsigned' ? ['it is not signed, and what is published is, or is to be'] : []
}

/** By another key than what is published, or by none. */
async function wronglySigned(
  location: RepositoryLocation,
  id: GenerationId,
  isSigned: boolean,
  context: RepositoryContext,
): Promise<AuditFinding[]> {
  const state = await stateIn(location, id, isSigned, context)
  if (state !== 'unsigned' && state !== 'wrong-signature') return []
  const problem =
    state === 'unsigned'
      ? 'the mirrorlist is pinned to a generation that is not signed'
      : 'the mirrorlist is pinned to a generation that another key has signed'
  const path = `generations/${id}/repodata/repomd.xml.asc`
  return [pinnedSignatureFinding(state, path, `${problem}: clients with repo_gpgcheck=1 may refuse it`)]
}

/** @param isSigned whether what is published has a signature: without a key that is all there is to compare with */
async function stateIn(
  location: RepositoryLocation,
  id: GenerationId,
  isSigned: boolean,
  context: RepositoryContext,
): Promise<SignatureState> {
  const own = generationLocation(location, id)
  const repomd = (await readStoredRepomd(own, context))?.bytes
  if (repomd === undefined) return 'no matter'
  const state = await judgeSignature(own, repomd, context)
  const isMissing = state === 'no matter' && isSigned && context.signing.kind === 'unsaid'
  return isMissing ? 'unsigned' : state
}
