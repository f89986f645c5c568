/**
 * The order of the test files: those that take long begin first, so that none of them is left alone at the end while the other processors
 * wait. By itself vitest knows that only where it has run before.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Parts of their paths, the longest first. */
const longest = [
  'least-power',
  'worker-pair',
  'end-to-end/',
  'clients/blocks',
  'repository/test/blocks',
  'cli/test/init',
  'cli/test/doctor',
  'cli/test/audit',
] as const

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files)
    return usual.toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = longest.findIndex((part) => moduleId.includes(part))
  return place === -1 ? longest.length : place
}
