/** What a site says of its repository beyond the metadata. */
export interface SiteSettings {
  /** What it is called: on the pages, and as `name=` of the `.repo` file. */
  readonly title: string
  /** The section of the `.repo` file, and the name of that file: letters, digits, `.`, `-`, `_`. */
  readonly id: string
  /** Where clients find the repository, with a slash at its end; `undefined` where nobody said. */
  readonly baseUrl: string | undefined
  /** The public key that packages are signed with; without it the `.repo` file checks no signatures. */
  readonly gpgKey: string | undefined
  /** The metadata is signed, and the key lies beside it: the `.repo` file has clients check it. */
  readonly isSigned?: boolean
  /** The repository has generations: clients are given the `mirrorlist` below `baseUrl` in its place. */
  readonly hasMirrorlist?: boolean
  /**
   * The way from the site's own directory to the repository's root: `../`. `undefined` where the site lies elsewhere: then only
   * `baseUrl` leads to the packages.
   */
  readonly toRoot: string | undefined
}

/** `el9/x86_64` → `el9-x86_64`: what may stand in brackets and in a file name. */
export function idOf(title: string): string {
  const id = title.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[.-]+|[.-]+$/g, '')
  return id === '' ? 'packages' : id.slice(0, 100)
}
