/**
 * What an audit says of the mirrorlist and of what it and the snapshots name.
 */
import { type AuditFinding, type AuditNote, generationFinding } from './audit-finding.ts'
import type { Generation, Suspect } from './audit-generation.ts'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { listGeneration } from './generation-claim.ts'
import { readGenerationHolders } from './generation-holders.ts'
import { missingIn } from './generation-use.ts'
import { readMirrorlist } from './generations.ts'
import { type GenerationId, generationIdOf } from './mirrorlist.ts'

/** @throws StoreError */
export async function checkGenerations(
  location: RepositoryLocation,
  generation: Generation,
  context: RepositoryContext,
): Promise<{ readonly suspects: readonly Suspect[]; readonly notes: readonly AuditNote[] }> {
  const found = await findingsOf(location, generation, context)
  const suspects = found.map((finding): Suspect => {
    const isSame = ({ kind, path }: AuditFinding): boolean => kind === finding.kind && path === finding.path
    return { finding, holds: async (now) => (await findingsOf(location, now, context)).some(isSame) }
  })
  const mirrorlist = (await readMirrorlist(location, context))?.mirrorlist
  if (mirrorlist?.isPinned !== true) return { suspects, notes: [] }
  const reason = `it is pinned to generation ${mirrorlist.generation}: clients do not see what is published until "repokeeper rollback --resume"`
  return { suspects, notes: [{ kind: 'pinned', path: 'mirrorlist', reason }] }
}

async function findingsOf(
  location: RepositoryLocation,
  { stored }: Generation,
  context: RepositoryContext,
): Promise<AuditFinding[]> {
  const current = stored?.bytes === undefined ? undefined : generationIdOf(stored.bytes)
  const there = await readMirrorlist(location, context)
  const mirrorlist = there?.mirrorlist
  const isWanted = context.generations.kind === 'published' || mirrorlist !== undefined
  const { named, snapshots } = await readGenerationHolders(location, context)
  const findings: AuditFinding[] = []
  if (isWanted && current !== undefined) {
    if (mirrorlist?.isPinned !== true && named !== current) {
      const problem =
        named === undefined
          ? 'there is to be one, and there is none of ours'
          : `it names generation ${named}, and ${current} is published`
      findings.push(generationFinding('stale-mirrorlist', 'mirrorlist', problem, 'follow'))
    }
    findings.push(...(await broken(location, current, 'follow', context)))
  }
  for (const id of new Set([...(named === undefined ? [] : [named]), ...snapshots.values()])) {
    if (id !== current) findings.push(...(await broken(location, id, 'by-hand', context)))
  }
  return findings
}

async function broken(
  location: RepositoryLocation,
  id: GenerationId,
  mend: 'follow' | 'by-hand',
  context: RepositoryContext,
): Promise<AuditFinding[]> {
  const missing = await missingIn(location, id, await listGeneration(location, id, context), context)
  if (missing?.length === 0) return []
  const what =
    missing === undefined ? 'repodata/repomd.xml is not there' : `not there as it has to be: ${missing.join(', ')}`
  return [
    generationFinding('broken-generation', `generations/${id}/`, `${what}: clients that are sent there fail`, mend),
  ]
}
