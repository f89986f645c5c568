/**
 * What happens to a repository in one measurement: packages come, and others go.
 */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { type CalibratedName, calibratedName } from './calibrated-packages.ts'
import { seed } from './calibrated-repository.ts'
import { madeOnce } from './made-once.ts'

export interface Change {
  readonly added: readonly AddedPackage[]
  /** Locations. The packages themselves were never there, their entries are: whoever looks finds them gone. */
  readonly removed: readonly string[]
}

export interface AddedPackage {
  readonly location: string
  /** A real, small RPM file. */
  readonly file: string
}

/** Of several changes half are additions and half removals, all of them spread evenly over the repository. */
export async function makeChange(folder: string, packages: number, changes: number): Promise<Change> {
  const removals = Math.floor(changes / 2)
  const added = await Promise.all(
    Array.from({ length: changes - removals }, (_, at) => makePackage(folder, calibratedName(seed, packages + at))),
  )
  const removed = Array.from(
    { length: removals },
    (_, at) => calibratedName(seed, Math.floor((at * packages) / removals)).location,
  )
  return { added, removed }
}

/** One package more, for who has to get warm: another one than those of any change. */
export async function makeWarmUp(folder: string, at: number): Promise<AddedPackage> {
  return makePackage(folder, calibratedName(seed + 1, at))
}

/** Writes it where it is not there yet. */
export async function makePackage(folder: string, { location, ...named }: CalibratedName): Promise<AddedPackage> {
  const file = join(folder, basename(location))
  if ((await stat(file).catch(() => undefined)) === undefined) {
    await mkdir(folder, { recursive: true })
    await writeFile(file, buildSmallPackage(named))
  }
  return { location, file }
}

export function buildSmallPackage(named: Omit<CalibratedName, 'location'>): Uint8Array {
  const files = [{ path: `/usr/bin/${named.name}` }, { path: `/usr/share/doc/${named.name}/README` }]
  return buildPackage({ ...named, requires: ['libc.so.6()(64bit)'], files })
}

/** The first packages of a calibrated repository as small RPM files, for who reads packages: made once and kept. @returns their directory */
export function smallPackages(cacheDirectory: string, packages: number): Promise<string> {
  return madeOnce(cacheDirectory, `packages-${packages}`, async (directory) => {
    for (let number = 0; number < packages; number += 1) {
      const named = calibratedName(seed, number)
      await makePackage(join(directory, dirname(named.location)), named)
    }
  })
}

/** What is to be listed after a change. */
export function locationsAfter(packages: number, { added, removed }: Change, more: readonly string[]): Set<string> {
  const locations = new Set<string>(more)
  for (let number = 0; number < packages; number += 1) locations.add(calibratedName(seed, number).location)
  for (const location of removed) locations.delete(location)
  for (const { location } of added) locations.add(location)
  return locations
}
