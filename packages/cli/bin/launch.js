import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import * as v8 from 'node:v8'

/**
 * Runs one of the programs: in this process where its Node can (TypeScript as it is, zstd: 22.18), else under the Node that
 * came with the dependencies. Written for old Nodes to understand.
 *
 * @param {'repokeeper' | 'updatePackages'} program
 */
export async function launch(program) {
  if (isRecentEnough()) {
    endWithParent()
    if (nodeModule.enableCompileCache) nodeModule.enableCompileCache()
    // Large buffers are freed when the collector comes by. Where the young generation may grow it comes seldom, and a document that
    // goes through leaves a hundred megabytes behind it: measured, 250 MB against 180, in the same time.
    v8.setFlagsFromString('--semi-space-growth-factor=1')
    const { main } = await import('../src/main.ts')
    await main(program)
    return
  }
  const bundled = findBundledNode()
  if (bundled === undefined) {
    console.error(
      `${program}: this is Node ${process.versions.node} at ${process.execPath}, and ${program} runs on Node 22.18 or later ` +
        `(of 23.x: 23.6). Install a newer one; "npm install --include=optional" brings one along on Linux.`,
    )
    process.exitCode = 1
    return
  }
  rerun(bundled)
}

function isRecentEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 22 || (major === 22 && minor < 18) || (major === 23 && minor < 6)) return false
  // Switched off by NODE_OPTIONS, or left out when this Node was built.
  return Boolean(process.features.typescript)
}

/**
 * Under a Node that was started by `rerun` there is a channel to the process that did. A kill -9 of that one closes it, and nothing else tells: then
 * this one ends as by SIGTERM, in order. A channel of anybody else's means the same.
 */
function endWithParent() {
  const end = () => process.kill(process.pid, 'SIGTERM')
  if (process.connected === false) end()
  if (!process.connected) return
  process.once('disconnect', end)
  // To listen must not keep the process.
  process.channel.unref()
}

/** Where npm puts it: in the node_modules of a directory above this one. */
function findBundledNode() {
  const inside = join('node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  for (let directory = import.meta.dirname || dirname(new URL(import.meta.url).pathname); ; ) {
    const candidate = join(directory, inside)
    // Who is that Node already would start itself for ever.
    if (existsSync(candidate) && candidate !== process.execPath) return candidate
    const parent = dirname(directory)
    if (parent === directory) return undefined
    directory = parent
  }
}

/** This process waits, hands signals on, and ends as the other one does. */
function rerun(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
  // A terminal sends Ctrl-C to both processes, so that the other one may get it twice: it counts that as once.
  const forward = (signal) => child.kill(signal)
  for (const signal of signals) process.on(signal, forward)
  child.on('error', (error) => {
    console.error(`cannot start ${node}: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    for (const name of signals) process.removeListener(name, forward)
    if (signal === null) {
      process.exitCode = code
      return
    }
    process.exitCode = 128 + constants.signals[signal]
    process.kill(process.pid, signal)
  })
}
