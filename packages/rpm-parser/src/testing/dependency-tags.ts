import { DependencyFlag } from '../flags.ts'
import { Tag } from '../tags.ts'
import type { DependencySpec, PackageSpec } from './package-spec.ts'
import { int32, strings, type TagValue, type Text } from './tag-value.ts'

/** The three arrays of every kind of dependency; `own` and `features` are what the builder adds to the spec's. */
export function dependencyTags(
  spec: PackageSpec,
  own: readonly DependencySpec[],
  features: readonly DependencySpec[],
): TagValue[] {
  return [
    ...arrays([...own, ...(spec.provides ?? [])], Tag.PROVIDENAME, Tag.PROVIDEFLAGS, Tag.PROVIDEVERSION),
    ...arrays([...(spec.requires ?? []), ...features], Tag.REQUIRENAME, Tag.REQUIREFLAGS, Tag.REQUIREVERSION),
    ...arrays(spec.conflicts, Tag.CONFLICTNAME, Tag.CONFLICTFLAGS, Tag.CONFLICTVERSION),
    ...arrays(spec.obsoletes, Tag.OBSOLETENAME, Tag.OBSOLETEFLAGS, Tag.OBSOLETEVERSION),
    ...arrays(spec.recommends, Tag.RECOMMENDNAME, Tag.RECOMMENDFLAGS, Tag.RECOMMENDVERSION),
    ...arrays(spec.suggests, Tag.SUGGESTNAME, Tag.SUGGESTFLAGS, Tag.SUGGESTVERSION),
    ...arrays(spec.supplements, Tag.SUPPLEMENTNAME, Tag.SUPPLEMENTFLAGS, Tag.SUPPLEMENTVERSION),
    ...arrays(spec.enhances, Tag.ENHANCENAME, Tag.ENHANCEFLAGS, Tag.ENHANCEVERSION),
  ]
}

/** A feature of rpm that a package needs, as rpmbuild requires it. */
export function rpmlibFeature(name: string, version: string): DependencySpec {
  return {
    name: `rpmlib(${name})`,
    flags: DependencyFlag.RPMLIB | DependencyFlag.LESS | DependencyFlag.EQUAL,
    version,
  }
}

function arrays(
  dependencies: readonly DependencySpec[] = [],
  nameTag: number,
  flagsTag: number,
  versionTag: number,
): TagValue[] {
  const parsed = dependencies.map(parseDependency)
  return [
    strings(
      nameTag,
      parsed.map(({ name }) => name),
    ),
    int32(flagsTag, ...parsed.map(({ flags }) => flags)),
    strings(
      versionTag,
      parsed.map(({ version }) => version),
    ),
  ]
}

interface Dependency {
  readonly name: Text
  readonly flags: number
  readonly version: Text
}

const comparisons: Readonly<Record<string, number>> = {
  '<': DependencyFlag.LESS,
  '<=': DependencyFlag.LESS | DependencyFlag.EQUAL,
  '=': DependencyFlag.EQUAL,
  '>=': DependencyFlag.GREATER | DependencyFlag.EQUAL,
  '>': DependencyFlag.GREATER,
}

function parseDependency(spec: DependencySpec): Dependency {
  if (typeof spec !== 'string') return { name: spec.name, flags: spec.flags ?? 0, version: spec.version ?? '' }
  if (spec.startsWith('(')) return { name: spec, flags: 0, version: '' }
  const [name = '', comparison, version, ...rest] = spec.split(/\s+/)
  if (comparison === undefined) return { name, flags: 0, version: '' }
  const flags = comparisons[comparison]
  if (flags === undefined || version === undefined || rest.length > 0) {
    throw new TypeError(`not a dependency: ${JSON.stringify(spec)}; expected "name" or "name >= version"`)
  }
  return { name, flags, version }
}
