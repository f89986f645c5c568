import type { FaultAction } from './faults.ts'
import { globMatches } from './glob.ts'

/** What a call needs of IAM: `s3:GetObject` on `arn:aws:s3:::bucket/key`. */
export interface Permission {
  readonly action: string
  readonly resource: string
  /**
   * The condition key `s3:prefix` of s3:ListBucket: the prefix of a listing, or the key where it is asked for the sake of a key that isn't
   * there. Absent where the request has none, as HeadBucket.
   */
  readonly prefix?: string
}

/** What was asked, and the answer. */
export interface AskedPermission extends Permission {
  readonly allowed: boolean
}

/** What a caller may do. */
export interface Permissions {
  allows(permission: Permission): boolean
}

/** Every list must allow it, as a permissions boundary does. Without a list everything is allowed. */
export function permissionsOf(denials: readonly Extract<FaultAction, { kind: 'deny' }>[]): Permissions {
  return {
    allows: (permission) => denials.every(({ allow }) => allow.some((statement) => covers(statement, permission))),
  }
}

/** The same permissions, with everything that was asked of them written into a list. */
export function recordPermissions(permissions: Permissions, asked: AskedPermission[]): Permissions {
  return {
    allows(permission) {
      const allowed = permissions.allows(permission)
      asked.push({ ...permission, allowed })
      return allowed
    },
  }
}

type Statement = Extract<FaultAction, { kind: 'deny' }>['allow'][number]

function covers(statement: Statement, { action, resource, prefix }: Permission): boolean {
  return (
    // IAM compares actions without regard to case, resources with.
    globMatches(statement.action.toLowerCase(), action.toLowerCase()) &&
    globMatches(statement.resource, resource) &&
    // StringLike on a key that the request doesn't have is false.
    (statement.prefix === undefined || (prefix !== undefined && globMatches(statement.prefix, prefix)))
  )
}
