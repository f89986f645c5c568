/**
 * What an audit has read of one listed package, and whether it is still so at a second look.
 */
import type { ObjectHead } from '@repokeeper/object-store'
import { type ListedPackage, pathOf } from '@repokeeper/repodata'
import type { AuditFinding } from './audit-finding.ts'
import type { Suspect } from './audit-generation.ts'
import { describeEntries, isSameObject } from './audit-packages.ts'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'

/** A suspect for as long as the same entry stands for the same object. @param object that was read */
export function suspectPackage(
  location: RepositoryLocation,
  listed: ListedPackage,
  object: ObjectHead,
  finding: AuditFinding,
  context: RepositoryContext,
): Suspect {
  return {
    finding,
    async holds({ index }) {
      const now = index?.at(pathOf(listed) ?? '') ?? []
      if (!now.some((one) => describeEntries([one]) === describeEntries([listed]))) return false
      const head = await location.store.head(object.key, withSignal(context))
      return head !== undefined && isSameObject(head, object)
    },
  }
}

/** A suspect for as long as it is listed: the store does not give it. */
export function suspectUnreadable(listed: ListedPackage, finding: AuditFinding): Suspect {
  return {
    finding,
    holds: async ({ index }) => describeEntries(index?.at(pathOf(listed) ?? '') ?? []) === describeEntries([listed]),
  }
}
