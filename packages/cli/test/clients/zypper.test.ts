/**
 * zypper reads what was published, shows it, downloads and installs from it.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { openZypper, type Zypper, zypperDownloads } from '../../../../fixtures/zypper.ts'
import { clientPlaceForTests } from './client-place.ts'
import { describeAsRoot } from './describe-as-root.ts'
import { failureOutput } from './failure-output.ts'
import { harbourFiles, publishHarbour, root } from './harbour-repository.ts'
import { turnLastBit } from './turn-last-bit.ts'

const place = clientPlaceForTests(publishHarbour)

describeAsRoot(['zypper'], 'zypper', () => {
  let directory = ''
  let zypper: Zypper
  beforeAll(async () => {
    directory = await place().makeDirectory()
    zypper = await openZypper(directory, place().urlOf(root))
  })

  it('refreshes: fetches repomd.xml and primary, and finds the digests right', async () => {
    const calls = await place().callsDuring(async () => {
      const { stdout, stderr } = await zypper('refresh')
      expect(stdout).toMatch(
        /Building repository 'repokeeper' cache \[\.*done\]\nAll repositories have been refreshed\.\n$/,
      )
      expect(stdout).not.toMatch(/warning|error/i)
      expect(stderr).toBe('')
    })
    const answered = calls.filter(({ operation, status }) => operation === 'GetObject' && status === 200)
    expect(answered.map(({ key = '' }) => basename(key).replace(/^[0-9a-f]{64}-[0-9a-f]{8}-/, ''))).toEqual([
      'repomd.xml',
      'primary.xml.gz',
    ])
  })

  it('search -s lists every package and no other', async () => {
    const { stdout } = await zypper('search', '-s')
    expect(tableOf(stdout)).toEqual([
      ['', 'harbour-log', 'package', '3.1-2', 'noarch', 'repokeeper'],
      ['', 'harbour-sh', 'package', '1.0-1', 'noarch', 'repokeeper'],
      ['', 'hello-repokeeper', 'package', '1.1-1', 'noarch', 'repokeeper'],
      ['', 'hello-repokeeper', 'package', '1.0-1', 'noarch', 'repokeeper'],
      ['', 'libtidal', 'package', '2.4.1-3', 'x86_64', 'repokeeper'],
      ['', 'libtidal-devel', 'package', '2.4.1-3', 'x86_64', 'repokeeper'],
      ['', 'libtide++', 'package', '2.0~rc1-1', 'x86_64', 'repokeeper'],
      ['', 'tide-charts', 'package', '2026.11-1', 'noarch', 'repokeeper'],
      ['', 'tide-gauge', 'package', '1:1.8.0-1', 'x86_64', 'repokeeper'],
      // It calls every source noarch.
      ['', 'tide-gauge', 'srcpackage', '1:1.8.0-1', 'noarch', 'repokeeper'],
      ['', 'tide-sim', 'package', '1.2^20261101git3f2a1c-1', 'noarch', 'repokeeper'],
    ])
  })

  it.each([
    [['--requires', 'libtidal.so.2()(64bit)'], 'tide-gauge'],
    [['--provides', '--match-exact', 'pkgconfig(tidal)'], 'libtidal-devel'],
    [['--file-list', '/usr/bin/tide-gauge'], 'tide-gauge'],
    [['--recommends', 'tide-charts'], 'tide-gauge'],
  ])('search %j finds %s', async (options, name) => {
    expect(tableOf((await zypper('search', ...options)).stdout).map(([, found]) => found)).toEqual([name])
  })

  it('info says of a package what its spec says, weak and rich dependencies included', async () => {
    const kinds = ['provides', 'requires', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements']
    const { stdout } = await zypper('info', ...kinds.map((kind) => `--${kind}`), 'tide-gauge')
    expect(stdout.slice(stdout.indexOf('Repository '))).toBe(`Repository     : repokeeper
Name           : tide-gauge
Version        : 1:1.8.0-1
Arch           : x86_64
Vendor         : Tidewater Harbour Works
Installed Size : 123 B
Installed      : No
Status         : not installed
Source package : tide-gauge-1:1.8.0-1.src
Summary        : Reads the water level and writes it down
Description    : 
    Reads the water level from a float or a radar gauge once a minute, compares it
    with the tide that was computed, and says so where they differ.
Provides       : [2]
    tide-gauge = 1:1.8.0-1
    tide-gauge(x86-64) = 1:1.8.0-1
Requires       : [5]
    libtidal.so.2()(64bit)
    (tide-charts >= 2026 or tide-charts-lite)
    /bin/sh
    shadow-utils
    systemd
Conflicts      : tide-gauge-legacy < 1:1.0
Obsoletes      : tidegauged < 1:1.5-2
Recommends     : tide-charts
Suggests       : gnuplot
Supplements    : (libtidal and harbour-console)

`)
  })

  it('downloads the very bytes', async () => {
    const names = ['harbour-log', 'tide-charts', 'tide-gauge', 'tide-sim']
    const { stdout, stderr } = await zypper('download', ...names)
    expect(stderr).toBe('')
    expect(stdout).toContain('Retrieving package tide-gauge-1:1.8.0-1.x86_64 (3/4)')
    for (const file of await harbourFiles(await place().makeDirectory())) {
      const downloaded = join(directory, zypperDownloads, basename(file))
      const wanted = names.some((name) => basename(file).startsWith(name)) && !file.endsWith('.src.rpm')
      expect(existsSync(downloaded)).toBe(wanted)
      if (wanted) expect(await readFile(downloaded)).toEqual(await readFile(file))
    }
  })
})

describeAsRoot(['zypper', 'rpm'], 'zypper install', () => {
  it('solves what is required by name and version, and installs it', async () => {
    const directory = await place().makeDirectory()
    const zypper = await openZypper(directory, place().urlOf(root))
    const { stdout } = await zypper('install', 'tide-sim')
    expect(stdout).toContain(
      `The following 3 NEW packages are going to be installed:\n  harbour-sh tide-charts tide-sim\n`,
    )
    expect(stdout).toMatch(/\(3\/3\) Installing: tide-sim-1\.2\^20261101git3f2a1c-1\.noarch \[\.*done\]/)
    expect(await readFile(join(directory, 'root/usr/bin/tide-sim'), 'utf8')).toContain('stay inside')
    const installed = await zypper('search', '--installed-only')
    expect(tableOf(installed.stdout).map(([, name]) => name)).toEqual(['harbour-sh', 'tide-charts', 'tide-sim'])
  })
})

describeAsRoot(['zypper'], 'zypper, where the bucket does not hold what the metadata says,', () => {
  it('refuses a package with one other bit', async () => {
    const at = 'tampered/package'
    await publishHarbour(place(), at)
    const { expected, calculated } = await turnLastBit(place(), `${at}/tide-charts-2026.11-1.noarch.rpm`)
    const directory = await place().makeDirectory()
    const zypper = await openZypper(directory, place().urlOf(at))
    const output = await failureOutput(zypper('install', '--download-only', 'tide-charts'))
    expect(output).toContain("Digest verification failed for file 'tide-charts-2026.11-1.noarch.rpm'")
    expect(output).toContain(`expected ${expected}\n  but got  ${calculated}\n`)
    expect(existsSync(join(directory, zypperDownloads, 'tide-charts-2026.11-1.noarch.rpm'))).toBe(false)
  })
})

/** The cells of a table below its heading. */
function tableOf(output: string): string[][] {
  const lines = output.split('\n')
  const rows = lines.slice(lines.findIndex((line) => /^-+\+-/.test(line)) + 1).filter((line) => line !== '')
  return rows.map((row) => row.split('|').map((cell) => cell.trim()))
}
