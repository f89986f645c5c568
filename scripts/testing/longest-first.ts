/**
 * The order of the test files: those that take long begin first, so that none of them is left alone at the end while the other processors
 * wait. By itself vitest knows that only where it has run before.
 */
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { readSeconds, root } from './seconds.ts'

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const seconds = readSeconds()
    const secondsOf = ({ moduleId }: TestSpecification): number => seconds.get(relative(root, moduleId)) ?? 0
    const usual = await super.sort(files)
    return usual.toSorted((a, b) => secondsOf(b) - secondsOf(a))
  }
}
