/**
 * Variables of the environment that nobody reads because their names are misspelt.
 */
import type { Cli } from './cli.ts'
import { nearestName } from './nearest-name.ts'

const prefix = 'REPOKEEPER_'

/** Those of every command, and of the process around them. */
const ofEveryCommand = [
  ...['ENDPOINT_URL', 'REGION', 'PROFILE', 'SINGLE_WRITER', 'COMPRESSION', 'OPEN_CHECKSUM', 'CACHE_DIR'],
  ...['CONFIG', 'DEBUG'],
]
const shownCharactersMax = 60

/** Says of each what was most likely meant. Others may use the prefix for variables of their own: what is near to none of ours is not ours. */
export async function tellMisspeltVariables({ environment, output }: Cli): Promise<void> {
  const unknown = Object.keys(environment).flatMap((variable) => {
    const name = variable.startsWith(prefix) ? variable.slice(prefix.length, shownCharactersMax) : ''
    return name === '' || environment[variable] === '' || ofEveryCommand.includes(name) ? [] : [name]
  })
  if (unknown.length === 0) return
  const { describeWorkerOptions } = await import('@repokeeper/worker/options')
  const ofWorkers = describeWorkerOptions().map((option) => option.environment.slice(prefix.length))
  const known = [...new Set([...ofEveryCommand, ...ofWorkers])]
  for (const name of unknown.filter((one) => !known.includes(one))) {
    const nearest = nearestName(name, known)
    if (nearest === undefined) continue
    output.tell(`warning: nothing reads the variable ${prefix}${name}; was ${prefix}${nearest} meant?`)
  }
}
