import { cp, link, mkdir, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { AddedPackage } from './change.ts'

/** Hard links: nobody who publishes writes into a file that stands. So a copy leaves nothing behind that is still to be written to the disk. */
export async function copyByLinks(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyByLinks(source, target)
    else if (entry.name === 'repomd.xml') await cp(source, target)
    else await link(source, target)
  }
}

/** The RPM files come to lie in the repository, and nobody has looked at them yet. */
export async function placePackages(directory: string, added: readonly AddedPackage[]): Promise<void> {
  for (const { location, file } of added) {
    await mkdir(join(directory, dirname(location)), { recursive: true })
    await link(file, join(directory, dirname(location), basename(location)))
  }
}
