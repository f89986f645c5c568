/**
 * What the options say of generations.
 */
import { type Generations, wrongGenerationsUrl } from '@repokeeper/repository'

/** As the options give them. */
export interface GenerationsSettings {
  readonly generationsUrl?: string | undefined
  readonly repositories?: readonly string[] | undefined
}

export function generationsOf({ generationsUrl: url }: GenerationsSettings): Generations {
  return url === undefined ? { kind: 'as found' } : { kind: 'published', url }
}

/** What cannot be meant, as a sentence; `undefined` where it can. */
export function wrongGenerations({ generationsUrl, repositories = [] }: GenerationsSettings): string | undefined {
  if (generationsUrl === undefined) return undefined
  const isOne = repositories.length === 1 && repositories.every((one) => !one.includes('*'))
  return wrongGenerationsUrl(generationsUrl, !isOne)
}
