import { spawnSync } from 'node:child_process'
import { describe } from 'vitest'

/**
 * `describe` for what a tool of others has to say: where it is not installed, or does not run, the group is skipped and the closing summary
 * says so. Unlike the clients it is not brought along: not every registry has it, and what must hold is held by tests without it.
 */
export function describeWithTool(tool: string, version: readonly string[], title: string, body: () => void): void {
  if (spawnSync(tool, version, { stdio: 'ignore' }).status === 0) describe(title, body)
  else describe.skip(title, { meta: { skipReason: `not on this machine: ${tool}` } }, body)
}
