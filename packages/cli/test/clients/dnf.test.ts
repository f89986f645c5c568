/**
 * dnf reads what was published, asks of it everything that the documents can answer, and installs from it.
 */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { type Dnf, openDnf } from '../../../../fixtures/dnf.ts'
import { createrepo } from '../../../../fixtures/repodata-trees.ts'
import { clientPlaceForTests } from './client-place.ts'
import { describeAsRoot } from './describe-as-root.ts'
import { failureOutput } from './failure-output.ts'
import { harbourFiles, nevras, publishHarbour, root } from './harbour-repository.ts'
import { turnLastBit } from './turn-last-bit.ts'

const place = clientPlaceForTests(publishHarbour)

describeWithClients(['dnf'], 'dnf', () => {
  let dnf: Dnf
  beforeAll(async () => {
    dnf = await freshDnf(place().urlOf(root))
  })

  it('fills an empty cache with repomd.xml, primary and filelists, and finds the digests right', async () => {
    const calls = await place().callsDuring(async () => {
      const { stdout, stderr } = await dnf('makecache')
      expect(stdout).toMatch(/Metadata cache created\.\n$/)
      expect(stderr).toBe('')
    })
    const [first, ...documents] = calls.map(
      ({ key = '', status }) => `${status} ${basename(key).replace(/^[0-9a-f]{64}-[0-9a-f]{8}-/, '')}`,
    )
    expect(first).toBe('200 repomd.xml')
    // Fetched side by side.
    expect(documents.sort()).toEqual(['200 filelists.xml.gz', '200 primary.xml.gz'])
  })

  it('lists every package and no other', async () => {
    expect(await linesOf(dnf('repoquery', '--quiet'))).toEqual(nevras)
  })

  it('says of a package what its spec says, weak and rich dependencies included', async () => {
    const kinds = [
      'provides',
      'requires',
      'recommends',
      'suggests',
      'supplements',
      'enhances',
      'conflicts',
      'obsoletes',
    ]
    const format = kinds.map((kind) => `# ${kind}\\n%{${kind}}`).join('\\n')
    expect(await linesOf(dnf('repoquery', '--quiet', '--queryformat', format, 'tide-gauge.x86_64'))).toEqual([
      '# provides',
      'tide-gauge = 1:1.8.0-1',
      'tide-gauge(x86-64) = 1:1.8.0-1',
      '# requires',
      '(tide-charts >= 2026 or tide-charts-lite)',
      '/bin/sh',
      'libtidal.so.2()(64bit)',
      'shadow-utils',
      'systemd',
      '# recommends',
      'tide-charts',
      '# suggests',
      'gnuplot',
      '# supplements',
      '(libtidal and harbour-console)',
      '# enhances',
      'harbour-console',
      '# conflicts',
      'tide-gauge-legacy < 1:1.0',
      '# obsoletes',
      'tidegauged < 1:1.5-2',
    ])
  })

  it.each([
    [
      '--provides',
      ['libtidal = 2.4.1-3', 'libtidal(x86-64) = 2.4.1-3', 'libtidal.so.2()(64bit)', 'libtidal.so.2(TIDAL_2.4)(64bit)'],
    ],
    ['--requires', ['libc.so.6(GLIBC_2.34)(64bit)', 'libm.so.6()(64bit)']], // of all of libc.so.6 the highest
    ['--list', ['/usr/lib64/tidal', '/usr/lib64/tidal/libtidal.so.2', '/usr/lib64/tidal/libtidal.so.2.4.1']],
    ['--location', ['ROOT/libtidal-2.4.1-3.x86_64.rpm']],
  ])('repoquery %s libtidal', async (option, lines) => {
    const printed = await linesOf(dnf('repoquery', '--quiet', option, 'libtidal'))
    expect(printed.map((line) => line.replace(place().urlOf(root), 'ROOT'))).toEqual(lines)
  })

  it.each([
    ['--whatprovides', '/usr/bin/tide-gauge', ['tide-gauge-1:1.8.0-1.x86_64']], // in primary
    ['--whatprovides', '/var/log/tide-gauge.log', ['tide-gauge-1:1.8.0-1.x86_64']], // in filelists alone
    ['--whatprovides', 'tide-gauge >= 2:0', []],
    ['--whatsupplements', 'libtidal', ['tide-gauge-1:1.8.0-1.x86_64']],
  ])('repoquery %s %s', async (option, what, lines) => {
    expect(await linesOf(dnf('repoquery', '--quiet', option, what))).toEqual(lines)
  })

  it('repoquery --changelogs prints the newest first, as the package has them', async () => {
    const { stdout } = await dnf('repoquery', '--quiet', '--changelogs', 'tide-gauge.x86_64', 'harbour-log')
    expect(stdout).toBe(`Changelog for harbour-log-3.1-2.noarch
* Tue Nov 14 2023 Ada Harbour <ada@tidewater.example> - 3.1-2
- Log & <tell>

Changelog for tide-gauge-1:1.8.0-1.x86_64
* Wed Nov 11 2026 Ada Harbour <ada@tidewater.example> - 1:1.8.0-1
- Say when the water rises faster than computed

* Fri Aug 21 2026 Jörg Deich <joerg@tidewater.example> - 1:1.7.2-1
- Bear with a gauge that is frozen in

`)
  })

  it('says of every package in every field what it says of createrepo_c’s metadata', async () => {
    const directory = await place().download(root)
    const other = await place().makeDirectory()
    await createrepo(directory, ['--outputdir', other])
    const theirs = await freshDnf(`file://${other}`)
    const [our, their] = await Promise.all([dnf, theirs].map((one) => linesOf(one('repoquery', '--quiet', ...fields))))
    expect(our).toEqual(their)
    expect(our?.filter((line) => line.endsWith('.rpm'))).toHaveLength(nevras.length)
  })
})

const fields = [
  '--queryformat',
  [
    '%{name}|%{epoch}|%{version}|%{release}|%{arch}|%{summary}|%{description}|%{url}|%{license}|%{vendor}|%{group}',
    '%{packager}|%{buildtime}|%{size}|%{installsize}|%{source_name}|%{sourcerpm}|%{provides}|%{requires}|%{requires_pre}',
    '%{conflicts}|%{obsoletes}|%{recommends}|%{suggests}|%{supplements}|%{enhances}|%{files}|%{location}',
  ].join('|'),
]

describeWithClients(['dnf', 'dnf-plugins'], 'dnf download', () => {
  it('brings the very bytes', async () => {
    const dnf = await freshDnf(place().urlOf(root))
    const into = await place().makeDirectory()
    const { stdout } = await dnf('download', `--destdir=${into}`, '*', 'hello-repokeeper-1.0')
    expect(stdout).toContain('(10/10): ')
    const all = await harbourFiles(await place().makeDirectory())
    const files = all.filter((file) => !file.endsWith('.src.rpm'))
    expect((await readdir(into)).sort()).toEqual(files.map((file) => basename(file)).sort())
    for (const file of files) expect(await readFile(join(into, basename(file)))).toEqual(await readFile(file))
  })
})

describeWithClients(['dnf', 'dnf-plugins'], 'dnf, where the bucket does not hold what the metadata says,', () => {
  it('refuses a package with one other bit', async () => {
    const at = 'tampered/package'
    const key = `${at}/tide-charts-2026.11-1.noarch.rpm`
    await publishHarbour(place(), at)
    const { expected, calculated } = await turnLastBit(place(), key)
    const dnf = await freshDnf(place().urlOf(at))
    const into = await place().makeDirectory()
    const output = await failureOutput(dnf('download', `--destdir=${into}`, 'tide-charts'))
    expect(output).toContain(
      `Downloading successful, but checksum doesn't match. Calculated: ${calculated}(sha256)  Expected: ${expected}(sha256)`,
    )
    expect(await readdir(into)).toEqual([])
  })

  it('refuses a document with one other bit', async () => {
    const at = 'tampered/document'
    await publishHarbour(place(), at)
    for await (const { key } of place().store.list(`${at}/repodata/`)) {
      if (key.endsWith('-primary.xml.gz')) await turnLastBit(place(), key)
    }
    const output = await failureOutput((await freshDnf(place().urlOf(at)))('makecache'))
    expect(output).toContain("Downloading successful, but checksum doesn't match")
    expect(output).toContain("Failed to download metadata for repo 'repokeeper'")
    expect(output).not.toContain('Metadata cache created.')
  })
})

describeAsRoot(['dnf', 'rpm'], 'dnf install', () => {
  it('solves what is required, by name, version and path, from this repository alone', async () => {
    const { dnf, installed, path } = await freshSystem()
    const { stdout, stderr } = await dnf('install', 'harbour-log')
    expect(stderr).toBe('')
    expect(stdout).toMatch(/Installing dependencies:\n harbour-sh .*\n tide-charts .*\n tide-sim /)
    expect(stdout).toContain('Install  4 Packages')
    expect(stdout).toMatch(/Installed:\n[\s\S]*\nComplete!\n$/)
    expect(await installed()).toEqual([
      'harbour-log-3.1-2.noarch',
      'harbour-sh-1.0-1.noarch',
      'tide-charts-2026.11-1.noarch',
      'tide-sim-1.2^20261101git3f2a1c-1.noarch',
    ])
    expect(await readFile(path('var/log/harbour'), 'utf8')).toBe('the tide is out\n')
    expect(existsSync(path('usr/share/tide-charts/Saint-Malo & Dinard.txt'))).toBe(true)
  })

  it('says what is missing where nothing provides it', async () => {
    const { dnf } = await freshSystem()
    const output = await failureOutput(dnf('install', 'tide-gauge'))
    expect(output).toContain('- nothing provides shadow-utils needed by tide-gauge-1:1.8.0-1.x86_64')
  })

  it('upgrades once the next version is published, and no longer finds what was removed', async () => {
    const at = 'upgrade'
    const files = await harbourFiles(await place().makeDirectory())
    const add = (...names: string[]) =>
      place().repokeeper(
        'add',
        place().repoOf(at),
        ...files.filter((file) => names.includes(basename(file))),
        '--publish',
      )
    await add('hello-repokeeper-1.0-1.noarch.rpm', 'harbour-sh-1.0-1.noarch.rpm', 'tide-charts-2026.11-1.noarch.rpm')
    const { dnf, installed } = await freshSystem(at)
    await dnf('install', 'hello-repokeeper')
    expect((await dnf('upgrade')).stdout).toContain('Nothing to do.')

    await add('hello-repokeeper-1.1-1.noarch.rpm')
    await place().repokeeper('remove', place().repoOf(at), 'tide-charts-2026.11-1', '--publish')
    expect((await dnf('upgrade')).stdout).toMatch(/Upgraded:\n {2}hello-repokeeper-1\.1-1\.noarch/)
    expect(await installed()).toEqual(['harbour-sh-1.0-1.noarch', 'hello-repokeeper-1.1-1.noarch'])
    expect(await failureOutput(dnf('install', 'tide-charts'))).toContain('Unable to find a match: tide-charts')
  })
})

async function freshDnf(url: string): Promise<Dnf> {
  return openDnf(await place().makeDirectory(), url)
}

/** An empty system, and what is in it. */
async function freshSystem(at = root) {
  const directory = await place().makeDirectory()
  const dnf = await openDnf(directory, place().urlOf(at))
  const path = (name: string) => join(directory, 'root', name)
  return {
    dnf,
    path,
    installed: async () => (await linesOf(promisify(execFile)('rpm', ['--root', path(''), '-qa']))).sort(),
  }
}

async function linesOf(running: Promise<{ stdout: string }>): Promise<string[]> {
  return (await running).stdout.split('\n').filter((line) => line !== '')
}
