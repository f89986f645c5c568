import { endpointProblem } from '@repokeeper/object-store/endpoint'
import type * as z from 'zod'

/** What was said of the options, and where. */
interface SaidOptions {
  readonly values: Readonly<Record<string, unknown>>
  /** `--concurrency`, `REPOKEEPER_CONCURRENCY`, `concurrency in worker.yaml`. */
  readonly saidBy: ReadonlyMap<string, string>
  /** All that there are. */
  readonly names: readonly string[]
  readonly flagOf: (name: string) => string
}

const shownCharactersMax = 80

/** What the schema has against an option, for the person who said it: where, what, and what is expected. */
export function describeProblem(
  issue: z.core.$ZodIssue,
  { values, saidBy, names, flagOf }: SaidOptions,
): readonly string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${saidBy.get(key) ?? key}: there is no such option; there are ${names.join(', ')}`)
  }
  const [name, ...rest] = issue.path.map(String)
  if (name === undefined) return [issue.message]
  const said = saidBy.get(name)
  const message = issue.message.replace(/^Invalid (input|option): /, '').replace(/, received \w+$/, '')
  if (said === undefined) return [`--${flagOf(name)}: ${message}`]
  const url = values[name]
  if (name === 'endpointUrl' && typeof url === 'string') return [endpointProblem({ url, from: said }) ?? message]
  // What is wrong with one of a list says itself which it is.
  if (rest.length > 0) return [`${said}${rest.map((part) => `[${part}]`).join('')}: ${message}`]
  return [`${said} is ${shown(values[name])}: ${message}`]
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}…` : text
}
