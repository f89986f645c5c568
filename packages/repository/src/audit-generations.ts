/**
 * What an audit says of the mirrorlist, and of the directories of the generations that it and the snapshots name.
 */
import { type AuditFinding, type AuditNote, generationFinding, pinnedSignatureFinding } from './audit-finding.ts'
import type { Generation, Suspect } from './audit-generation.ts'
import type { KeptPackages } from './audit-kept-packages.ts'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { checkDirectory } from './generation-check.ts'
import { generationLocation } from './generation-directory.ts'
import { readGenerationHolders } from './generation-holders.ts'
import { readMirrorlist } from './generations.ts'
import { type GenerationId, generationIdOf } from './mirrorlist.ts'
import { judgeSignature } from './signature.ts'
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
  const lookAt = (now: Generation) => findingsOf(location, now, faults, context, options)
  const found = await lookAt(generation)
  const lookAgain = onceFor(lookAt)
  const suspects = found.map((finding): Suspect => {
    const isSame = ({ kind, path }: AuditFinding): boolean => kind === finding.kind && path === finding.path
    return { finding, holds: async (now) => (await lookAgain(now)).some(isSame) }
  })
  const mirrorlist = (await readMirrorlist(location, context))?.mirrorlist
  if (mirrorlist?.isPinned !== true) return { suspects, notes: [] }
  const reason = `it is pinned to generation ${mirrorlist.generation}: clients do not see what is published until "repokeeper rollback --resume"`
  return { suspects, notes: [{ kind: 'pinned', path: 'mirrorlist', reason }] }
}

/** The second look is one for all that seemed to be wrong. */
function onceFor<Given extends object, Result>(work: (given: Given) => Promise<Result>) {
  const done = new WeakMap<Given, Promise<Result>>()
  return (given: Given): Promise<Result> => {
    const known = done.get(given) ?? work(given)
    done.set(given, known)
    return known
  }
}

async function findingsOf(
  location: RepositoryLocation,
  { stored }: Generation,
  faults: ReadonlyMap<GenerationId, string>,
  context: RepositoryContext,
  options: Options,
): Promise<AuditFinding[]> {
  const current = stored?.bytes === undefined ? undefined : generationIdOf(stored.bytes)
  const there = await readMirrorlist(location, context)
  const mirrorlist = there?.mirrorlist
  const isWanted = context.generations.kind === 'published' || mirrorlist !== undefined
  const findings: AuditFinding[] = []
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
    findings.push(...(await broken(location, current, 'follow', faults, context, options)))
  }
  for (const id of new Set([...(named === undefined ? [] : [named]), ...snapshots.values()])) {
    if (id !== current) findings.push(...(await broken(location, id, 'by-hand', faults, context, options)))
  }
  if (mirrorlist?.isPinned === true) findings.push(...(await wronglySigned(location, mirrorlist.generation, context)))
  return findings
}

async function broken(
  location: RepositoryLocation,
  id: GenerationId,
  mend: 'follow' | 'by-hand',
  faults: ReadonlyMap<GenerationId, string>,
  context: RepositoryContext,
  options: Options,
): Promise<AuditFinding[]> {
  const found = (await checkDirectory(location, id, context, options)).map(({ problem }) => problem)
  const unreadable = faults.get(id)
  const problems = found.length === 0 && unreadable !== undefined ? [unreadable] : found
  if (problems.length === 0) return []
  const problem = `${problems.join(', ')}: clients that are sent there fail`
  return [generationFinding('broken-generation', `generations/${id}/`, problem, mend)]
}

/** By another key than what is published, or by none. */
async function wronglySigned(
  location: RepositoryLocation,
  id: GenerationId,
  context: RepositoryContext,
): Promise<AuditFinding[]> {
  const own = generationLocation(location, id)
  const repomd = (await readStoredRepomd(own, context))?.bytes
  const state = repomd === undefined ? 'no matter' : await judgeSignature(own, repomd, context)
  if (state !== 'unsigned' && state !== 'wrong-signature') return []
  const problem =
    state === 'unsigned'
      ? 'the mirrorlist is pinned to a generation that is not signed'
      : 'the mirrorlist is pinned to a generation that another key has signed'
  const path = `generations/${id}/repodata/repomd.xml.asc`
  return [pinnedSignatureFinding(state, path, `${problem}: clients with repo_gpgcheck=1 may refuse it`)]
}
