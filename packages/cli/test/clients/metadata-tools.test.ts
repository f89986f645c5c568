/**
 * The programs and libraries that read metadata without installing anything: createrepo_c and its Python module, mergerepo_c,
 * libsolv's tools, xmllint. Each reads what we published and, over the same files, what createrepo_c wrote.
 */
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { missingClients } from '../../../../fixtures/clients.ts'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { createrepo, readRepodata } from '../../../../fixtures/repodata-trees.ts'
import { clientPlaceForTests } from './client-place.ts'
import { nevras, publishHarbour, root } from './harbour-repository.ts'

const run = promisify(execFile)
const place = clientPlaceForTests(publishHarbour)

/** The published repository, and createrepo_c's metadata of its packages. */
let ours = ''
let theirs = ''
beforeAll(async () => {
  ours = await place().download(root)
  theirs = await place().makeDirectory()
  if (missingClients(['createrepo_c']).length === 0) await createrepo(ours, ['--outputdir', theirs])
})

describeWithClients(['createrepo_c', 'python3-createrepo_c'], 'python3-createrepo_c', () => {
  let read: Awaited<ReturnType<typeof readByPython>>
  beforeAll(async () => {
    read = await readByPython(ours)
  })

  it('finds nothing to warn of', () => {
    expect(read.warnings).toEqual([])
  })

  it('finds in repomd.xml what createrepo_c itself would say of each document', () => {
    expect(Object.keys(read.repomd.records)).toEqual(['primary', 'filelists', 'other'])
    expect(read.repomd).toMatchObject({ revision: expect.stringMatching(/^\d+$/), repo_tags: [], content_tags: [] })
    for (const [kind, record] of Object.entries(read.repomd.records)) {
      const { size, size_open, checksum, checksum_type, checksum_open, checksum_open_type } = record.own
      expect(record.read).toMatchObject({
        type: kind,
        location_href: expect.stringMatching(new RegExp(`^repodata/${checksum}-[0-9a-f]{8}-${kind}\\.xml\\.gz$`)),
        ...{ size, size_open, checksum, checksum_type, checksum_open, checksum_open_type },
      })
      expect(record.read.timestamp).toBe(Number(read.repomd.revision))
    }
  })

  it('reads every field of every package as it reads it of createrepo_c’s own documents', async () => {
    const { documents, together } = await readByPython(theirs)
    const byId = (packages: readonly Fields[]) => Map.groupBy(packages, ({ pkgId }) => pkgId)
    for (const kind of ['primary', 'filelists', 'other'] as const) {
      expect(byId(read.documents[kind])).toEqual(byId(documents[kind]))
    }
    expect(read.together).toEqual(together)
    expect(Object.keys(together)).toHaveLength(nevras.length)
    // Not both nothing, then.
    expect(read.together['tide-gauge-1.8.0-1.x86_64.rpm']).toMatchObject({
      nevra: 'tide-gauge-1:1.8.0-1.x86_64',
      rpm_vendor: 'Tidewater Harbour Works',
      obsoletes: [['tidegauged', 'LT', '1', '1.5', '2', false]],
      files: expect.arrayContaining([['ghost', '/var/log/', 'tide-gauge.log']]),
      changelogs: [
        ['Jörg Deich <joerg@tidewater.example> - 1:1.7.2-1', 1_787_313_600, '- Bear with a gauge that is frozen in'],
        [expect.stringContaining('Ada'), 1_794_398_400, '- Say when the water rises faster than computed'],
      ],
    })
  })
})

describeWithClients(['createrepo_c'], 'createrepo_c --update', () => {
  it('takes every entry from our metadata, reads no package again, and writes the same', async () => {
    const directory = await place().download(root)
    const before = await readRepodata(directory)
    const { stdout, stderr } = await run('createrepo_c', ['--update', '--no-database', '--verbose', directory])
    expect(`${stdout}${stderr}`.match(/CACHE HIT /g)).toHaveLength(nevras.length)
    expect(`${stdout}${stderr}`).not.toMatch(/warning|critical|cannot/i)
    expect(new Map([...(await readRepodata(directory))].sort())).toEqual(new Map([...before].sort()))
  })
})

describeWithClients(['createrepo_c'], 'mergerepo_c', () => {
  it('merges our repository, over HTTP, with another one, and keeps every entry', async () => {
    const other = await place().makeDirectory()
    await mkdir(join(other, 'Packages'))
    await writeFile(join(other, 'Packages', 'buoy-1.0-1.noarch.rpm'), buildPackage({ name: 'buoy' }))
    await createrepo(other)
    const merged = await place().makeDirectory()
    const url = place().urlOf(root)
    const always = ['--all', '--no-database', '--omit-baseurl', '--outputdir', merged]
    const { stderr } = await run('mergerepo_c', ['--repo', url, '--repo', `file://${other}`, ...always])
    expect(stderr).toBe('')
    const [all, own, others] = await Promise.all([merged, ours, other].map(readRepodata))
    expect(all).toEqual(new Map([...(own ?? []), ...(others ?? [])]))
    expect(all?.size).toBe(nevras.length + 1)
  })
})

describeWithClients(['createrepo_c', 'repo2solv'], 'repo2solv, by which dnf and zypper read,', () => {
  it('makes of our metadata what it makes of createrepo_c’s', async () => {
    const mine = solvablesOf(await dumpSolv(ours))
    expect(mine).toEqual(solvablesOf(await dumpSolv(theirs)))
    expect(mine).toHaveLength(nevras.length)
  })
})

describeWithClients(['xmllint'], 'xmllint', () => {
  it('finds repomd.xml and the documents, compressed as they are, well-formed', async () => {
    const names = (await readdir(join(ours, 'repodata'))).sort()
    expect(names.map((name) => name.replace(/^[0-9a-f]{64}-[0-9a-f]{8}-/, '')).sort()).toEqual([
      'filelists.xml.gz',
      'other.xml.gz',
      'primary.xml.gz',
      'repomd.xml',
    ])
    const paths = names.map((name) => join(ours, 'repodata', name))
    expect(await run('xmllint', ['--noout', '--nonet', ...paths])).toEqual({ stdout: '', stderr: '' })
    // It has read them, not passed over what it could not open.
    const { stdout } = await run('xmllint', ['--xpath', 'count(/*/*)', ...paths.filter((path) => path.endsWith('.gz'))])
    expect(stdout.trim().split('\n')).toEqual(['11', '11', '11'])
  })

  it('would say where one is not', async () => {
    const broken = join(await place().makeDirectory(), 'broken.xml')
    const repomd = await readFile(join(ours, 'repodata', 'repomd.xml'), 'utf8')
    await writeFile(broken, repomd.replace('</data>', ''))
    await expect(run('xmllint', ['--noout', broken])).rejects.toThrow(/Opening and ending tag mismatch/)
  })
})

async function dumpSolv(directory: string): Promise<string> {
  const file = join(await place().makeDirectory(), 'repository.solv')
  await run('repo2solv', ['-F', '-o', file, directory])
  expect((await stat(file)).size).toBeGreaterThan(0)
  const { stdout } = await run('dumpsolv', [file], { maxBuffer: 2 ** 26 })
  return stdout
}

/** What it says of each package, without its number, sorted: the order of the packages means nothing. */
function solvablesOf(dump: string): string[] {
  const [, ...solvables] = dump.split(/^solvable \d+ \(\d+\):$/m)
  return solvables.sort()
}

const script = join(import.meta.dirname, 'read_repository.py')

async function readByPython(directory: string) {
  const { stdout } = await run('/usr/bin/python3', [script, directory], { maxBuffer: 2 ** 26 })
  return Read.parse(JSON.parse(stdout))
}

const Fields = z.record(z.string(), z.unknown())
type Fields = z.infer<typeof Fields>

const Read = z.object({
  warnings: z.array(z.string()),
  repomd: z.looseObject({
    revision: z.string(),
    records: z.record(z.string(), z.object({ read: Fields, own: Fields })),
  }),
  documents: z.object({ primary: z.array(Fields), filelists: z.array(Fields), other: z.array(Fields) }),
  together: z.record(z.string(), Fields),
})
