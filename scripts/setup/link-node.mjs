// Puts the Node that came with the dependencies at node_modules/.bin/node, so that `npm run` and `npx` use it.
// npm 10 loses this link by itself when the lock file holds the packages of several platforms; and where the binary
// can't run (it needs glibc), a link that npm made must go, or nothing runs any more.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'node_modules')
const bundled = join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node')
const link = join(modules, '.bin', 'node')

rmSync(link, { force: true })
if (spawnSync(bundled, ['--version']).status === 0) {
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(relative(dirname(link), bundled), link)
}
