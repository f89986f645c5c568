/**
 * What lies beside a unit where it is to do more: signing.conf, low-port.conf.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folder } from './template.ts'

/** What a program says that is told to sign, by signing.conf, and not to. */
export const contradiction = '--unsigned and a key to sign with'

/** What signing.conf has in the environment of a unit. */
export function signingEnvironment(): Record<string, string> {
  const said = [...dropIn('signing.conf').matchAll(/^Environment=(\w+)=(.*)$/gm)]
  return Object.fromEntries(said.map(([, name = '', value = '']) => [name, value]))
}

/** @param unit the file of it */
export function writeDropIns(unit: string, names: readonly string[]): void {
  mkdirSync(`${unit}.d`)
  for (const name of names) writeFileSync(join(`${unit}.d`, name), dropIn(name))
}

function dropIn(name: string): string {
  return readFileSync(join(folder, 'systemd', name), 'utf8')
}
