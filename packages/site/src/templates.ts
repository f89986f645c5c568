/**
 * Which templates these are: pages that others made are made again. By their source, so that nobody has to remember to say that one has
 * changed, and by the version of the project, for what the entries of metadata are read with.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

export const templates: string = digestOfSource()

function digestOfSource(): string {
  const here = new URL('./', import.meta.url)
  const digest = createHash('sha256').update(readFileSync(new URL('../package.json', here)))
  const names = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:ts|css|js)$/.test(name))
  for (const name of names.toSorted()) digest.update(`\0${name}\0`).update(readFileSync(new URL(name, here)))
  return digest.digest('base64url')
}
