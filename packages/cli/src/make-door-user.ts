/**
 * The work of `door-user`.
 */
import { createInterface } from 'node:readline'
import { hashPassword, hashToken, newToken, parseUsers } from '@repokeeper/door'
import type { Cli } from './cli.ts'
import { UsageError } from './failure.ts'

export interface DoorUserFlags {
  readonly token: boolean
  readonly passwordStdin: boolean
  readonly path: string
}

/** Who guesses may guess ten times a minute; this is beyond that. */
const passwordCharactersMin = 10

/** @throws UsageError, and DoorError where the entry would be refused */
export async function makeDoorUser(name: string, flags: DoorUserFlags, { output }: Cli): Promise<void> {
  const { token, passwordStdin, path } = flags
  if (token && passwordStdin) throw new UsageError('--token and --password-stdin: leave out one of them')
  const secret = passwordStdin ? await firstLine() : newToken()
  const proof = token ? `token: ${hashToken(secret)}` : `password: ${await hashPassword(secret)}`
  const entry = [
    `  - name: ${JSON.stringify(name)}`,
    `    ${proof}`,
    '    may:',
    `      - { verbs: [read, write, delete], path: ${JSON.stringify(path)} }`,
  ]
  parseUsers(['users:', ...entry].join('\n'), 'door-user')
  for (const line of entry) output.print(line)
  if (!passwordStdin) output.tell(`${token ? 'token' : 'password'} of ${name}: ${secret}`)
}

async function firstLine(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.length >= passwordCharactersMin) return line
    throw new UsageError(`the password is shorter than ${passwordCharactersMin} characters`)
  }
  throw new UsageError('--password-stdin: there is nothing on stdin')
}
