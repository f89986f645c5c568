import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import { forTests, workspaceRules } from './import-rules.ts'
import { importsOf } from './imports-of.ts'

export interface Source {
  /** Relative to the checkout, with `/`. */
  readonly path: string
  readonly text: string
}

/** What a package.json says that matters here. */
export interface Manifest {
  /** Relative to the checkout; empty for the root. */
  readonly folder: string
  readonly name: string
  readonly dependencies: readonly string[]
  readonly devDependencies: readonly string[]
}

export interface Violation {
  readonly path: string
  /** From 1. */
  readonly line: number
  readonly specifier: string
  readonly rule: string
}

/** The imports of `sources` that the table in import-rules.ts or a package.json does not allow, in the order of the sources. */
export function checkImports(sources: readonly Source[], manifests: readonly Manifest[]): Violation[] {
  const root = manifests.find(({ folder }) => folder === '')
  const workspaces = manifests.filter(({ folder }) => folder !== '')
  return sources.flatMap((source) => {
    const home = workspaces.find(({ folder }) => source.path.startsWith(`${folder}/`))
    const place: Place = {
      path: source.path,
      home,
      workspaces,
      isTest: home === undefined || source.path.startsWith(`${home.folder}/test/`),
      rootDevDependencies: root?.devDependencies ?? [],
    }
    return importsOf(source.path, source.text).flatMap(({ specifier, line }) => {
      const rule = ruleBrokenBy(specifier, place)
      return rule === undefined ? [] : [{ path: source.path, line, specifier, rule }]
    })
  })
}

export function formatViolation({ path, line, specifier, rule }: Violation): string {
  return `${path}:${line} imports '${specifier}': ${rule}`
}

interface Place {
  readonly path: string
  /** Absent for what belongs to the checkout itself: scripts/, fixtures/, configuration. */
  readonly home: Manifest | undefined
  readonly workspaces: readonly Manifest[]
  /** Tests, and everything outside of the workspaces: never part of what is installed. */
  readonly isTest: boolean
  readonly rootDevDependencies: readonly string[]
}

function ruleBrokenBy(specifier: string, place: Place): string | undefined {
  if (specifier.startsWith('.')) return brokenByRelative(specifier, place)
  if (specifier.startsWith('/') || specifier.startsWith('file:')) return 'an absolute path is somebody’s machine'
  if (isBuiltin(specifier)) return brokenByNodeModule(specifier, place)

  const name = packageName(specifier)
  const imported = place.workspaces.find((workspace) => workspace.name === name)
  const direction = imported === undefined ? brokenByPackage(name, place) : brokenByDirection(imported, place)
  return direction ?? brokenByManifest(name, place)
}

function brokenByRelative(specifier: string, { path, home, isTest }: Place): string | undefined {
  const target = posix.join(posix.dirname(path), specifier)
  if (home === undefined) {
    return target.startsWith('packages/') ? 'import a workspace by its name, not by a path into it' : undefined
  }
  if (target.startsWith(`${home.folder}/test/`) && !isTest) return 'sources know nothing of tests'
  if (target.startsWith(`${home.folder}/`) || target === `${home.folder}/package.json`) return undefined
  if (isTest && /^(fixtures|scripts)\//.test(target)) return undefined
  return `a relative import stays in its workspace, ${home.folder}${isTest ? ' (a test may reach fixtures/ and scripts/)' : ''}`
}

function brokenByNodeModule(specifier: string, place: Place): string | undefined {
  const rule = ruleFor(place)
  if (rule?.nodeModules === undefined || place.isTest) return undefined
  const name = specifier.replace(/^node:/, '').replace(/\/.*/, '')
  const allowed =
    'only' in rule.nodeModules ? rule.nodeModules.only.includes(name) : !rule.nodeModules.not.includes(name)
  return allowed ? undefined : rule.because
}

function brokenByPackage(name: string, place: Place): string | undefined {
  const rule = ruleFor(place)
  if (rule?.packages === undefined || place.isTest) return undefined
  const allowed = 'only' in rule.packages ? rule.packages.only.includes(name) : !rule.packages.not.test(name)
  return allowed ? undefined : rule.because
}

function brokenByDirection(imported: Manifest, place: Place): string | undefined {
  if (place.home === undefined) return undefined
  const importedFolder = posix.basename(imported.folder)
  const rule = ruleFor(place)
  if (rule === undefined) return `${place.home.folder} has no row in scripts/checks/import-rules.ts`
  if (rule.ours.includes(importedFolder) || imported === place.home) return undefined
  if (place.isTest && forTests.includes(importedFolder)) return undefined
  const allowed = rule.ours.length > 0 ? `only ${rule.ours.join(', ')}` : 'no other workspace'
  return `${posix.basename(place.home.folder)} may import ${allowed} (${rule.because})`
}

function brokenByManifest(name: string, { home, isTest, rootDevDependencies, workspaces }: Place): string | undefined {
  if (home === undefined) {
    const isWorkspace = workspaces.some((workspace) => workspace.name === name)
    return isWorkspace || rootDevDependencies.includes(name)
      ? undefined
      : 'the root package.json has it in no devDependencies'
  }
  if (name === home.name || home.dependencies.includes(name)) return undefined
  if (isTest && [...home.devDependencies, ...rootDevDependencies].includes(name)) return undefined
  return `${home.folder}/package.json has it in no ${isTest ? 'dependencies or devDependencies' : 'dependencies'}`
}

function ruleFor({ home }: Place): (typeof workspaceRules)[string] | undefined {
  return home === undefined ? undefined : workspaceRules[posix.basename(home.folder)]
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
