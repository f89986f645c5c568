/**
 * The work of `list`: what the published metadata says.
 */
import { type ListedPackage, listedNevra, showNevra } from '@repokeeper/repodata'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { readIndexedSnapshot } from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import { ExitCode } from './failure.ts'
import { matchPackages } from './match-packages.ts'
import { noMetadata, type OpenRepository } from './open-repository.ts'
import { table } from './text-layout.ts'

/** @returns the exit code: 1 where a name matches nothing */
export async function listRepository(
  repository: OpenRepository,
  names: readonly string[],
  { json }: { readonly json: boolean },
  { output }: Cli,
): Promise<number> {
  const { etag, index } = await readIndexedSnapshot(repository.location, repository.context())
  if (etag === undefined) throw noMetadata(repository)
  const { chosen, unmatched } = choose(names, index.packages)
  if (json) {
    for (const listed of chosen) {
      if (output.isUnread) break
      output.printJson(describe(listed))
    }
  } else {
    const rows = chosen.map((listed) => [showNevra(listed), sizeOf(listed), placeOf(listed)])
    for (const line of table(rows)) output.print(line)
  }
  for (const pattern of unmatched) output.tell(`${pattern}: no such package is listed`)
  return unmatched.length === 0 ? ExitCode.done : ExitCode.failed
}

function choose(
  names: readonly string[],
  packages: readonly ListedPackage[],
): { chosen: readonly ListedPackage[]; unmatched: readonly string[] } {
  if (names.length === 0) return { chosen: packages, unmatched: [] }
  const candidates = packages.map((listed) => ({ listed, path: listed.href, nevra: listedNevra(listed) }))
  const chosen = new Set<ListedPackage>()
  const unmatched: string[] = []
  for (const name of names) {
    const match = matchPackages(name, candidates)
    if (match.kind === 'nothing') unmatched.push(name)
    else for (const { listed } of match.packages) chosen.add(listed)
  }
  return { chosen: packages.filter((listed) => chosen.has(listed)), unmatched }
}

function describe(listed: ListedPackage) {
  const { name, epoch, version, release, arch, href, base, size, modified, checksumType, pkgid } = listed
  const nevra = showNevra(listed)
  return { nevra, name, epoch, version, release, arch, size, location: href, base, pkgid, checksumType, modified }
}

function sizeOf({ size }: ListedPackage): string {
  return (size === undefined ? '?' : formatBytes(size)).padStart(6)
}

function placeOf({ href, base }: ListedPackage): string {
  return base === undefined ? href : `${base.replace(/\/$/, '')}/${href}`
}
