/** Packages as their entries tell of them, with as little as can be. */
import { type Location, sha256PkgId } from '@repokeeper/repodata'
import { planSite, type SiteFile, type SitePackage, type SiteSettings, type Standing, siteFiles } from '../src/index.ts'

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

/** Its files, made of these packages. @param standing what is there already */
export function filesOf(
  packages: readonly SitePackage[],
  more: Partial<SiteSettings> = {},
  standing?: Standing,
): Promise<SiteFile[]> {
  const named = (name: string) => packages.filter(({ facts }) => facts.name === name)
  const contents = {
    revision: '1700000000',
    packages: packages.length,
    names: [...new Set(packages.map(({ facts }) => facts.name))],
    digestOf: (name: string) => JSON.stringify(named(name)),
  }
  const plan = planSite(contents, { ...settings, ...more }, standing)
  return Array.fromAsync(
    siteFiles(plan, async function* (name) {
      yield* named(name)
    }),
  )
}

/** The text of each file, by path. */
export async function siteOf(
  packages: readonly SitePackage[],
  more: Partial<SiteSettings> = {},
): Promise<ReadonlyMap<string, string>> {
  return new Map((await filesOf(packages, more)).map(({ path, bytes }) => [path, bytes.toString()]))
}
