/**
 * What a person is told before he publishes in the workers' place: the repository does not know which policy they have.
 */
import type { OpenRepository } from './open-repository.ts'

/** Empty where a policy was given, and of a directory, which has no workers. */
export function policyReminder(
  { isDirectory, context }: OpenRepository,
  { REPOKEEPER_PACKAGE_POLICY }: Readonly<Record<string, string | undefined>>,
): string {
  if (isDirectory || context().packagePolicy.kind !== 'any' || REPOKEEPER_PACKAGE_POLICY) return ''
  return 'If the workers have --package-policy, give it here as well: else what they refused is listed.'
}
