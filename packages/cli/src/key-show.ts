/**
 * The work of `key show`.
 */
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { ExitCode } from './failure.ts'
import { factsOf, type KeyFacts, showFingerprint } from './key-facts.ts'
import { readKeySource } from './key-source.ts'
import { table } from './text-layout.ts'

/** @returns the exit code */
export async function showKeys(
  source: string,
  { json }: { readonly json: boolean },
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const now = Date.now()
  const { name, keys, warnings } = factsOf(await readKeySource(source, connection, cli), now)
  const { output } = cli
  if (json) output.printJson({ name, keys, warnings })
  else {
    for (const line of table(keys.map((key) => rowOf(key, now)))) output.print(line)
    for (const warning of warnings) output.tell(`warning: ${warning}`)
  }
  return ExitCode.done
}

function rowOf(key: KeyFacts, now: number): string[] {
  const { isPrimary, kind, fingerprint, created, expires, signs, userId } = key
  const until =
    expires === null ? 'never expires' : `${Date.parse(expires) <= now ? 'expired' : 'expires'} ${day(expires)}`
  const use = signs ? 'signs' : 'signs nothing'
  return [isPrimary ? 'key' : ' subkey', kind, showFingerprint(fingerprint), `made ${day(created)}`, until, use, userId]
}

function day(iso: string): string {
  return iso.slice(0, 10)
}
