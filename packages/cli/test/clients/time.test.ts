/**
 * `time@file`: of a directory the modification times of the files, as createrepo_c has them; of a bucket Last-Modified.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createClock } from '@repokeeper/local-cloud'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { expect, it, onTestFinished } from 'vitest'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { createrepo, firstDifference, type PackageTrees, readRepodata } from '../../../../fixtures/repodata-trees.ts'
import { workplaceForTests } from '../run-cli.ts'
import { openClientPlace } from './client-place.ts'
import { harbourFiles } from './harbour-repository.ts'

const here = workplaceForTests()

/** File → modification time as touch(1) takes it, seconds since 1970 with their fraction. */
const times: Readonly<Record<string, string>> = {
  'y1999.rpm': '946684799',
  'Packages/half.rpm': '1700000000.5',
  'Packages/below/almost-the-next-millisecond.rpm': '1700000000.999499999',
  'Packages/below/almost-the-next-second.rpm': '1700000000.999999999',
  'zero.rpm': '0',
  'one-nanosecond-after.rpm': '0.000000001',
  'half-a-second-before.rpm': '-0.5',
  'one-nanosecond-before.rpm': '-0.000000001',
  'apollo.rpm': '-14182940.25',
  'y1901.rpm': '-2147483649',
  'y2038.rpm': '2147483648.75',
  'y2106.rpm': '4294967296.000000001',
  'y2400.rpm': '13569465600.999999999',
}

describeWithClients(['createrepo_c'], 'repokeeper rebuild of a directory', () => {
  it('gives exactly what createrepo_c gives, whatever the times', async () => {
    const directory = await directoryOf(times)
    const { code, stderr } = await here().repokeeper('rebuild', directory)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const ours = await readRepodata(directory)

    const other = await temporaryDirectory()
    await createrepo(directory, ['--outputdir', other])
    const theirs = await readRepodata(other)

    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort())
    expect(differences(ours, theirs)).toEqual([])
    for (const file of Object.keys(times)) expect(theirs.has(file)).toBe(true)
  })

  it('and so does an add, of the times that it gave the files itself', async () => {
    const directory = await temporaryDirectory()
    const { code } = await here().repokeeper('add', directory, ...(await harbourFiles(await temporaryDirectory())))
    expect(code).toBe(0)
    const ours = await readRepodata(directory)
    const other = await temporaryDirectory()
    await createrepo(directory, ['--outputdir', other])
    expect(differences(ours, await readRepodata(other))).toEqual([])
    expect(ours.size).toBeGreaterThan(5)
  })
})

it('in a bucket it is the second of Last-Modified', async () => {
  // The time of the bucket, which is not the machine's.
  const clock = createClock({ frozen: true, startAt: Date.UTC(2031, 4, 6, 7, 8, 9, 987) })
  const { place, close } = await openClientPlace({ clock })
  onTestFinished(close)
  const put = (name: string) => place.store.put(`el9/${name}.rpm`, buildPackage({ name }), { if: 'always' })
  await put('first')
  clock.advance(13) // the next second begins
  await put('second')
  await place.repokeeper('rebuild', place.repoOf('el9'))
  const published = await readRepodata(await place.download('el9'))
  const fileTimes = [...published].map(([location, { primary }]) => [
    location,
    primary.find((line) => line.includes('@file = ')),
  ])
  const second = Date.UTC(2031, 4, 6, 7, 8, 10) / 1000
  expect(fileTimes).toEqual([
    ['first.rpm', expect.stringContaining(`"${second - 1}"`)],
    ['second.rpm', expect.stringContaining(`"${second}"`)],
  ])
  const head = await fetch(place.urlOf('el9/second.rpm'), { method: 'HEAD' })
  expect(head.headers.get('last-modified')).toBe(new Date(second * 1000).toUTCString())
})

/** A package for each file. */
async function directoryOf(files: typeof times): Promise<string> {
  const directory = await temporaryDirectory()
  for (const [file, time] of Object.entries(files)) {
    const path = join(directory, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, buildPackage({ name: file.replace(/^.*\/|\.rpm$/g, '') }))
    await promisify(execFile)('touch', ['--date', `@${time}`, path])
  }
  return directory
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-time-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return directory
}

function differences(ours: Map<string, PackageTrees>, theirs: Map<string, PackageTrees>): string[] {
  return [...theirs].flatMap(([location, their]) =>
    (['primary', 'filelists', 'other'] as const).flatMap((kind) => {
      const difference = firstDifference(ours.get(location)?.[kind] ?? [], their[kind])
      return difference === undefined ? [] : [`${location}: ${difference}`]
    }),
  )
}
