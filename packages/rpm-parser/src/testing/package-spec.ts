import type { TagValue, Text } from './tag-value.ts'

/** What `buildPackage` is to build. Only the name must be given. */
export interface PackageSpec {
  readonly name: string
  /** No EPOCH tag where not given. */
  readonly epoch?: number
  /** "1.0" */
  readonly version?: string
  /** "1" */
  readonly release?: string
  /** "noarch" */
  readonly arch?: string
  /** 4; or 3, as rpm 2 and 3 built packages (no regions, OLDFILENAMES, no provide of itself), or 6. */
  readonly format?: 3 | 4 | 6
  /** A source package: SOURCEPACKAGE, lead type 1, paths are bare file names. */
  readonly source?: boolean

  readonly summary?: Text
  readonly description?: Text
  readonly license?: Text
  readonly vendor?: Text
  readonly packager?: Text
  readonly url?: Text
  readonly group?: Text
  readonly buildHost?: Text
  /** Seconds since 1970; a fixed day in 2024, so that the same spec gives the same bytes. */
  readonly buildTime?: number
  /** `name-version-release.src.rpm` */
  readonly sourceRpm?: Text

  /** Besides the provide of itself, which v4 and v6 binary packages have. Order is kept in each list. */
  readonly provides?: readonly DependencySpec[]
  /** Besides the rpmlib() features that the package needs. */
  readonly requires?: readonly DependencySpec[]
  readonly conflicts?: readonly DependencySpec[]
  readonly obsoletes?: readonly DependencySpec[]
  readonly recommends?: readonly DependencySpec[]
  readonly suggests?: readonly DependencySpec[]
  readonly supplements?: readonly DependencySpec[]
  readonly enhances?: readonly DependencySpec[]

  /** Order is kept; rpmbuild sorts by path. */
  readonly files?: readonly FileSpec[]
  /** Order is kept; rpmbuild writes the newest first. */
  readonly changelogs?: readonly ChangelogSpec[]

  /** Tags of the main header that the above has no word for; one that the builder would write itself is replaced. */
  readonly tags?: readonly TagValue[]
}

/**
 * Text as in a spec file, `foo`, `foo >= 1:2.0-1` or a rich dependency in parentheses; or its parts, with the flags as the
 * header has them.
 */
export type DependencySpec = string | { readonly name: Text; readonly flags?: number; readonly version?: Text }

export interface FileSpec {
  /** Absolute; in source packages a bare file name. */
  readonly path: string
  readonly content?: Text
  /** What a symbolic link points to. */
  readonly linkTo?: string
  /** Type and permissions as in st_mode: a file of 0644 (0o100644), with `linkTo` a link (0o120777). */
  readonly mode?: number
  /** Bits of `FileFlag`; a GHOST is not in the payload. */
  readonly flags?: number
  readonly user?: string
  readonly group?: string
  /** Seconds since 1970; the build time. */
  readonly modifiedTime?: number
}

export interface ChangelogSpec {
  /** Seconds since 1970. */
  readonly time: number
  readonly author: Text
  readonly text: Text
}
