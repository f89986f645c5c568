/**
 * The work of `plan`: the bucket beside the metadata.
 */
import { type Difference, type Survey, surveyRepository } from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import { keyToName, whatKeyIs } from './command-to-copy.ts'
import { ExitCode } from './failure.ts'
import { nothingThere, type OpenRepository } from './open-repository.ts'
import { policyReminder } from './policy-reminder.ts'
import { count, table } from './text-layout.ts'

const meanings: Record<Difference['kind'], string> = {
  missing: 'there, but not listed',
  changed: 'listed as it was before',
  vanished: 'listed, but not there',
}

/** @returns the exit code: 0 where nothing differs, else 100 */
export async function planRepository(
  repository: OpenRepository,
  { json }: { readonly json: boolean },
  { output, environment }: Cli,
): Promise<number> {
  const survey = await surveyRepository(repository.location, repository.context())
  if (survey.inBucket === 0 && survey.revision === undefined) throw nothingThere(repository)
  const equal = survey.differences.length === 0
  if (json) output.printJson({ repository: repository.name, equal, ...survey })
  else {
    tell(repository, survey, output)
    if (!equal) {
      const key = await keyToName(repository, environment)
      advise(repository, survey, { key, reminder: policyReminder(repository, environment) }, output)
    }
  }
  return equal ? ExitCode.done : ExitCode.different
}

function tell({ name, isDirectory }: OpenRepository, survey: Survey, output: Cli['output']): void {
  const { differences, passedOver, inBucket, listed, revision } = survey
  for (const line of table(differences.map(({ kind, path }) => [kind, path, meanings[kind]]))) output.print(line)
  for (const { key, why } of passedOver) output.print(`passed over  ${key}  ${why}`)
  const generation = revision === undefined ? 'no metadata yet' : `${listed} listed in revision ${revision}`
  const place = isDirectory ? 'directory' : 'bucket'
  output.print(`${name}: ${count(inBucket, 'package')} in the ${place}, ${generation}: ${verdict(differences)}`)
}

function advise(
  { name, isDirectory, toCopy }: OpenRepository,
  { differences, revision }: Survey,
  { key, reminder }: { readonly key: readonly string[]; readonly reminder: string },
  output: Cli['output'],
): void {
  const usually = isDirectory ? '' : 'A worker brings this into line when the event arrives. '
  const command = revision === undefined ? ['rebuild', name] : ['audit', name, '--repair']
  const placeholder = key.length === 0 ? '' : ` (${whatKeyIs})`
  output.tell(`${usually}"${toCopy(...command, ...key)}" brings it into line now${placeholder}.`)
  if (reminder !== '' && differences.some(({ kind }) => kind !== 'vanished')) output.tell(reminder)
  if (differences.some(({ kind }) => kind === 'missing')) {
    const worker = isDirectory ? '' : ', and so do the log of the worker and "repokeeper history" on its machine'
    output.tell(
      `What stays missing may be no whole RPM package, or not signed as it has to be: that names it${worker}.`,
    )
  }
}

function verdict(differences: readonly Difference[]): string {
  if (differences.length === 0) return 'they agree'
  const kinds = ['missing', 'changed', 'vanished'] as const
  return kinds
    .map((kind) => `${differences.filter((difference) => difference.kind === kind).length} ${kind}`)
    .join(', ')
}
