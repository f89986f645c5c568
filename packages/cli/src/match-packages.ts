/**
 * What a person calls a package → the packages that are meant.
 */
import { formatNevra, type Nevra, parseNevra } from '@repokeeper/rpm-parser'
import { globExpression, isGlob } from './glob.ts'

/** A package that can be named: an object, a listed package, or both. */
export interface NamedPackage {
  /** Below the repository's root. */
  readonly path: string
  /** As the metadata has it; a file's name need not say it. */
  readonly nevra: Nevra | undefined
}

export type Match<Package> =
  /** What was meant: `by` says what the name was found to be. */
  | { readonly kind: 'matched'; readonly by: MatchedBy; readonly packages: readonly Package[] }
  /** The name stands for all versions of a package, which nobody should remove by accident. */
  | { readonly kind: 'every version'; readonly packages: readonly Package[] }
  | { readonly kind: 'nothing' }

export type MatchedBy = 'path' | 'file name' | 'NEVRA' | 'pattern' | 'package name'

/**
 * Finds what a name means, the most exact first: a path below the root, a file's name, a NEVRA (`name-[epoch:]version-release`,
 * with or without `.arch`), a file's name without `.rpm`, and only then all versions of a package (`name` or `name.arch`).
 * A pattern may mean any of the first four; with a slash in it only paths.
 */
export function matchPackages<Package extends NamedPackage>(
  name: string,
  packages: readonly Package[],
): Match<Package> {
  const trimmed = name.replace(/^(\.\/)+/, '')
  for (const [by, formsOf] of exactForms) {
    const found = packages.filter((candidate) => formsOf(candidate).includes(trimmed))
    if (found.length > 0) return by === 'package name' ? { kind: 'every version', packages: found } : matched(by, found)
  }
  if (!isGlob(trimmed)) return { kind: 'nothing' }
  const expression = globExpression(trimmed)
  const forms = trimmed.includes('/') ? (candidate: Package) => [candidate.path] : patternForms
  const found = packages.filter((candidate) => forms(candidate).some((form) => expression.test(form)))
  return found.length > 0 ? matched('pattern', found) : { kind: 'nothing' }
}

/**
 * What chooses packages of a list by name: each pattern stands for the name, with or without `.arch`, or for the NEVRA.
 * @param patterns of a shell (* ? [...])
 */
export function namedBy(patterns: readonly string[]): (candidate: Nevra) => boolean {
  const expressions = patterns.map(globExpression)
  return (nevra) => {
    const forms = [...nameForms({ path: '', nevra }), ...versionForms({ path: '', nevra })]
    return expressions.some((expression) => forms.some((form) => expression.test(form)))
  }
}

function matched<Package>(by: MatchedBy, packages: readonly Package[]): Match<Package> {
  return { kind: 'matched', by, packages }
}

/** Tried one after the other. */
const exactForms: readonly (readonly [MatchedBy, (candidate: NamedPackage) => readonly string[]])[] = [
  ['path', ({ path }) => [path]],
  ['file name', ({ path }) => [fileName(path)]],
  ['NEVRA', (candidate) => versionForms(candidate)],
  ['file name', ({ path }) => [stem(path)]],
  ['package name', (candidate) => nameForms(candidate)],
]

function patternForms(candidate: NamedPackage): string[] {
  return [fileName(candidate.path), ...versionForms(candidate)]
}

function versionForms(candidate: NamedPackage): string[] {
  const nevra = nevraOf(candidate)
  if (nevra === undefined) return []
  const epochs = Number(nevra.epoch ?? 0) === 0 ? [undefined, '0'] : [undefined, nevra.epoch]
  return epochs.flatMap((epoch) => {
    const whole = formatNevra({ ...nevra, epoch })
    return [whole, whole.slice(0, -(nevra.arch.length + 1))]
  })
}

function nameForms(candidate: NamedPackage): string[] {
  const nevra = nevraOf(candidate)
  return nevra === undefined ? [] : [nevra.name, `${nevra.name}.${nevra.arch}`]
}

/** What is not listed has nothing but its name to go by. */
function nevraOf({ path, nevra }: NamedPackage): Nevra | undefined {
  return nevra ?? parseNevra(stem(path))
}

function stem(path: string): string {
  return fileName(path).replace(/\.rpm$/, '')
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
