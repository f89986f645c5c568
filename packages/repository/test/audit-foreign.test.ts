/**
 * What createrepo_c leaves behind where it did not come to its end, and what dnf makes of it before and after a repair.
 */
import { execFile } from 'node:child_process'
import { cp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DirectoryStore } from '@repokeeper/object-store'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { expect, it } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../fixtures/dnf.ts'
import { auditRepository, repairRepository } from '../src/index.ts'
import { newDirectory } from './take-over-workbench.ts'
import { bucketTruth, locationIn, newContext, readPublished } from './workbench.ts'

const run = promisify(execFile)

async function packagesIn(directory: string, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await writeFile(join(directory, `${name}.rpm`), buildPackage({ name }))
    // createrepo_c writes whole seconds, and so does a bucket.
    await utimes(join(directory, `${name}.rpm`), 1_700_000_000, 1_700_000_000)
  }
}

const here = (directory: string) => locationIn(new DirectoryStore(directory), '')

/** What a new dnf is able to list. */
async function dnfLists(directory: string): Promise<string[] | 'it fails'> {
  const dnf = await openDnf(newDirectory(), `file://${directory}`)
  const listed = await dnf('repoquery', '--available', '--qf', '%{name}\\n').catch(() => undefined)
  return listed === undefined ? 'it fails' : listed.stdout.split('\n').filter(Boolean).toSorted()
}

describeWithClients(['createrepo_c', 'dnf'], 'a repository of createrepo_c', () => {
  it('that is whole has nothing to be found, deep or not', async () => {
    const directory = newDirectory()
    await packagesIn(directory, 'ant', 'bear')
    await run('createrepo_c', ['--xz', directory])
    for (const deep of [false, true]) {
      const report = await auditRepository(here(directory), await newContext(), { deep })
      expect(report).toMatchObject({ findings: [], notes: [], listed: 2 })
    }
  })

  it('whose filelists is of an older run is found half-written, and mended', async () => {
    const [directory, older] = [newDirectory(), newDirectory()]
    await packagesIn(older, 'ant')
    await packagesIn(directory, 'ant', 'bear')
    await run('createrepo_c', ['--no-database', older])
    await run('createrepo_c', ['--no-database', directory])
    // Killed between the copies of its documents: repomd.xml names the filelists of the run before.
    const filelists = async (of: string) =>
      (await readdir(join(of, 'repodata'))).find((name) => name.includes('filelists')) ?? ''
    await cp(join(older, 'repodata', await filelists(older)), join(directory, 'repodata', await filelists(older)))
    const record = (text: string): string => /<data type="filelists">[\s\S]*?<\/data>/.exec(text)?.[0] ?? ''
    const [mine, its] = await Promise.all(
      [directory, older].map((one) => readFile(join(one, 'repodata/repomd.xml'), 'utf8')),
    )
    await writeFile(join(directory, 'repodata/repomd.xml'), (mine ?? '').replace(record(mine ?? ''), record(its ?? '')))

    const { before, after } = await repairRepository(here(directory), await newContext())
    expect(before.findings).toMatchObject([{ kind: 'half-written', record: 'filelists', mend: 'rebuild' }])
    expect(after.findings).toEqual([])
    expect((await readPublished(here(directory))).packages).toEqual(await bucketTruth(here(directory)))
    expect(await dnfLists(directory)).toEqual(['ant', 'bear'])
  })

  it('whose comps is gone is given up by dnf, until its record is dropped', async () => {
    const directory = newDirectory()
    await packagesIn(directory, 'ant')
    const comps = join(directory, 'comps.xml')
    await writeFile(comps, '<?xml version="1.0"?>\n<comps><group><id>g</id><name>G</name></group></comps>\n')
    await run('createrepo_c', ['--no-database', '--groupfile', comps, directory])
    for (const name of await readdir(join(directory, 'repodata'))) {
      if (name.includes('comps')) await rm(join(directory, 'repodata', name))
    }
    expect(await dnfLists(directory)).toBe('it fails')
    const { before, after } = await repairRepository(here(directory), await newContext())
    expect(before.findings.map(({ kind, mend }) => `${kind} ${mend}`)).toContain('missing-document drop-record')
    expect(after.findings).toEqual([])
    expect(await dnfLists(directory)).toEqual(['ant'])
  })
})
