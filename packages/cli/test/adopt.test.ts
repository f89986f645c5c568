/** adopt: a repository of createrepo_c as people have left it, looked at, and taken over. */
import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { workplaceForTests } from './run-cli.ts'

const run = promisify(execFile)
const place = workplaceForTests()
const at = (path: string): string => join(place().directory, path)

const Report = z.object({
  ok: z.boolean(),
  isAdopted: z.boolean(),
  listed: z.number(),
  records: z.array(z.object({ type: z.string(), compression: z.string(), isOurs: z.boolean(), fate: z.string() })),
  differences: z.array(z.object({ path: z.string(), kind: z.string() })),
  sameNevra: z.array(z.object({ nevra: z.string(), paths: z.array(z.string()) })),
})

async function look(repository: string): Promise<z.output<typeof Report>> {
  const { code, stdout, stderr } = await place().repokeeper('adopt', repository, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return Report.parse(JSON.parse(stdout))
}

describeWithClients(['createrepo_c'], 'a repository of createrepo_c', () => {
  beforeAll(async () => {
    await mkdir(at('theirs/more'), { recursive: true })
    for (const name of ['gone', 'kept', 'twice'])
      await rename(at(await place().rpm({ name })), at(`theirs/${name}.rpm`))
    await cp(at('theirs/twice.rpm'), at('theirs/more/twice.rpm'))
    await run('createrepo_c', ['--database', '--general-compress-type=xz', at('theirs')])
    await writeFile(at('comps.xml'), '<comps><group><id>all</id><name>All</name></group></comps>')
    await run('modifyrepo_c', ['--mdtype=group', at('comps.xml'), at('theirs/repodata')])
    await rm(at('theirs/gone.rpm'))
    await rename(at(await place().rpm({ name: 'new' })), at('theirs/new.rpm'))
  })

  it('is told what it is and what would become of it, and nothing is changed', async () => {
    const before = await readdir(at('theirs/repodata'))
    const { stdout } = await place().repokeeper('adopt', 'theirs')
    expect(stdout).toMatch(/^primary +xz +\S+ k?B +\S+ k?B open +sha256 +written anew$/m)
    expect(stdout).toMatch(/^primary_db .* dropped$/m)
    expect(stdout).toMatch(/^group .* stays$/m)
    expect(stdout).toMatch(/^1 package not listed, would be added: new\.rpm$/m)
    expect(stdout).toMatch(/^1 package would be read whole: nothing tells the SHA-256 of a file in a directory$/m)
    expect(stdout).toMatch(/^1 package listed and not there, would go: gone\.rpm$/m)
    expect(stdout).toMatch(/^1 package at several paths, which stays so: twice-1\.0-1\.noarch$/m)
    expect(stdout).toMatch(/^theirs: 4 packages there, 4 listed \(nothing was changed, --yes adopts it\)$/m)
    expect(await readdir(at('theirs/repodata'))).toEqual(before)
    expect((await look('theirs')).isAdopted).toBe(false)
  })

  it('is taken over with what there is beside the packages, and then there is nothing more to do', async () => {
    await cp(at('theirs'), at('ours'), { recursive: true, preserveTimestamps: true })
    const ran = await place().repokeeper('adopt', 'ours', '--yes')
    expect(ran).toMatchObject({ code: 0 })
    expect(ran.stdout).toMatch(/^ours: adopted: revision \d+ is written as repokeeper writes it$/m)
    const adopted = await look('ours')
    expect(adopted).toMatchObject({ isAdopted: true, listed: 4, differences: [] })
    expect(adopted.records.map(({ type, isOurs, fate }) => [type, isOurs || fate])).toEqual([
      ['primary', true],
      ['filelists', true],
      ['other', true],
      ['group', 'stays'],
    ])
    expect(await place().repokeeper('verify', 'ours', '--packages')).toMatchObject({ code: 0 })
    const again = await place().repokeeper('adopt', 'ours', '--yes')
    expect(again.stdout).toMatch(/it is as repokeeper writes it, nothing is to be done$/m)
  })

  it('is written in blocks also where no package has to be listed anew', async () => {
    await mkdir(at('agreeing'))
    await rename(at(await place().rpm({ name: 'one' })), at('agreeing/one.rpm'))
    await run('createrepo_c', [at('agreeing')])
    expect(await look('agreeing')).toMatchObject({ isAdopted: false, differences: [] })
    expect(await place().repokeeper('adopt', 'agreeing', '--yes')).toMatchObject({ code: 0 })
    expect(await look('agreeing')).toMatchObject({ isAdopted: true, listed: 1 })
  })

  it('says before of what is no package that it cannot be listed, and each time after that it was left out', async () => {
    await mkdir(at('with junk'))
    await rename(at(await place().rpm({ name: 'one' })), at('with junk/one.rpm'))
    await run('createrepo_c', [at('with junk')])
    await writeFile(at('with junk/junk.rpm'), 'junk')
    const { stdout } = await place().repokeeper('adopt', 'with junk')
    expect(stdout).toMatch(/^not listed, and cannot be: junk\.rpm: not an RPM package/m)
    expect(stdout).not.toMatch(/would be (added|read)/)
    for (const _ of ['the first time', 'and again']) {
      const { code, stderr } = await place().repokeeper('adopt', 'with junk', '--yes')
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^junk\.rpm: left out: not an RPM/m) })
    }
  })

  it('gets its metadata where it has none, and is none where there is nothing', async () => {
    await mkdir(at('bare'))
    await rename(at(await place().rpm({ name: 'bare' })), at('bare/bare.rpm'))
    expect((await place().repokeeper('adopt', 'bare')).stdout).toMatch(
      /no metadata \(nothing was changed, --yes writes/,
    )
    expect(await place().repokeeper('adopt', 'bare', '--yes')).toMatchObject({ code: 0 })
    expect(await look('bare')).toMatchObject({ isAdopted: true, listed: 1 })
    await mkdir(at('nothing'))
    expect(await place().repokeeper('adopt', 'nothing')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('neither'),
    })
  })
})
