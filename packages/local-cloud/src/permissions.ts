import type { FaultAction } from './faults.ts'
import { globMatches } from './glob.ts'

/** What a call needs of IAM: `s3:GetObject` on `arn:aws:s3:::bucket/key`. */
export interface Permission {
  readonly action: string
  readonly resource: string
}

/** What a caller may do. */
export interface Permissions {
  allows(permission: Permission): boolean
}

/** Every list must allow it, as a permissions boundary does. Without a list everything is allowed. */
export function permissionsOf(denials: readonly Extract<FaultAction, { kind: 'deny' }>[]): Permissions {
  return {
    allows: ({ action, resource }) =>
      denials.every((denial) =>
        denial.allow.some(
          (statement) =>
            // IAM compares actions without regard to case, resources with.
            globMatches(statement.action.toLowerCase(), action.toLowerCase()) &&
            globMatches(statement.resource, resource),
        ),
      ),
  }
}
