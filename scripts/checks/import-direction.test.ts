import { describe, expect, test } from 'vitest'
import { checkImports, formatViolation, type Manifest } from './import-direction.ts'
import { importsOf } from './imports-of.ts'

const manifests: Manifest[] = [
  { folder: '', name: 'root', dependencies: [], devDependencies: ['vitest', '@repokeeper/local-cloud'] },
  ...['rpm-parser', 'repodata', 'object-store', 'repository', 'worker', 'local-cloud', 'newcomer'].map((name) => ({
    folder: `packages/${name}`,
    name: `@repokeeper/${name}`,
    dependencies: ['zod', '@aws-sdk/client-s3', ...everyWorkspaceBut(name)],
    devDependencies: ['nock'],
  })),
  { folder: 'packages/cli', name: 'repokeeper', dependencies: everyWorkspaceBut('cli'), devDependencies: [] },
]

describe('the direction of imports', () => {
  test.each([
    ['packages/cli/src/main.ts', '@repokeeper/worker'],
    ['packages/worker/src/main.ts', '@repokeeper/repository'],
    ['packages/repository/src/plan.ts', '@repokeeper/object-store'],
    ['packages/repodata/src/entry.ts', '@repokeeper/rpm-parser'],
    ['packages/repodata/src/entry.ts', 'node:zlib'],
    ['packages/repodata/src/entry.ts', './primary/format.ts'],
    ['packages/rpm-parser/src/header.ts', 'node:buffer'],
    ['packages/object-store/src/s3.ts', '@aws-sdk/client-s3'],
    ['packages/object-store/test/s3.test.ts', '@repokeeper/local-cloud'],
    ['packages/object-store/test/s3.test.ts', 'vitest'],
    ['packages/object-store/test/s3.test.ts', 'nock'],
    ['packages/object-store/test/s3.test.ts', '../src/s3.ts'],
    ['packages/rpm-parser/test/header.test.ts', 'node:fs/promises'],
    ['packages/rpm-parser/test/header.test.ts', '../../../fixtures/clients.ts'],
    ['packages/cli/bin/repokeeper.js', '../src/main.ts'],
    ['scripts/demo.ts', '@repokeeper/local-cloud'],
    ['fixtures/clients.ts', 'node:child_process'],
  ])('allows %s to import %s', (path, specifier) => {
    expect(violations(path, specifier)).toEqual([])
  })

  test.each([
    ['packages/worker/src/main.ts', 'repokeeper', 'worker may import only repository'],
    ['packages/repository/src/plan.ts', '@repokeeper/worker', 'repository may import only object-store'],
    ['packages/repository/test/plan.test.ts', '@repokeeper/worker', 'repository may import only object-store'],
    ['packages/repository/src/plan.ts', '@aws-sdk/client-s3', 'reaches storage through object-store only'],
    ['packages/repodata/src/entry.ts', '@repokeeper/object-store', 'repodata may import only rpm-parser'],
    ['packages/repodata/src/entry.ts', '@aws-sdk/client-s3', 'neither S3 nor the network'],
    ['packages/repodata/src/entry.ts', 'node:https', 'neither S3 nor the network'],
    ['packages/repodata/src/entry.ts', 'dns/promises', 'neither S3 nor the network'],
    ['packages/rpm-parser/src/header.ts', '@repokeeper/repodata', 'may import no other workspace'],
    ['packages/rpm-parser/src/header.ts', 'node:fs/promises', 'nothing but bytes'],
    ['packages/rpm-parser/src/header.ts', 'zod', 'nothing but bytes'],
    ['packages/local-cloud/src/s3.ts', '@repokeeper/repodata', 'may import no other workspace'],
    ['packages/worker/src/main.ts', '@repokeeper/local-cloud', 'worker may import only'],
    ['packages/newcomer/src/main.ts', '@repokeeper/repodata', 'has no row in scripts/checks/import-rules.ts'],
    ['packages/repodata/src/entry.ts', '../../rpm-parser/src/header.ts', 'a relative import stays in its workspace'],
    ['packages/repodata/src/entry.ts', '../../repodata-extra/src/x.ts', 'a relative import stays in its workspace'],
    ['packages/repodata/src/entry.ts', '../../../fixtures/clients.ts', 'a relative import stays in its workspace'],
    ['packages/repodata/test/entry.test.ts', '../../rpm-parser/src/header.ts', 'a test may reach fixtures/'],
    ['packages/repodata/src/entry.ts', '../test/sample.ts', 'sources know nothing of tests'],
    ['packages/repodata/src/entry.ts', '/opt/thing.js', 'an absolute path'],
    ['packages/repodata/src/entry.ts', 'vitest', 'packages/repodata/package.json has it in no dependencies'],
    ['packages/repodata/src/entry.ts', 'nock', 'packages/repodata/package.json has it in no dependencies'],
    ['packages/repodata/src/entry.ts', 'zod-to-json-schema', 'has it in no dependencies'],
    ['scripts/demo.ts', '../packages/cli/src/main.ts', 'by its name'],
    ['scripts/demo.ts', 'chalk', 'the root package.json has it in no devDependencies'],
  ])('refuses %s to import %s', (path, specifier, rule) => {
    expect(violations(path, specifier)).toEqual([expect.stringContaining(rule)])
  })

  test('names file, line, import and rule', () => {
    const text = `import { a } from './a.ts'\n\nexport { b } from 'node:net'\n`
    const [violation, ...others] = checkImports([{ path: 'packages/repodata/src/x.ts', text }], manifests)
    expect(others).toEqual([])
    expect(violation && formatViolation(violation)).toBe(
      "packages/repodata/src/x.ts:3 imports 'node:net': repodata knows neither S3 nor the network",
    )
  })
})

describe('the imports of a source', () => {
  test.each([
    ["import 'a'", ['a']],
    ["import a, { type B } from 'a'", ['a']],
    ["import type { A } from 'a'", ['a']],
    ["export * from 'a'", ['a']],
    ["export { a } from 'a'", ['a']],
    ["const a = await import('a')", ['a']],
    ["type A = import('a').A", ['a']],
    ["const a: typeof import('a') = b", ['a']],
    ["const a = require('a')", ['a']],
    ["import a = require('a')", ['a']],
    ["import 'b'\nimport 'a'", ['b', 'a']],
    ['const a = await import(name)', []],
    ["// import 'a'", []],
    ["/** {@link import('a').A} */", []],
    ["const a = `import 'a'`", []],
    ['const a = "import \'a\'"', []],
    ['const re = /import "a"/', []],
  ])('%s', (source, expected) => {
    expect(importsOf('x.ts', source).map(({ specifier }) => specifier)).toEqual(expected)
  })

  test('a source that cannot be parsed is an error, not a source without imports', () => {
    expect(() => importsOf('x.ts', "import { from 'a'")).toThrow(/^x\.ts: /)
  })
})

function violations(path: string, specifier: string): string[] {
  return checkImports([{ path, text: `import ${JSON.stringify(specifier)}\n` }], manifests).map(({ rule }) => rule)
}

function everyWorkspaceBut(own: string): string[] {
  const names = ['rpm-parser', 'repodata', 'object-store', 'repository', 'worker', 'local-cloud']
  return ['repokeeper', ...names.filter((name) => name !== own).map((name) => `@repokeeper/${name}`)]
}
