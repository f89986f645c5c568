import { createGzip } from 'node:zlib'
import { compareLocations, documentKinds } from '@repokeeper/repodata'
import { expect, it } from 'vitest'
import { calibratedName, calibratedPackage, calibration } from './calibrated-packages.ts'
import { seed } from './calibrated-repository.ts'

/** Enough for the few packages with thousands of files to come out even. */
const packages = 4_000

it('are as large as a distribution has them, and pack as well', async () => {
  const all = Array.from({ length: packages }, (_, number) => calibratedPackage(seed, number)).toSorted((a, b) =>
    compareLocations(a.location, b.location),
  )
  for (const kind of documentKinds) {
    const entries = all.map((one) => one.entries[kind])
    const openBytes = entries.reduce((sum, entry) => sum + entry.length, 0)
    const { openBytes: wanted, ratio } = calibration[kind]
    expect(Math.abs(openBytes / packages / wanted - 1), `${kind}, open`).toBeLessThan(0.1)
    expect(Math.abs(openBytes / (await gzippedBytes(entries)) / ratio - 1), `${kind}, ratio`).toBeLessThan(0.2)
  }
})

it('are the same each time, and others for another seed', () => {
  for (const number of [0, 1, 999, 59_999]) {
    expect(calibratedPackage(seed, number)).toEqual(calibratedPackage(seed, number))
    expect(calibratedPackage(seed, number)).not.toEqual(calibratedPackage(seed + 1, number))
    expect(calibratedName(seed, number).location).toBe(calibratedPackage(seed, number).location)
  }
})

it('have a location each, also among 60,000', () => {
  const locations = Array.from({ length: 60_000 }, (_, number) => calibratedName(seed, number).location)
  expect(new Set(locations).size).toBe(60_000)
})

/** As one stream, at the level that createrepo_c takes by default. */
async function gzippedBytes(entries: readonly Buffer[]): Promise<number> {
  const gzip = createGzip({ level: 6 })
  for (const entry of entries) gzip.write(entry)
  gzip.end()
  let size = 0
  for await (const chunk of gzip) size += chunk.length
  return size
}
