import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { buildPackage } from '../src/testing/index.ts'

const workspace = fileURLToPath(new URL('..', import.meta.url))

it('has an example in the README that runs', () => {
  const readme = readFileSync(join(workspace, 'README.md'), 'utf8')
  const example = /```ts\n(?<code>import \{ readFile \}.*?)```/s.exec(readme)?.groups?.code ?? ''
  // Within the workspace, so that the package finds itself by its name.
  const directory = mkdtempSync(join(workspace, '.readme-'))
  try {
    writeFileSync(join(directory, 'example.ts'), example)
    const files = [{ path: '/usr/bin/hello', content: 'hello' }]
    const pkg = buildPackage({ name: 'hello', epoch: 2, release: '3', arch: 'x86_64', summary: 'Greets', files })
    writeFileSync(join(directory, 'hello.rpm'), pkg)
    const run = spawnSync(process.execPath, ['example.ts', 'hello.rpm'], { cwd: directory, encoding: 'utf8' })
    expect(run.stderr).toBe('')
    expect(run.stdout).toMatch(
      /^hello-2:1\.0-3\.x86_64\nGreets false \{ start: \d+, end: \d+ \}\n\/usr\/bin\/hello\nnewer/,
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
})
