/**
 * Names that hurt, the whole way: an upload, S3's notification, a worker, the metadata, and the URL that a client makes of an
 * href. The server reads URLs as S3 does: a bare `+` is a space.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { buildPackage, type PackageSpec } from '@repokeeper/rpm-parser/testing'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../../fixtures/dnf.ts'
import { createrepo, readRepodata } from '../../../../fixtures/repodata-trees.ts'
import { openZypper, type Zypper, zypperDownloads } from '../../../../fixtures/zypper.ts'
import { type ClientPlace, clientPlaceForTests, openClientPlace } from './client-place.ts'
import { describeAsRoot } from './describe-as-root.ts'
import { failureOutput } from './failure-output.ts'

const root = 'el9'

/** By location. The package's own name is a plain one where the file's is not. */
const packages: Readonly<Record<string, PackageSpec>> = {
  'libstdc++-11.5.0-2.x86_64.rpm': { name: 'libstdc++', version: '11.5.0', release: '2', arch: 'x86_64' },
  'Packages/g/g++/gtk+c++-1.0-1.noarch.rpm': { name: 'gtk+c++' },
  'tilde-2.0~rc1-1.noarch.rpm': { name: 'tilde', version: '2.0~rc1' },
  'caret-1.2^git3-1.noarch.rpm': { name: 'caret', version: '1.2^git3' },
  'percent-100%-1.noarch.rpm': { name: 'percent' },
  // As a careless script renames it: these three characters are the name.
  'literal%2Bplus-1.noarch.rpm': { name: 'literal' },
  'literal%20space-1.noarch.rpm': { name: 'literal-space' },
  'with spaces/a b  c-1.noarch.rpm': { name: 'spaces' },
  'hash#1-1.noarch.rpm': { name: 'hash' },
  'question?mark-1.noarch.rpm': { name: 'question' },
  'this&that=1;-1.noarch.rpm': { name: 'ampersand' },
  "it's-1.noarch.rpm": { name: 'apostrophe' },
  '"quoted"-<1>.noarch.rpm': { name: 'quoted' },
  'brackets[1]{2}(3)-1.noarch.rpm': { name: 'brackets' },
  'at@colon:comma,star*-1.noarch.rpm': { name: 'punctuation' },
  'back\\slash|bar`tick$dollar!-1.noarch.rpm': { name: 'shell' },
  'Küste-Ærø-1.noarch.rpm': { name: 'composed' },
  '港/潮汐-1.noarch.rpm': { name: 'han' },
  '🌊-1.noarch.rpm': { name: 'wave' },
  'a/very/deep/directory/below/the/root/of/this/repository/deep-1.0-1.noarch.rpm': { name: 'deep' },
  // The same bytes at two places; the same NEVRA but the architecture; the same but the epoch.
  'twice-1.0-1.noarch.rpm': { name: 'twice' },
  'archive/twice-1.0-1.noarch.rpm': { name: 'twice' },
  'arch-1.0-1.i686.rpm': { name: 'arch', arch: 'i686' },
  'arch-1.0-1.x86_64.rpm': { name: 'arch', arch: 'x86_64' },
  'epoch-0/epoch-1.0-1.noarch.rpm': { name: 'epoch' },
  'epoch-1/epoch-1.0-1.noarch.rpm': { name: 'epoch', epoch: 1 },
}
const locations = Object.keys(packages).sort()
const withPlus = locations.filter((location) => location.includes('+'))
const bytesOf = (location: string) => Buffer.from(buildPackage(packages[location] ?? { name: 'none' }))

async function uploadAndWork({ store, queues: [add], repoOf, repokeeper }: ClientPlace): Promise<void> {
  for (const location of locations) await store.put(`${root}/${location}`, bytesOf(location), { if: 'always' })
  await repokeeper('worker', '--queue', add, '--once', '--repository', repoOf(root), '--batch-quiet-seconds', '0.2')
}

const place = clientPlaceForTests(uploadAndWork)

describe('the metadata', () => {
  it('lists each package once at each place, the href as the key is, not encoded', async () => {
    const listed = [...(await readRepodata(await place().download(root))).keys()]
    expect(listed.sort()).toEqual(locations)
  })
})

describeWithClients(['createrepo_c'], 'createrepo_c', () => {
  it('writes the same of files with these names', async () => {
    const directory = await place().download(root)
    const ours = await readRepodata(directory)
    await createrepo(directory)
    expect(new Map([...ours].sort())).toEqual(new Map([...(await readRepodata(directory))].sort()))
  })
})

describeWithClients(['dnf', 'dnf-plugins'], 'dnf', () => {
  it('finds every package where it lies', async () => {
    const dnf = await openDnf(await place().makeDirectory(), place().urlOf(root))
    const format = '%{name}-%{epoch}:%{version}-%{release}.%{arch} %{location}'
    const { stdout } = await dnf('repoquery', '--quiet', '--queryformat', format)
    const expected = locations.map((location) => {
      const { name, epoch = 0, version = '1.0', release = '1', arch = 'noarch' } = packages[location] ?? { name: '' }
      return `${name}-${epoch}:${version}-${release}.${arch} ${location}`
    })
    expect(stdout.trimEnd().split('\n').sort()).toEqual(expected.sort())
  })

  it('downloads every one, `+` and all, with the right digest', async () => {
    const dnf = await openDnf(await place().makeDirectory(), place().urlOf(root))
    const into = await place().makeDirectory()
    const calls = await place().callsDuring(async () => {
      const { stdout } = await dnf('reposync', `--download-path=${into}`, '--norepopath')
      // It counts two files of one name as one, now and then.
      expect(stdout).toContain(`/${locations.length}): `)
      expect(stdout).not.toMatch(/\[(MIRROR|FAILED)\]/)
    })
    for (const location of locations) expect(await readFile(join(into, location))).toEqual(bytesOf(location))
    expect(calls.filter(({ status }) => status !== 200)).toEqual([])
  })

  it('downloads one of two architectures or epochs, and the package that lies at two places, when asked by name', async () => {
    const dnf = await openDnf(await place().makeDirectory(), place().urlOf(root))
    const into = await place().makeDirectory()
    await dnf('download', '--quiet', `--destdir=${into}`, 'arch.i686', 'epoch-0:1.0-1', 'twice', 'libstdc++')
    for (const location of [
      'arch-1.0-1.i686.rpm',
      'epoch-0/epoch-1.0-1.noarch.rpm',
      'twice-1.0-1.noarch.rpm',
      'libstdc++-11.5.0-2.x86_64.rpm',
    ]) {
      expect(await readFile(join(into, basename(location)))).toEqual(bytesOf(location))
    }
    expect(existsSync(join(into, 'arch-1.0-1.x86_64.rpm'))).toBe(false)
  })
})

describeAsRoot(['zypper', 'createrepo_c'], 'zypper', () => {
  let directory = ''
  let zypper: Zypper
  beforeAll(async () => {
    directory = await place().makeDirectory()
    zypper = await openZypper(directory, place().urlOf(root))
  })

  it('downloads every one but those with a `+`, with the right digest', async () => {
    const without = locations.filter((location) => !withPlus.includes(location))
    // One run takes one of a name.
    const others = ['arch-1.0-1.i686.rpm', 'epoch-0/epoch-1.0-1.noarch.rpm']
    for (const wanted of [without.filter((location) => !others.includes(location)), others]) {
      const { stdout, stderr } = await zypper('download', ...wanted.map(zypperSpec))
      expect(stderr).toBe('')
      expect(stdout).not.toMatch(/not found|failed/i)
    }
    const missing: string[] = []
    for (const location of without) {
      const path = join(directory, zypperDownloads, location)
      if (existsSync(path)) expect(await readFile(path)).toEqual(bytesOf(location))
      else missing.push(location)
    }
    // Of two places of one package it takes either.
    expect(missing).toEqual([expect.stringMatching(/^(archive\/)?twice-1\.0-1\.noarch\.rpm$/)])
  })

  // libzypp counts `+` among the characters that are safe in a path (UrlBase.cc, safe_pathname).
  it.each(['repokeeper', 'createrepo_c'])(
    'sends a `+` as it is, for which S3 has another object, where %s wrote the metadata',
    async (by) => {
      const location = 'libstdc++-11.5.0-2.x86_64.rpm'
      const at = by === 'repokeeper' ? root : 'foreign'
      if (by !== 'repokeeper') await publishByCreaterepo(at, location)
      const one = await openZypper(await place().makeDirectory(), place().urlOf(at))
      const calls = await place().callsDuring(async () => {
        const output = await failureOutput(one('install', '--download-only', 'libstdc++'))
        expect(output).toContain(`File './${location}' not found on medium '${place().urlOf(at)}'`)
      })
      expect(calls.at(-1)).toMatchObject({ status: 404, key: `${at}/${location.replaceAll('+', ' ')}` })
    },
  )

  it('downloads it from a server for which a `+` is a plus', async () => {
    const { place: other, close } = await openClientPlace({ plusIsSpace: false })
    onTestFinished(close)
    for (const location of withPlus) await other.store.put(`${root}/${location}`, bytesOf(location), { if: 'always' })
    await other.repokeeper('rebuild', other.repoOf(root))
    const into = await other.makeDirectory()
    const { stderr } = await (await openZypper(into, other.urlOf(root)))('download', 'libstdc++', 'gtk+c++')
    expect(stderr).toBe('')
    for (const location of withPlus) {
      expect(await readFile(join(into, zypperDownloads, location))).toEqual(bytesOf(location))
    }
  })

  it('downloads it from S3 where the object’s key has no `+`: the name of a file is nobody’s business', async () => {
    const key = 'renamed/libstdcxx-11.5.0-2.x86_64.rpm'
    const bytes = bytesOf('libstdc++-11.5.0-2.x86_64.rpm')
    await place().store.put(key, bytes, { if: 'always' })
    await place().repokeeper('rebuild', place().repoOf('renamed'))
    const into = await place().makeDirectory()
    const one = await openZypper(into, place().urlOf('renamed'))
    expect((await one('install', '--download-only', 'libstdc++')).stdout).toContain(
      'libstdcxx-11.5.0-2.x86_64.rpm [done]',
    )
    expect(await readFile(join(into, zypperDownloads, basename(key)))).toEqual(bytes)
  })
})

/** A bucket as people fill it with createrepo_c and `aws s3 sync`. */
async function publishByCreaterepo(at: string, location: string): Promise<void> {
  const directory = await place().makeDirectory()
  await writeFile(join(directory, location), bytesOf(location))
  await createrepo(directory)
  const names = [location, ...(await readdir(join(directory, 'repodata'))).map((name) => `repodata/${name}`)]
  for (const name of names) {
    await place().store.put(`${at}/${name}`, await readFile(join(directory, name)), { if: 'always' })
  }
}

/** How zypper is told which one is meant. */
function zypperSpec(location: string): string {
  const { name, epoch = 0, version = '1.0', release = '1', arch = 'noarch' } = packages[location] ?? { name: '' }
  return `${name}.${arch}=${epoch}:${version}-${release}`
}
