/**
 * The file of users: who may do what, and where.
 */
import { parse, YAMLError } from 'yaml'
import * as z from 'zod'
import type { Verb } from './access.ts'
import { DoorError } from './door-error.ts'
import { isPasswordHash, isTokenHash } from './password.ts'

export interface User {
  readonly name: string
  /** `scrypt:…` */
  readonly password?: string | undefined
  /** `sha256:…` */
  readonly token?: string | undefined
  readonly may: readonly Right[]
}

export interface Right {
  readonly verbs: readonly Verb[]
  /** A directory with its slash; empty: everywhere. */
  readonly path: string
}

const verbs = ['read', 'write', 'delete'] as const

const Path = z
  .string()
  .default('')
  .transform((text) => text.replace(/^\/+|\/+$/g, ''))
  .refine((text) => !/(^|\/)\.{0,2}(\/|$)/.test(text) || text === '', 'is no directory: leave "." and ".." out')
  .transform((text) => (text === '' ? '' : `${text}/`))

const UserEntry = z
  .strictObject({
    // As RFC 7617 has it, without a colon; and nothing that would break a line of the log.
    name: z.string().regex(/^[^:\s\p{Cc}]{1,64}$/u, 'is no name: 1 to 64 characters without spaces and colons'),
    password: z.string().refine(isPasswordHash, 'is no hash: "repokeeper door-user NAME" makes one').optional(),
    token: z.string().refine(isTokenHash, 'is no hash: "repokeeper door-user NAME --token" makes one').optional(),
    may: z.array(z.strictObject({ verbs: z.array(z.enum(verbs)).min(1), path: Path })).min(1),
  })
  .refine(({ password, token }) => password !== undefined || token !== undefined, 'has neither a password nor a token')

const UsersFile = z
  .strictObject({ users: z.array(UserEntry).max(10_000) })
  .refine(({ users }) => new Set(users.map(({ name }) => name)).size === users.length, 'a name stands there twice')

/** @param file for messages @throws DoorError `BAD_USERS`: all that is wrong with it at once, and nothing of its secrets */
export function parseUsers(text: string, file: string): readonly User[] {
  let value: unknown
  try {
    value = parse(text)
  } catch (cause) {
    if (!(cause instanceof YAMLError)) throw cause
    const line = cause.linePos?.[0].line
    throw new DoorError('BAD_USERS', `--users ${file}: it is no YAML${line === undefined ? '' : `, at line ${line}`}`)
  }
  const read = UsersFile.safeParse(value)
  if (read.success) return read.data.users
  const problems = read.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`)
  throw new DoorError('BAD_USERS', `--users ${file}: ${problems.slice(0, 10).join('; ')}`)
}
