/**
 * Repositories that createrepo_c made, in every way it can, taken over by adding one package and removing another.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { parseRepomd } from '@repokeeper/repodata'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { expect, it } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import {
  added,
  digest,
  expectUntouchedBytes,
  listBy,
  listByClients,
  newDirectory,
  takeOver,
  writeFiles,
} from './take-over-workbench.ts'

/** Paths of packages. The same file at two locations has one pkgid, and two entries in each document. */
const packages = {
  'a.rpm': 'a',
  'bear.rpm': 'bear',
  'b-copy.rpm': 'bear',
  'Packages/z/zebra.rpm': 'zebra',
  'lib+x.rpm': 'lib+x',
} as const
const removed = 'a.rpm'
const modified = new Date('2026-01-02T03:04:05Z')

function bytesOf(name: string): Uint8Array {
  return buildPackage({
    name,
    summary: `It's "${name}" & <more> — é`,
    files: [{ path: '/usr/bin/x' }, { path: `/usr/share/doc/it's & é/${name}` }],
    changelogs: [{ time: 1_700_000_000, author: 'A <a@b.c> - 1', text: '- "first" & <last>' }],
  })
}

function createRepository(options: readonly string[], finish: (repodata: string) => void = () => {}): string {
  const directory = newDirectory()
  for (const [path, name] of Object.entries(packages)) {
    writeFiles(directory, { [path]: bytesOf(name) })
    // createrepo_c's reader drops packages of one digest whose times differ (primary_pkgcb in load_metadata.c).
    utimesSync(join(directory, path), modified, modified)
  }
  writeFiles(directory, { 'comps.xml': comps })
  execFileSync('createrepo_c', ['--quiet', ...options, directory])
  finish(join(directory, 'repodata'))
  return directory
}

const comps = '<?xml version="1.0"?><comps><group><id>core</id><name>Core</name></group></comps>'
const updates = '<?xml version="1.0"?><updates><update type="security"><id>X-1</id></update></updates>'
const modules = 'document: modulemd-defaults\nversion: 1\ndata: {module: x, stream: "1", profiles: {"1": [default]}}\n'

function modify(repodata: string, type: string, name: string, content: string): void {
  const directory = newDirectory()
  writeFiles(directory, { [name]: content })
  execFileSync('modifyrepo_c', [`--mdtype=${type}`, join(directory, name), repodata], { stdio: 'ignore' })
}

/** createrepo_c 0.17 writes no zstd: the same documents, compressed anew. */
function recompressWithZstd(repodata: string): void {
  let repomd = readFileSync(join(repodata, 'repomd.xml'), 'utf8')
  for (const name of readdirSync(repodata)) {
    const kind = /-(primary|filelists|other)\.xml\.gz$/.exec(name)?.[1]
    if (kind === undefined) continue
    const bytes = zstdCompressSync(execFileSync('zcat', [join(repodata, name)]))
    const record = new RegExp(`<data type="${kind}">[\\s\\S]*?</data>`)
    repomd = repomd.replace(record, (text) =>
      text
        .replace(/<checksum type="sha256">[^<]*/, `<checksum type="sha256">${digest(bytes)}`)
        .replace(name, `${digest(bytes)}-${kind}.xml.zst`)
        .replace(/<size>[0-9]+/, `<size>${bytes.length}`),
    )
    rmSync(join(repodata, name))
    writeFiles(repodata, { [`${digest(bytes)}-${kind}.xml.zst`]: bytes })
  }
  writeFiles(repodata, { 'repomd.xml': repomd })
}

const stale = ['primary', 'filelists', 'other']
const sqlite = stale.map((kind) => `${kind}_db`)
const zchunk = stale.map((kind) => `${kind}_zck`)

/** The same package at two places. */
const twins = ['b-copy.rpm', 'bear.rpm']

describeWithClients(['createrepo_c', 'xz', 'dnf', 'xmllint'], 'a repository of createrepo_c', () => {
  it.each<[string, readonly string[], { checksum?: string; dropped?: string[]; finish?: (repodata: string) => void }]>([
    ['as it comes', ['--no-database'], {}],
    ['with sqlite', ['--database'], { dropped: sqlite }],
    ['with zchunk', ['--no-database', '--zck'], { dropped: zchunk }],
    ['compressed with xz', ['--no-database', '--general-compress-type=xz'], {}],
    ['compressed with bzip2', ['--general-compress-type=bz2', '--compress-type=bz2'], { dropped: sqlite }],
    ['compressed with zstd', ['--no-database'], { finish: recompressWithZstd }],
    ['with MD5 checksums', ['--no-database', '--checksum=md5'], { checksum: 'md5' }],
    ['with SHA-1 checksums, called "sha"', ['--no-database', '--checksum=sha'], { checksum: 'sha1' }],
    ['with SHA-512 checksums', ['--no-database', '--checksum=sha512'], { checksum: 'sha512' }],
    ['with simple file names', ['--no-database', '--simple-md-filenames'], {}],
  ])('is taken over %s: untouched entries stay byte for byte', async (_, options, more) => {
    const { checksum = 'sha256', dropped = [], finish } = more
    const taken = await takeOver(createRepository(options, finish), removed)

    expectUntouchedBytes(taken, digest(bytesOf(packages[removed]), checksum))
    expect(parseRepomd(Buffer.from(taken.after.repomd)).records.map(({ type }) => type)).toEqual(stale)
    expect(taken.warnings.map((warning) => warning.replace(/:.*/, '')).toSorted()).toEqual(dropped.toSorted())
    const locations = [...Object.keys(packages).filter((path) => path !== removed), added.path].toSorted()
    const { createrepo_c, dnf, mergerepo_c } = await listByClients(taken.directory)
    expect(createrepo_c).toEqual(locations)
    // Of the packages that are the same but for their place these may keep either, or both.
    for (const listed of [mergerepo_c, dnf]) {
      expect(listed.filter((path) => !twins.includes(path))).toEqual(locations.filter((path) => !twins.includes(path)))
      expect(listed.some((path) => twins.includes(path))).toBe(true)
    }
  })

  it('is taken over with packages that lie elsewhere: deleting one of ours takes none of them away', async () => {
    const base = 'http://example.com/base/'
    const taken = await takeOver(createRepository(['--no-database', '--baseurl', base]), removed)

    expectUntouchedBytes(taken, 'none')
    const one = (paths: readonly string[]) => paths.filter((path) => !twins.includes(path)).toSorted()
    expect(one((await listByClients(taken.directory)).dnf)).toEqual(one([...Object.keys(packages), added.path]))
  })

  it('keeps comps, updateinfo, modules and what it does not know: records and files as they are', async () => {
    const directory = createRepository(['--database', '--groupfile=comps.xml'], (repodata) => {
      modify(repodata, 'updateinfo', 'updateinfo.xml', updates)
      modify(repodata, 'modules', 'modules.yaml', modules)
      modify(repodata, 'x-own', 'own.txt', 'whatever')
    })
    const records = (repomd: string): Map<string, unknown> =>
      new Map(
        parseRepomd(Buffer.from(repomd))
          .records.filter(({ type }) => !stale.includes(type))
          .map(({ type, element }) => [type, element]),
      )
    const taken = await takeOver(directory, removed)

    const kept = ['group', 'group_gz', 'modules', 'updateinfo', 'x-own']
    const before = records(taken.before.repomd)
    const after = records(taken.after.repomd)
    expect([...after.keys()]).toEqual(kept)
    for (const type of kept) expect(after.get(type)).toEqual(before.get(type))
    for (const { type, href } of parseRepomd(Buffer.from(taken.after.repomd)).records) {
      if (kept.includes(type))
        expect(readFileSync(join(taken.directory, href))).toEqual(readFileSync(join(directory, href)))
    }
    for (const type of sqlite)
      expect(taken.warnings).toContainEqual(expect.stringContaining(`${type} would have been out of date`))
    // Not mergerepo_c: without libmodulemd 0.17 refuses every repository with modules, its own included.
    expect(await listBy('createrepo_c', taken.directory)).toContain(added.path)
    expect(await listBy('dnf', taken.directory)).toContain(added.path)
  })
})
