/**
 * The Dockerfile, read: no engine runs here that could build it. What it copies is there and reaches the builder, what it installs is what the
 * lock file says, and what it runs is in it.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { expectHealthCheck } from './health-check.ts'
import { folder } from './template.ts'
import { optionsOf } from './worker-environment.ts'

const checkout = join(folder, '..')
const stages = readStages(readFileSync(join(folder, 'container', 'Dockerfile'), 'utf8'))
const [dependencies = [], programs = []] = stages
const ignored = readFileSync(join(folder, 'container', 'Dockerfile.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))

const Manifest = z.object({
  name: z.string().optional(),
  workspaces: z.array(z.string()).default([]),
  dependencies: z.record(z.string(), z.string()).default({}),
})

describe('the Dockerfile', () => {
  it('has two stages, of which the last one is not where packages were installed', () => {
    expect(stages).toHaveLength(2)
    expect(argumentsOf(programs, 'RUN').join('\n')).not.toContain('npm')
  })

  it('copies what is there and what is sent to the builder', () => {
    const sources = stages.flatMap((stage) => copiesOf(stage)).flatMap(({ from }) => from)
    expect(sources.length).toBeGreaterThan(10)
    for (const source of sources) {
      const files = globSync([source, `${source}/{*,src/*,bin/*}`], { cwd: checkout, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(checkout.length + 1))
      expect(files.filter(reachesBuilder), source).not.toEqual([])
    }
  })

  it('sends no test, no secret and nothing installed to the builder', () => {
    for (const path of ['.env', '.git/config', 'node_modules/zod/index.js', 'packages/cli/test/x.ts', 'infra/x.yaml']) {
      expect(reachesBuilder(path), path).toBe(false)
    }
  })

  it('installs exactly what the lock file says, of every workspace that it names', () => {
    const before = copiesOf(dependencies).flatMap(({ from }) => from)
    const manifests = readManifest('package.json').workspaces.map((workspace) => `${workspace}/package.json`)
    expect(before).toEqual(expect.arrayContaining(['package.json', 'package-lock.json', ...manifests]))
    expect(argumentsOf(dependencies, 'RUN')).toEqual([
      'npm ci --workspace repokeeper --omit=dev --omit=optional --ignore-scripts',
    ])
  })

  it('has every workspace that the programs import, at the same place', () => {
    const copied = copiesOf(programs)
      .filter(({ from }) => from.some((source) => source.startsWith('packages/')))
      .map(({ from, to }) => {
        expect(`${from.join()}/`).toBe(to)
        return from.join()
      })
    expect(copied.sort()).toEqual(workspacesOf('repokeeper').sort())
  })

  it('has all that their workspaces are made of, but for what only tests use', () => {
    const made = workspacesOf('repokeeper').map((path) => `${path}/{package.json,src/**/*,bin/**/*}`)
    const files = globSync(made, { cwd: checkout, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(checkout.length + 1))
    expect(files.length).toBeGreaterThan(100)
    expect(files.filter((file) => !reachesBuilder(file) && !file.includes('/src/testing/'))).toEqual([])
  })

  it('starts a program that is in it', () => {
    const [, program = ''] = jsonOf(argumentsOf(programs, 'ENTRYPOINT').join())
    const [workdir = ''] = argumentsOf(programs, 'WORKDIR')
    expect(program.startsWith(`${workdir}/`)).toBe(true)
    for (const path of [
      program,
      ...(argumentsOf(programs, 'RUN')
        .join()
        .match(/\S+\.js/g) ?? []),
    ]) {
      expect(globSync(path.slice(workdir.length + 1), { cwd: checkout }), path).toHaveLength(1)
    }
    expect(argumentsOf(programs, 'CMD')).toEqual(['["worker"]'])
  })

  it('runs as nobody, who owns the cache and nothing else', () => {
    const order = programs.map(({ keyword }) => keyword)
    expect(argumentsOf(programs, 'USER')).toEqual(['node'])
    expect(order.lastIndexOf('RUN'), 'as root').toBeLessThan(order.indexOf('USER'))
    const { REPOKEEPER_CACHE_DIR: cache } = environmentOf(programs)
    expect(argumentsOf(programs, 'VOLUME')).toEqual([cache])
    expect(argumentsOf(programs, 'RUN').join()).toContain(`--owner=node --group=node --mode=0700 ${cache}`)
    const chowning = programs.filter(({ text }) => /--chown|chown/.test(text))
    expect(chowning).toEqual([])
  })

  it('has options that a worker has', () => {
    const { NODE_ENV, ...environment } = environmentOf(programs)
    expect(NODE_ENV).toBe('production')
    expect(optionsOf({ ...environment, REPOKEEPER_QUEUE: 'any' })).toMatchObject({ logFormat: 'json' })
  })

  it('is healthy where the worker says so', async () => {
    const [check = ''] = argumentsOf(programs, 'HEALTHCHECK')
    expect(environmentOf(programs).REPOKEEPER_HTTP).toBe('127.0.0.1:5000')
    await expectHealthCheck(jsonOf(check.slice(check.indexOf('['))))
  })
})

interface Instruction {
  readonly keyword: string
  readonly text: string
}

/** Instructions between one FROM and the next, each on one line. */
function readStages(text: string): Instruction[][] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '')
  const found: Instruction[][] = []
  for (const line of lines) {
    const [keyword = ''] = line.split(' ', 1)
    const instruction = { keyword, text: line.slice(keyword.length + 1) }
    if (keyword === 'FROM') found.push([])
    else found.at(-1)?.push(instruction)
  }
  return found
}

function argumentsOf(stage: readonly Instruction[], keyword: string): string[] {
  return stage.filter((instruction) => instruction.keyword === keyword).map(({ text }) => text)
}

/** From the checkout; what comes from another stage is left out. */
function copiesOf(stage: readonly Instruction[]): { readonly from: string[]; readonly to: string }[] {
  return argumentsOf(stage, 'COPY')
    .filter((text) => !text.startsWith('--from='))
    .map((text) => {
      const words = text.split(' ')
      return { from: words.slice(0, -1), to: words.at(-1) ?? '' }
    })
}

function environmentOf(stage: readonly Instruction[]): Record<string, string> {
  const pairs = argumentsOf(stage, 'ENV').flatMap((text) => text.split(/\s+/))
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}

/** .dockerignore: the last line that fits decides; a line stands for everything below it as well. */
function reachesBuilder(path: string): boolean {
  let isIgnored = false
  for (const line of ignored) {
    const pattern = line.replace(/^!/, '')
    if (expressionOf(pattern).test(path)) isIgnored = !line.startsWith('!')
  }
  return !isIgnored
}

/** Unlike in a shell a * stands for names with a dot at their beginning as well. */
function expressionOf(pattern: string): RegExp {
  const parts = pattern.replaceAll('.', '\\.').replaceAll('**/', '(.{0,}/)?').replaceAll('*', '[^/]*')
  return new RegExp(`^${parts}(/.*)?$`)
}

/** The folders of a workspace and of all that it depends on. */
function workspacesOf(name: string): string[] {
  const folders = new Map(
    readManifest('package.json').workspaces.map((path) => [readManifest(`${path}/package.json`).name, path]),
  )
  const found = new Set<string>()
  for (const waiting = [name]; waiting.length > 0; ) {
    const path = folders.get(waiting.pop())
    if (path === undefined || found.has(path)) continue
    found.add(path)
    waiting.push(...Object.keys(readManifest(`${path}/package.json`).dependencies))
  }
  return [...found]
}

function readManifest(path: string): z.output<typeof Manifest> {
  return Manifest.parse(JSON.parse(readFileSync(join(checkout, path), 'utf8')))
}

function jsonOf(text: string): string[] {
  return z.array(z.string()).parse(JSON.parse(text))
}
