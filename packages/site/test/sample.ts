/** Packages as their entries tell of them, with as little as can be. */
import { type Location, sha256PkgId } from '@repokeeper/repodata'
import type { SiteContents, SiteFile, SitePackage, SiteSettings } from '../src/index.ts'
import { siteFiles } from '../src/index.ts'

export const settings: SiteSettings = {
  title: 'Packages',
  id: 'packages',
  baseUrl: undefined,
  gpgKey: undefined,
  toRoot: '../',
}

type Parts = Partial<Omit<SitePackage, 'facts'>> & { readonly facts?: Partial<SitePackage['facts']> }

export function packageOf(name: string, { facts, ...parts }: Parts = {}): SitePackage {
  const none = { first: [], count: 0 }
  return {
    facts: {
      pkgid: sha256PkgId('0'.repeat(64)),
      checksumType: 'sha256',
      href: `${name}.rpm` as Location,
      name,
      epoch: '0',
      version: '1.0',
      release: '1',
      arch: 'noarch',
      size: 1_000,
      modified: 1_700_000_000,
      ...facts,
    },
    summary: `What ${name} is for`,
    description: '',
    packager: '',
    url: '',
    license: '',
    vendor: '',
    group: '',
    sourcerpm: '',
    built: undefined,
    installed: undefined,
    dependencies: {},
    files: none,
    changelogs: none,
    ...parts,
  }
}

export function contentsOf(packages: readonly SitePackage[]): SiteContents {
  return {
    revision: '1700000000',
    packages: packages.length,
    names: [...new Set(packages.map(({ facts }) => facts.name))],
    async *read(name) {
      yield* packages.filter(({ facts }) => facts.name === name)
    },
  }
}

/** The text of each file, by path. */
export async function siteOf(
  packages: readonly SitePackage[],
  more: Partial<SiteSettings> = {},
): Promise<ReadonlyMap<string, string>> {
  const files: SiteFile[] = await Array.fromAsync(siteFiles(contentsOf(packages), { ...settings, ...more }))
  return new Map(files.map(({ path, bytes }) => [path, bytes.toString()]))
}
