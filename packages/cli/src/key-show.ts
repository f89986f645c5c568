/**
 * The work of `key show`.
 */
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { ExitCode } from './failure.ts'
import { factsOf, type KeyFacts, showFingerprint } from './key-facts.ts'
import { readKeySource } from './key-source.ts'
import { type KeyUse, keysInUse } from './keys-in-use.ts'
import { table } from './text-layout.ts'

/** @returns the exit code */
export async function showKeys(
  source: string,
  { json }: { readonly json: boolean },
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const now = Date.now()
  const file = await readKeySource(source, connection, cli)
  const { name, keys, warnings } = factsOf(file, now)
  const uses = file.isOfRepository ? await keysInUse(source, file, connection, cli) : new Map<string, KeyUse>()
  const { output } = cli
  if (json) output.printJson({ name, keys: keys.map((key) => ({ ...key, use: uses.get(key.fingerprint) })), warnings })
  else {
    for (const line of table(keys.map((key) => rowOf(key, uses.get(key.fingerprint), now)))) output.print(line)
    for (const warning of warnings) output.tell(`warning: ${warning}`)
  }
  return ExitCode.done
}

function rowOf(key: KeyFacts, known: KeyUse | undefined, now: number): string[] {
  const { isPrimary, kind, fingerprint, created, expires, signs, userId } = key
  const until =
    expires === null ? 'never expires' : `${Date.parse(expires) <= now ? 'expired' : 'expires'} ${day(expires)}`
  const use = signs ? (known ?? 'signs') : 'signs nothing'
  return [isPrimary ? 'key' : ' subkey', kind, showFingerprint(fingerprint), `made ${day(created)}`, until, use, userId]
}

function day(iso: string): string {
  return iso.slice(0, 10)
}
