import { type Evr, formatEvr, parseEvr } from './evr.ts'
import type { Header } from './header.ts'
import { RpmError } from './rpm-error.ts'
import { Tag, tagName } from './tags.ts'

/** What identifies a package for people: name, epoch, version, release, architecture. */
export interface Nevra extends Evr {
  readonly name: string
  /** Decimal; `undefined` where the header has none, which compares as 0. */
  readonly epoch: string | undefined
  readonly release: string
  readonly arch: string
}

/**
 * The NEVRA of a main header as `parsePackage` gives it. Like createrepo_c (parsehdr.c `cr_package_from_header`) it says
 * "src" for every package with SOURCEPACKAGE set, whatever ARCH says.
 *
 * @throws RpmError MISSING_TAG where name, version, release or architecture is absent
 */
export function nevra(header: Header): Nevra {
  return {
    name: required(header, Tag.NAME),
    epoch: header.bigint(Tag.EPOCH)?.toString(),
    version: required(header, Tag.VERSION),
    release: required(header, Tag.RELEASE),
    arch: header.bigint(Tag.SOURCEPACKAGE) ? 'src' : required(header, Tag.ARCH),
  }
}

/** `name-[epoch:]version-release.arch`. */
export function formatNevra(nevra: Nevra): string {
  return `${nevra.name}-${formatEvr(nevra)}.${nevra.arch}`
}

/**
 * Splits `name-[epoch:]version-release.arch` from its end: names may have hyphens and dots, versions and releases have no
 * hyphens, architectures no dots.
 *
 * @returns `undefined` where a part is missing or empty
 */
export function parseNevra(text: string): Nevra | undefined {
  const parts = /^(?<name>.+)-(?<evr>[^-]+-[^-]+)\.(?<arch>[^-.]+)$/s.exec(text)?.groups
  if (parts?.name === undefined || parts.evr === undefined || parts.arch === undefined) return undefined
  const { epoch, version, release } = parseEvr(parts.evr)
  if (version === '' || release === undefined) return undefined
  return { name: parts.name, epoch, version, release, arch: parts.arch }
}

function required(header: Header, tag: number): string {
  const text = header.string(tag)
  if (text === undefined) {
    throw new RpmError('MISSING_TAG', `the header has no ${tagName(tag)} (tag ${tag}), which every package has`)
  }
  return text
}
