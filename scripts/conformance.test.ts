import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { compareWithCreaterepo, type Verdict } from '../fixtures/conformance.ts'
import { describeWithClients } from '../fixtures/describe-with-clients.ts'
import { buildRpms, readSpecs, specsFolder } from '../fixtures/rpmbuild.ts'

const corpus = join(import.meta.dirname, '..', '..', 'shared', 'corpus')

const different = (verdicts: readonly Verdict[]): Verdict[] => verdicts.filter(({ kind }) => kind === 'different')

describeWithClients(['createrepo_c', 'rpmbuild'], 'our entries are what createrepo_c would have written', () => {
  it('for a package of each rule, built by rpmbuild', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'repokeeper-rules-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const specs = [...(await readSpecs()), ...(await readSpecs(join(specsFolder, 'rules')))]
    const verdicts = await compareWithCreaterepo((await buildRpms(specs, directory)).map(({ path }) => path))

    expect(different(verdicts)).toEqual([])
    expect(verdicts.length).toBeGreaterThanOrEqual(specs.length)
    // The rules by which we differ are met by specs of their own, and by nothing else.
    const byRule = verdicts.flatMap((verdict) => (verdict.kind === 'by rule' ? [verdict.rule] : []))
    expect(new Set(byRule)).toEqual(new Set(['pre-of-transaction-scriptlets', 'control-characters']))
  })

  it('for real packages of many origins', async (test) => {
    if (!existsSync(corpus)) return test.skip('there is no corpus of packages beside the checkout')
    const files = (await readdir(corpus)).filter((name) => name.endsWith('.rpm')).map((name) => join(corpus, name))
    const verdicts = await compareWithCreaterepo(files)

    expect(different(verdicts)).toEqual([])
    expect(verdicts.length).toBe(files.length)
  })
})
