// Holds the direction of imports: prints what breaks scripts/checks/import-rules.ts or a package.json, and exits with 1.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { z } from 'zod'
import { checkImports, formatViolation, type Manifest } from './import-direction.ts'

const root = join(import.meta.dirname, '..', '..')
const folders = [
  'packages/*/src/**/*.{ts,js}',
  'packages/*/test/**/*.{ts,js}',
  'packages/*/bin/**/*.{ts,js}',
  'scripts/**/*.{ts,mjs}',
  'fixtures/**/*.ts',
  'infra/**/*.ts',
  '*.ts',
]

const PackageJson = z.object({
  name: z.string(),
  workspaces: z.array(z.string()).default([]),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
})

const paths = globSync(folders, { cwd: root }).map((path) => path.split(sep).join('/'))
const sources = paths.sort().map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
const violations = checkImports(sources, readManifests())

for (const violation of violations) console.log(formatViolation(violation))
console.log(`${sources.length} files, ${violations.length} imports that break a rule`)
process.exitCode = violations.length > 0 ? 1 : 0

function readManifests(): Manifest[] {
  const { workspaces } = readPackageJson('')
  return ['', ...workspaces].map((folder) => {
    const { name, dependencies, devDependencies } = readPackageJson(folder)
    return { folder, name, dependencies: Object.keys(dependencies), devDependencies: Object.keys(devDependencies) }
  })
}

function readPackageJson(folder: string): z.infer<typeof PackageJson> {
  const file = join(root, folder, 'package.json')
  if (!existsSync(file)) throw new Error(`${file} is missing, but the root package.json names its workspace`)
  return PackageJson.parse(JSON.parse(readFileSync(file, 'utf8')))
}
