import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { binaries } from './run-cli.ts'

/** What an older Node says of itself. */
const olderNode = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.11.0'}})`

/** A shell would do, but one of them may lose a signal that comes while it starts its next command. */
const untilInterrupted = `
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => { console.log("interrupted"); process.exit(5) })
  setInterval(() => {}, 1000)
  console.log("ready")`

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'repokeeper-launcher-'))
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  await cp(binaries, join(directory, 'packages', 'cli', 'bin'), { recursive: true })
})
afterAll(() => rm(directory, { recursive: true }))

describe('under a Node that is too old', () => {
  test('it says so, and what to do, where no other Node is at hand', async () => {
    const { code, stderr } = await launch([])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^repokeeper: this is Node 20\.11\.0 at .*22\.18 or later.*Install a newer one/)
  })

  describe('with a Node that came with the dependencies', () => {
    beforeAll(() =>
      bundle(`#!/bin/sh
case "$2" in
  exit) echo "$@"; exit 7 ;;
  die) kill -9 $$ ;;
  wait) exec '${process.execPath}' -e '${untilInterrupted}' ;;
  *) exec '${process.execPath}' "$@" ;;
esac`),
    )

    test('that one runs it, with the same arguments, and its exit code is kept', async () => {
      const { code, stdout } = await launch(['exit', 'a b', '--json'])
      expect(code).toBe(7)
      expect(stdout.trim()).toMatch(/packages\/cli\/bin\/repokeeper\.js exit a b --json$/)
    })

    test('that one is found as well where the program is a link on the PATH, made by hand', async () => {
      const link = join(directory, 'repokeeper')
      await symlink(join(directory, 'packages', 'cli', 'bin', 'repokeeper.js'), link)
      expect(await launch(['exit'], undefined, link)).toMatchObject({ code: 7 })
    })

    test('the signal that ends it ends this one', async () => {
      expect(await launch(['die'])).toMatchObject({ code: null, signal: 'SIGKILL' })
    })

    test.each(['SIGINT', 'SIGTERM'] as const)('%s reaches it, and it ends in its own way', async (signal) => {
      expect(await launch(['wait'], signal)).toMatchObject({ code: 5, stdout: 'ready\ninterrupted\n' })
    })

    test('the program ends in order where its launcher is killed', async () => {
      const source = join(directory, 'packages', 'cli', 'src')
      await mkdir(source)
      await writeFile(join(source, 'main.ts'), `export async function main() {${untilInterrupted}}`)
      // The output ends with the program, not with the launcher.
      expect(await launch([], 'SIGKILL')).toMatchObject({ signal: 'SIGKILL', stdout: 'ready\ninterrupted\n' })
    })
  })
})

async function bundle(script: string): Promise<void> {
  const folder = join(directory, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'node'), script)
  await chmod(join(folder, 'node'), 0o755)
}

async function launch(
  args: readonly string[],
  signal?: NodeJS.Signals,
  launcher = join(directory, 'packages', 'cli', 'bin', 'repokeeper.js'),
) {
  const child = spawn(process.execPath, ['--import', olderNode, launcher, ...args], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (signal !== undefined) child.stdout.once('data', () => child.kill(signal))
  const exit = once(child, 'exit')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code, endedBy] = await exit
  return { code, signal: endedBy, stdout, stderr }
}
