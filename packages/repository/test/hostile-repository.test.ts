/**
 * A repository that lies or leads elsewhere: nothing of it is worked on, what is published stays, and the error says how to get out.
 * Nothing outside the repository is ever asked for.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { ObjectStore } from '@repokeeper/object-store'
import { parseRepomd, recordOf } from '@repokeeper/repodata'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { describe, expect, it } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { RepositoryError, type RepositoryLocation, rebuildRepository, reconcile } from '../src/index.ts'
import { load, newDirectory, writeFiles } from './take-over-workbench.ts'
import {
  bucketTruth,
  intercept,
  locationIn,
  newContext,
  putPackage,
  read,
  readPublished,
  tickingStore,
} from './workbench.ts'

const root = 'el9/x86_64/'
const key = (path: string): string => `${root}${path}`
const repomdKey = key('repodata/repomd.xml')

/** Three packages, published. */
async function publishedRepository(): Promise<RepositoryLocation> {
  const location = locationIn(tickingStore())
  for (const name of ['a', 'b', 'c']) await putPackage(location.store, key(`${name}.rpm`), { name })
  await reconcile(location, new Set(['a', 'b', 'c'].map((name) => key(`${name}.rpm`))), await newContext())
  return location
}

async function editRepomd({ store }: RepositoryLocation, edit: (text: string) => string): Promise<void> {
  const text = (await read(store, repomdKey)).toString()
  const edited = edit(text)
  if (edited === text) throw new Error('the edit found nothing to do')
  await store.put(repomdKey, Buffer.from(edited), { if: 'always' })
}

/** Puts another primary in the place of the published one, with every digest and size right. */
async function replacePrimary(location: RepositoryLocation, edit: (text: string) => string): Promise<void> {
  const record = recordOf(parseRepomd(await read(location.store, repomdKey)), 'primary')
  if (record?.checksum === undefined) throw new Error('there is no primary')
  const { hex } = record.checksum
  const text = edit(gunzipSync(await read(location.store, key(record.href))).toString())
  const bytes = gzipSync(text)
  const digest = createHash('sha256').update(bytes).digest('hex')
  await location.store.put(key(record.href.replaceAll(hex, digest)), bytes, { if: 'always' })
  await editRepomd(location, (repomd) =>
    repomd
      .replaceAll(hex, digest)
      .replace(`<size>${record.size}<`, `<size>${bytes.length}<`)
      .replace(`<open-size>${record.openSize}<`, `<open-size>${Buffer.byteLength(text)}<`),
  )
}

/** The store, and every key that it is asked for. */
function watched(store: ObjectStore): { store: ObjectStore; asked: Set<string> } {
  const asked = new Set<string>()
  const parts = {
    get: (name: string, ...rest: [Parameters<ObjectStore['get']>[1]?]) => {
      asked.add(name)
      return store.get(name, ...rest)
    },
    head: (name: string, ...rest: [Parameters<ObjectStore['head']>[1]?]) => {
      asked.add(name)
      return store.head(name, ...rest)
    },
  }
  return { store: intercept(store, parts), asked }
}

/** Adds a package; says what went wrong, after making sure that nothing was published and nothing else was asked for. */
async function refusal(location: RepositoryLocation): Promise<string> {
  await putPackage(location.store, key('new.rpm'), { name: 'new' })
  const keysOf = (): Promise<string[]> => Array.fromAsync(location.store.list(''), (object) => object.key)
  const before = { repomd: await read(location.store, repomdKey), keys: await keysOf() }
  const { store, asked } = watched(location.store)

  const reconciling = reconcile({ ...location, store }, new Set([key('new.rpm')]), await newContext())
  const error = await reconciling.catch((one: unknown) => one)

  expect(await read(location.store, repomdKey)).toEqual(before.repomd)
  expect(await keysOf()).toEqual(before.keys)
  expect([...asked].filter((name) => !name.startsWith(root) || name.includes('..'))).toEqual([])
  if (!(error instanceof RepositoryError)) throw new Error(`it was not refused: ${String(error)}`)
  expect(error.code).toBe('BROKEN_METADATA')
  expect(error.message).toMatch(/it was left as it is; "repokeeper rebuild .*" writes the metadata anew/)
  return error.message
}

const outside = [
  '../other/primary.xml.gz',
  'repodata/../../other/primary.xml.gz',
  './../other/primary.xml.gz',
  '/etc/primary.xml.gz',
  '//elsewhere.example/primary.xml.gz',
  'http://elsewhere.example/primary.xml.gz',
  'file:///etc/passwd',
  'repodata/%2e%2e/%2E%2e/primary.xml.gz',
  'repodata/.%2e/primary.xml.gz',
  'repodata//primary.xml.gz',
  'repodata/pri&#10;mary.xml.gz',
  'repodata/pri&#9;mary.xml.gz',
  'repodata/pri\u007fmary.xml.gz',
]

describe('a repository whose repomd.xml', () => {
  it.each(outside)('places primary outside it is left as it is: %j', async (href) => {
    const location = await publishedRepository()
    await editRepomd(location, (text) => text.replace(/(?<=href=")[^"]*-primary[^"]*/, href))
    expect(await refusal(location)).toContain('places primary outside the repository')
  })

  it('gives primary a base elsewhere is left as it is', async () => {
    const location = await publishedRepository()
    await editRepomd(location, (text) =>
      text.replace(/<location (?=href="[^"]*-primary)/, '$&xml:base="http://x.example/" '),
    )
    expect(await refusal(location)).toContain('outside the repository: http://x.example/')
  })

  it.each<[string, RegExp, string, RegExp]>([
    ['promises less than there is', /(?<=<open-size>)\d+/, '10', /more than the 10 bytes that are allowed/],
    ['lies about the compressed size', /(?<=<size>)\d+/, '10', /bytes/],
    ['lies about the digest', /(?<=<checksum type="sha256">)[0-9a-f]{4}/, 'ffff', /sha256/],
    ['gives a digest of a kind that nobody knows', /(?<=<checksum type=")sha256/, 'crc32', /no usable checksum/],
    ['names primary twice', /<data type="filelists"/, '<data type="primary"', /names primary 2 times/],
  ])('%s is left as it is', async (_, pattern, value, reason) => {
    const location = await publishedRepository()
    await editRepomd(location, (text) => text.replace(pattern, value))
    expect(await refusal(location)).toMatch(reason)
  })

  it('promises more than there is does no harm', async () => {
    const location = await publishedRepository()
    await editRepomd(location, (text) => text.replaceAll(/(?<=<open-size>)\d+/g, '999999999999'))
    await putPackage(location.store, key('new.rpm'), { name: 'new' })
    await reconcile(location, new Set([key('new.rpm')]), await newContext())
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })
})

describe('a package that primary lists outside the repository', () => {
  it.each([
    '../../secret.rpm',
    '/secret.rpm',
    'http://elsewhere.example/secret.rpm',
    '%2e%2e/secret.rpm',
    'a&#10;b.rpm',
  ])('is nobody of ours: it stays as it is, and nothing is asked for or taken away in its name: %s', async (href) => {
    const location = await publishedRepository()
    await putPackage(location.store, 'secret.rpm', { name: 'secret' })
    await replacePrimary(location, (text) => text.replace('href="c.rpm"', `href="${href}"`))
    await location.store.delete(key('b.rpm'))
    const { store, asked } = watched(location.store)

    const report = await reconcile({ ...location, store }, new Set([key('b.rpm')]), await newContext())

    expect(report.verdicts.get(key('b.rpm'))).toEqual({ kind: 'covered', change: 'removed' })
    expect([...asked].filter((name) => !name.startsWith(root) || name.includes('..'))).toEqual([])
    const { documents } = await readPublished(location)
    expect([...documents.primary.matchAll(/<location href="([^"]*)"/g)].map(([, one]) => one).toSorted()).toEqual(
      [href, 'a.rpm'].toSorted(),
    )
  })

  it('is gone after a rebuild, which lists what the bucket holds', async () => {
    const location = await publishedRepository()
    await replacePrimary(location, (text) => text.replace('href="c.rpm"', 'href="../../secret.rpm"'))
    await rebuildRepository(location, await newContext())
    expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
  })
})

describeWithClients(['createrepo_c'], 'a published document that is corrupt', () => {
  const run = promisify(execFile)
  const added = { path: 'new.rpm', bytes: buildPackage({ name: 'new' }) }

  /** Metadata of two packages, as createrepo_c writes it, and one new package beside it: all that a worker needs. */
  async function repository(damage: (primary: Buffer) => Buffer): Promise<string> {
    const directory = newDirectory()
    writeFiles(directory, { 'a.rpm': buildPackage({ name: 'a' }), 'b.rpm': buildPackage({ name: 'b' }) })
    await run('createrepo_c', ['--quiet', '--no-database', directory])
    for (const name of ['a.rpm', 'b.rpm']) rmSync(join(directory, name))
    const primary = readdirSync(join(directory, 'repodata')).find((name) => name.includes('-primary.xml'))
    const path = join(directory, 'repodata', primary ?? '')
    writeFileSync(path, damage(readFileSync(path)))
    writeFiles(directory, { [added.path]: added.bytes })
    return directory
  }

  async function updateByCreaterepo(directory: string): Promise<string[]> {
    const copy = join(newDirectory(), 'copy')
    mkdirSync(copy)
    cpSync(directory, copy, { recursive: true })
    // It rejects, were the exit code another than 0.
    await run('createrepo_c', [
      '--update',
      '--recycle-pkglist',
      '--includepkg',
      added.path,
      '--skip-stat',
      '--no-database',
      copy,
    ])
    const primary = readdirSync(join(copy, 'repodata')).find((name) => name.includes('-primary.xml'))
    const text = gunzipSync(readFileSync(join(copy, 'repodata', primary ?? ''))).toString()
    return [...text.matchAll(/<location href="([^"]*)"/g)].map(([, href = '']) => href).toSorted()
  }

  it('is none: both add the new package to the old ones', async () => {
    const directory = await repository((primary) => primary)
    const location = await load(directory)
    await reconcile(location, new Set([`repo/${added.path}`]), await newContext())
    expect(await updateByCreaterepo(directory)).toEqual(['a.rpm', 'b.rpm', 'new.rpm'])
    expect([...(await readPublished(location)).packages.keys()]).toEqual(['a.rpm', 'b.rpm', 'new.rpm'])
  })

  it.each<[string, (primary: Buffer) => Buffer]>([
    [
      'a bit turned',
      (primary) => Buffer.from(primary.map((byte, at) => (at === primary.length >> 1 ? byte ^ 0x10 : byte))),
    ],
    ['cut off', (primary) => primary.subarray(0, primary.length / 2)],
    ['empty', () => Buffer.alloc(0)],
    ['XML that is cut off, the compression whole', (primary) => gzipSync(gunzipSync(primary).subarray(0, 700))],
  ])('createrepo_c --update ends well and has lost the others; ours leaves all as it is: %s', async (_, damage) => {
    const directory = await repository(damage)
    expect(await updateByCreaterepo(directory)).toEqual(['new.rpm'])

    const location = await load(directory)
    const before = await Array.fromAsync(location.store.list('repo/'), (object) => `${object.key} ${object.etag}`)
    const reconciling = reconcile(location, new Set([`repo/${added.path}`]), await newContext())
    const error = await reconciling.catch((one: unknown) => one)
    expect(error).toMatchObject({
      code: 'BROKEN_METADATA',
      message: expect.stringMatching(/-primary\.xml\.gz: .*it was left as it is; "repokeeper rebuild /),
    })
    expect(await Array.fromAsync(location.store.list('repo/'), (object) => `${object.key} ${object.etag}`)).toEqual(
      before,
    )
  })
})
