/**
 * A repository of another tool, in a directory: taken over by adding one package and removing another, then looked at by the
 * clients.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { MemoryStore } from '@repokeeper/object-store'
import { type DocumentKind, decompress, documentKinds, parseRepomd, recordOf } from '@repokeeper/repodata'
import { buildPackage, type PackageSpec } from '@repokeeper/rpm-parser/testing'
import { expect, onTestFinished } from 'vitest'
import { openDnf } from '../../../fixtures/dnf.ts'
import { type RepositoryEvent, type RepositoryLocation, reconcile } from '../src/index.ts'
import { locationIn, newContext, read } from './workbench.ts'

const run = promisify(execFile)
const root = 'repo/'

/** A directory that goes with the test. */
export function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'repokeeper-take-over-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export function writeFiles(directory: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), content)
  }
}

/** What is added in every test, and where. */
export const added = { path: 'm-new.rpm', bytes: buildPackage({ name: 'new', version: '2.0' } satisfies PackageSpec) }

export interface TakenOver {
  readonly before: Published
  readonly after: Published
  readonly warnings: readonly string[]
  /** What is published now, packages and all, for the clients. */
  readonly directory: string
}

export interface Published {
  /** The open documents as text; an absent one is empty. */
  readonly documents: Readonly<Record<DocumentKind, string>>
  readonly repomd: string
}

/**
 * @param removed path of a package below the directory
 */
export async function takeOver(directory: string, removed: string): Promise<TakenOver> {
  const location = await load(directory)
  const context = await newContext()
  const before = await published(location)
  await location.store.put(`${root}${added.path}`, added.bytes, { if: 'always' })
  await location.store.delete(`${root}${removed}`)

  await reconcile(location, new Set([`${root}${added.path}`, `${root}${removed}`]), context)

  const out = newDirectory()
  for await (const { key } of location.store.list(root)) {
    writeFiles(out, { [key.slice(root.length)]: await read(location.store, key) })
  }
  return { before, after: await published(location), warnings: warningsOf(context.events), directory: out }
}

/** Everything below a directory, in a store. */
export async function load(directory: string): Promise<RepositoryLocation> {
  const location = locationIn(new MemoryStore(), root)
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (statSync(join(directory, name)).isDirectory()) continue
    await location.store.put(`${root}${name}`, readFileSync(join(directory, name)), { if: 'always' })
  }
  return location
}

export function warningsOf(events: readonly RepositoryEvent[]): string[] {
  return events.flatMap((event) => (event.kind === 'warning' ? [`${event.subject}: ${event.message}`] : []))
}

async function published({ store }: RepositoryLocation): Promise<Published> {
  const bytes = await read(store, `${root}repodata/repomd.xml`)
  const repomd = parseRepomd(bytes)
  const open = async (kind: DocumentKind): Promise<string> => {
    const record = recordOf(repomd, kind)
    if (record === undefined) return ''
    const compressed = await read(store, `${root}${record.href}`)
    async function* one(): AsyncGenerator<Uint8Array> {
      yield compressed
    }
    return Buffer.concat(await Array.fromAsync(decompress(one(), 2 ** 30))).toString()
  }
  const [primary, filelists, other] = await Promise.all(documentKinds.map(open))
  return {
    documents: { primary: primary ?? '', filelists: filelists ?? '', other: other ?? '' },
    repomd: bytes.toString(),
  }
}

export function digest(bytes: Uint8Array | string, type = 'sha256'): string {
  return createHash(type === 'sha' ? 'sha1' : type)
    .update(bytes)
    .digest('hex')
}

/** The entries as they stand in the text. For documents in which no comment and no CDATA section holds a `</package>`. */
export function entriesIn(document: string): string[] {
  return document.match(/<package\s[\s\S]*?<\/package\s*>/g) ?? []
}

/**
 * Expects every entry that belongs to neither of these packages to be there byte for byte, in each document, and no more
 * entries than that and the new one.
 *
 * @param removedId its pkgid
 */
export function expectUntouchedBytes({ before, after }: TakenOver, removedId: string): void {
  const addedId = digest(added.bytes)
  for (const kind of documentKinds) {
    const old = entriesIn(before.documents[kind])
    const now = entriesIn(after.documents[kind])
    expect(now.filter((entry) => entry.includes(addedId)).length, kind).toBe(1)
    expect(now.filter((entry) => !entry.includes(addedId)).toSorted(), kind).toEqual(
      old.filter((entry) => !entry.includes(removedId)).toSorted(),
    )
  }
}

const clients = { createrepo_c: update, mergerepo_c: merge, dnf: query } as const
export type ListingClient = keyof typeof clients

/** Which packages a client lists in a directory that was published, by location, sorted. */
export async function listBy(client: ListingClient, directory: string): Promise<string[]> {
  return (await clients[client](directory)).toSorted()
}

/** All of them, and xmllint, which throws where something is not well-formed. */
export async function listByClients(directory: string): Promise<Record<ListingClient, string[]>> {
  const [createrepo_c, mergerepo_c, dnf] = await Promise.all([
    listBy('createrepo_c', directory),
    listBy('mergerepo_c', directory),
    listBy('dnf', directory),
    lint(directory),
  ])
  return { createrepo_c, mergerepo_c, dnf }
}

async function lint(directory: string): Promise<void> {
  const repodata = join(directory, 'repodata')
  const repomd = parseRepomd(readFileSync(join(repodata, 'repomd.xml')))
  const open = newDirectory()
  for (const kind of documentKinds) {
    const compressed = readFileSync(join(directory, recordOf(repomd, kind)?.href ?? ''))
    async function* one(): AsyncGenerator<Uint8Array> {
      yield compressed
    }
    writeFiles(open, { [`${kind}.xml`]: Buffer.concat(await Array.fromAsync(decompress(one(), 2 ** 30))) })
  }
  const files = [join(repodata, 'repomd.xml'), ...documentKinds.map((kind) => join(open, `${kind}.xml`))]
  const { stderr } = await run('xmllint', ['--noout', ...files])
  expect(stderr).toBe('')
}

/** createrepo_c goes on from what was published: it says which entries it took over. */
async function update(directory: string): Promise<string[]> {
  const copy = join(newDirectory(), 'copy')
  cpSync(directory, copy, { recursive: true })
  const { stdout, stderr } = await run('createrepo_c', ['--update', '--skip-stat', '--verbose', '--no-database', copy])
  expect(stdout + stderr).not.toMatch(/error|critical|malformed/i)
  expect(stdout + stderr).toContain(`CACHE HIT ${added.path}`)
  return hrefsIn(copy)
}

async function merge(directory: string): Promise<string[]> {
  const out = newDirectory()
  const { stdout, stderr } = await run('mergerepo_c', ['--repo', `file://${directory}`, '--outputdir', out, '--all'])
  expect(stdout + stderr).not.toMatch(/error|critical|malformed/i)
  return hrefsIn(out)
}

async function hrefsIn(directory: string): Promise<string[]> {
  const { documents } = await published(await load(directory))
  return [...documents.primary.matchAll(/<location (?:xml:base="[^"]*" )?href="([^"]*)"/g)].map(([, href = '']) => href)
}

async function query(directory: string): Promise<string[]> {
  const own = newDirectory()
  const dnf = await openDnf(own, `file://${directory}`)
  const { stdout } = await dnf('--quiet', 'repoquery', '--queryformat', '%{location}')
  return stdout.split('\n').filter((line) => line !== '')
}
