/**
 * What other tools say of the files here, where they are installed.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { describeWithTool } from './describe-with-tool.ts'
import { folder, templateNames } from './template.ts'

/** A limit, not a measurement: the machine may be busy with other tests. */
const limitMs = 300_000

describeWithTool('cfn-lint', ['--version'], 'cfn-lint', () => {
  it(
    'has nothing to say of the templates',
    () => {
      const templates = templateNames.map((name) => join(folder, 'cloudformation', `${name}.yaml`))
      expect(run('cfn-lint', ['--include-checks', 'I', '--', ...templates])).toEqual({ status: 0, said: '' })
    },
    limitMs,
  )
})

describeWithTool('terraform', ['version'], 'terraform', () => {
  it('has the files formatted as it would', () => {
    const { status, said } = run('terraform', ['fmt', '-check', '-diff', join(folder, 'terraform')])
    expect(status, said).toBe(0)
  })
})

function run(command: string, parameters: readonly string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(command, parameters, { encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}`.trim() }
}
