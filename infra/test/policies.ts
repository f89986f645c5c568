/**
 * Who may do what in a stack, one permission a line, so that two policies can be compared.
 */
import { type Part, type Place, statementsOf } from '../../fixtures/permissions.ts'
import { listOf, objectOf, type Stack, textOf } from './evaluate.ts'
import type { Json, JsonObject } from './template.ts'

/** `s3:ListBucket on arn:aws:s3:::my-packages where s3:prefix is like el9/*`, sorted. */
export function permissionsOf({ resources }: Stack, roleName: string): string[] {
  const role = resources.get(roleName)?.properties ?? {}
  const own = listOf(role.Policies ?? []).map((policy) => objectOf(policy).PolicyDocument)
  const managed = listOf(role.ManagedPolicyArns ?? []).map((name) => {
    // A policy of AWS's own would be known by its ARN, and is not ours to vouch for.
    const policy = resources.get(textOf(name))
    if (policy === undefined) throw new Error(`${roleName} has the policy ${textOf(name)} of somebody else`)
    return policy.properties.PolicyDocument
  })
  return [...own, ...managed].flatMap((document) => statementsIn(document).flatMap(permissionsIn)).sort()
}

/** What fixtures/least-power.ts says of one part, for all repositories below `prefix`, sorted. */
export function leastPermissions(part: Pick<Part, 'needs'>, place: Omit<Place, 'root'>, prefix: string): string[] {
  // A root stands for any directory below the prefix, however deep.
  const statements = statementsOf(part, { ...place, root: `${prefix}*` })
  return statements
    .map((statement) =>
      permission(statement.action, once(statement.resource), statement.prefix && once(statement.prefix)),
    )
    .sort()
}

export function permission(action: string, resource: string, prefix?: string): string {
  return `${action} on ${resource}${prefix === undefined ? '' : ` where s3:prefix is like ${prefix}`}`
}

export function statementsIn(document: Json | undefined): JsonObject[] {
  const { Version, Statement } = objectOf(document)
  if (Version !== '2012-10-17') throw new Error('a policy without Version is of another language')
  return listOf(Statement).map(objectOf)
}

function permissionsIn({ Effect, Action, Resource, Condition, ...rest }: JsonObject): string[] {
  if (Effect !== 'Allow' || Object.keys(rest).length > 0) throw new Error('a permission of another kind')
  const prefix = Condition === undefined ? undefined : prefixIn(Condition)
  return several(Action).flatMap((action) => several(Resource).map((resource) => permission(action, resource, prefix)))
}

/** The one condition that is expected: another one narrows a permission in a way that nobody has tried. */
function prefixIn(condition: Json): string {
  const { StringLike, ...others } = objectOf(condition)
  const { 's3:prefix': prefix, ...more } = objectOf(StringLike)
  if (Object.keys({ ...others, ...more }).length > 0)
    throw new Error(`an unknown condition ${JSON.stringify(condition)}`)
  return textOf(prefix)
}

export function several(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(textOf) : [textOf(value)]
}

function once(pattern: string): string {
  return pattern.replaceAll('**', '*')
}
