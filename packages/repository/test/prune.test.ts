import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { parseETag } from '@repokeeper/object-store'
import { sha256PkgId } from '@repokeeper/repodata'
import { expect, it } from 'vitest'
import {
  deletePruned,
  type PrunablePackage,
  type PrunePolicy,
  planPrune,
  readForPrune,
  rebuildRepository,
} from '../src/index.ts'
import { intercept, locationIn, newContext, putPackage, read, tickingStore } from './workbench.ts'

const now = new Date('2026-06-01T00:00:00Z')
const root = 'el9/x86_64/'

it.each([
  ['numbers are numbers', ['1.9-1', '1.10-1', '1.8-1'], ['1.10-1', '1.9-1']],
  ['an epoch goes before every version', ['9-1', '1:1-1', '1:2-1'], ['1:2-1', '1:1-1']],
  ['a tilde is older than the release that follows it', ['2~rc1-1', '2-1', '1-1'], ['2-1', '2~rc1-1']],
  ['a caret is newer than the release that it follows', ['2-1', '2^git1-1', '1-1'], ['2^git1-1', '2-1']],
  ['a release decides where versions are the same', ['1-9.el9', '1-10.el9', '1-8.el9'], ['1-10.el9', '1-9.el9']],
])('keeps the newest two as rpm orders them: %s', (_, versions, kept) => {
  expect(staying(versions.map((evr) => one(evr)))).toEqual(kept.map((evr) => `foo-${evr}.x86_64`))
})

it('keeps as many of each architecture, and of each name', () => {
  const packages = ['1-1', '2-1', '3-1'].flatMap((evr) => [
    one(evr),
    one(evr, { arch: 'src' }),
    one(evr, { name: 'bar' }),
  ])
  expect(staying(packages, { keep: 1 })).toEqual(['bar-3-1.x86_64', 'foo-3-1.src', 'foo-3-1.x86_64'])
})

it('counts files of one version once, and keeps all of them: 1.0 and 1.00 are one to rpm', () => {
  const packages = [one('1.0-1'), one('1.00-1', { path: 'Packages/other.rpm' }), one('0.9-1')]
  expect(staying(packages, { keep: 1 })).toEqual(['foo-1.00-1.x86_64', 'foo-1.0-1.x86_64'])
})

it('takes only what was uploaded longer ago, and of that never the newest version', () => {
  const packages = ['1-1', '2-1', '3-1'].map((evr, days) => one(evr, { ageDays: 100 - days }))
  const day = 24 * 3_600_000
  expect(staying(packages, { keep: 1, olderThanMs: 99 * day })).toEqual(['foo-3-1.x86_64', 'foo-2-1.x86_64'])
  expect(staying(packages, { keep: 1, olderThanMs: 0 })).toEqual(['foo-3-1.x86_64'])
  expect(() => staying(packages, { keep: 0 })).toThrow('the last version of a package never goes')
})

it('leaves what is not meant, and says of each why it stays', () => {
  const packages = [one('1-1'), one('2-1'), one('1-1', { name: 'bar' }), one('2-1', { name: 'bar' })]
  const decisions = planPrune(
    { packages, now, inModules: new Set(['foo-0:1-1.x86_64']), held: new Map() },
    { keep: 1, isMeant: ({ name }) => name === 'foo' },
  )
  expect(
    decisions.map(({ name, version, ...rest }) => [name, version, 'because' in rest ? rest.because : 'goes']),
  ).toEqual([
    ['bar', '2', 'not meant'],
    ['bar', '1', 'not meant'],
    ['foo', '2', 'among the newest'],
    ['foo', '1', 'in a module'],
  ])
})

it('lets no version of a module stream stand for one outside of it', () => {
  const packages = [one('20-1'), one('18-1'), one('3-1'), one('2-1')]
  const inModules = new Set(['foo-0:20-1.x86_64', 'foo-0:18-1.x86_64'])
  const going = planPrune({ packages, now, inModules, held: new Map() }, { keep: 1 }).filter(
    ({ decision }) => decision === 'goes',
  )
  expect(going.map(({ version }) => version)).toEqual(['2'])
})

it('reads which package an object is from the metadata, and leaves alone what that does not say for certain', async () => {
  const store = tickingStore()
  const location = locationIn(store, root)
  const context = await newContext()
  for (const version of ['1', '2']) await putPackage(store, `${root}foo-${version}.rpm`, { name: 'foo', version })
  await rebuildRepository(location, context)
  await putPackage(store, `${root}new.rpm`, { name: 'foo', version: '3' })
  await putPackage(store, `${root}foo-1.rpm`, { name: 'foo', version: '9', summary: 'another, and longer' })

  const found = await readForPrune(location, context)
  expect(found.packages.map(({ path, version }) => [path, version])).toEqual([['foo-2.rpm', '2']])
  expect(found.unclear).toEqual([
    { path: 'foo-1.rpm', why: 'listed as another' },
    { path: 'new.rpm', why: 'not listed' },
  ])
})

it('takes no object for the package that is listed in its place where only the size is the same', async () => {
  const store = tickingStore()
  const location = locationIn(store, root)
  const context = await newContext()
  for (const version of ['1', '2']) await putPackage(store, `${root}foo-${version}.rpm`, { name: 'foo', version })
  await rebuildRepository(location, context)
  const before = await store.head(`${root}foo-1.rpm`)
  await putPackage(store, `${root}foo-1.rpm`, { name: 'foo', version: '9' })
  const after = await store.head(`${root}foo-1.rpm`)
  expect(after?.size).toBe(before?.size)

  // A store that knows no digests, as after a plain upload.
  const plain = intercept(store, {
    head: async (key, options) => {
      const head = await store.head(key, options)
      if (head === undefined) return undefined
      const { sha256: _unknown, ...known } = head
      return known
    },
  })
  for (const one of [store, plain]) {
    const found = await readForPrune({ ...location, store: one }, context)
    expect(found.packages.map(({ path }) => path)).toEqual(['foo-2.rpm'])
    expect(found.unclear).toEqual([{ path: 'foo-1.rpm', why: 'listed as another' }])
  }
})

it('knows by the digest that the store has what another tool gave another time', async () => {
  const store = tickingStore()
  const location = locationIn(store, root)
  const context = await newContext()
  await putPackage(store, `${root}foo-1.rpm`, { name: 'foo', version: '1' })
  await rebuildRepository(location, context)
  const bytes = await read(store, `${root}foo-1.rpm`)
  await store.put(
    `${root}foo-1.rpm`,
    bytes,
    { if: 'always' },
    { sha256: createHash('sha256').update(bytes).digest('hex') },
  )
  expect((await readForPrune(location, context)).packages.map(({ path }) => path)).toEqual(['foo-1.rpm'])
})

it('finds what modules are made of, compressed or not, and does not take unreadable modules for none', async () => {
  const store = tickingStore()
  const location = locationIn(store, root)
  const context = await newContext()
  await rebuildRepository(location, context)
  const modules = `---
document: modulemd
version: 2
data:
  name: nodejs
  stream: "18"
  artifacts:
    rpms:
      - nodejs-1:18.20.4-1.module_el9+1.x86_64
      - "npm-1:10.7.0-1.18.20.4.1.module_el9+1.x86_64"
---
document: modulemd
data: {name: ruby, artifacts: {rpms: [ruby-0:3.3.1-3.x86_64, 'irb-0:1.13-3.noarch']}}
---
    rpms:
      - perl-4:5.40-1.x86_64   # for the old ones
...
`
  await store.put(`${root}repodata/modules.yaml.gz`, gzipSync(modules), { if: 'always' })
  const repomd = (await read(store, `${root}repodata/repomd.xml`)).toString()
  const record = '<data type="modules"><location href="repodata/modules.yaml.gz"/></data></repomd>'
  await store.put(`${root}repodata/repomd.xml`, Buffer.from(repomd.replace('</repomd>', record)), { if: 'always' })
  expect([...(await readForPrune(location, context)).inModules]).toEqual([
    'nodejs-1:18.20.4-1.module_el9+1.x86_64',
    'npm-1:10.7.0-1.18.20.4.1.module_el9+1.x86_64',
    'ruby-0:3.3.1-3.x86_64',
    'irb-0:1.13-3.noarch',
    'perl-4:5.40-1.x86_64',
  ])
  await store.delete(`${root}repodata/modules.yaml.gz`)
  await expect(readForPrune(location, context)).rejects.toMatchObject({ code: 'MISSING_DOCUMENT' })
})

it('deletes the very object that was planned on, and no other', async () => {
  const store = tickingStore()
  const location = locationIn(store, root)
  const context = await newContext()
  for (const version of ['1', '2']) await putPackage(store, `${root}foo-${version}.rpm`, { name: 'foo', version })
  await rebuildRepository(location, context)
  const { packages } = await readForPrune(location, context)
  const [first, second] = packages
  if (first === undefined || second === undefined) throw new Error('two are there')

  expect(await deletePruned(location, first, context)).toEqual({ kind: 'deleted' })
  expect(await deletePruned(location, first, context)).toEqual({ kind: 'gone already' })
  await putPackage(store, `${root}foo-2.rpm`, { name: 'foo', version: '2', summary: 'built again' })
  expect(await deletePruned(location, second, context)).toEqual({ kind: 'changed' })
  expect(await store.head(`${root}foo-2.rpm`)).toBeDefined()
})

it('deletes nothing that has come in the place of what was planned on, of whatever size', async () => {
  const store = tickingStore()
  const location = locationIn(store, root)
  const context = await newContext()
  await putPackage(store, `${root}foo.rpm`, { name: 'foo', version: '1' })
  await rebuildRepository(location, context)
  const [planned] = (await readForPrune(location, context)).packages
  if (planned === undefined) throw new Error('it is listed')
  await putPackage(store, `${root}foo.rpm`, { name: 'foo', version: '2' })
  expect(await deletePruned(location, planned, context)).toEqual({ kind: 'changed' })
  expect(await store.head(`${root}foo.rpm`)).toBeDefined()
})

it('says that it changed where it is replaced between the look and the deletion', async () => {
  const store = tickingStore()
  const context = await newContext()
  await putPackage(store, `${root}foo.rpm`, { name: 'foo' })
  await rebuildRepository(locationIn(store, root), context)
  const [planned] = (await readForPrune(locationIn(store, root), context)).packages
  if (planned === undefined) throw new Error('it is there')
  const racing = intercept(store, {
    delete: async (key, options) => {
      await putPackage(store, key, { name: 'foo', summary: 'a moment later' })
      return store.delete(key, options)
    },
  })
  expect(await deletePruned(locationIn(racing, root), planned, context)).toEqual({ kind: 'changed' })
})

function staying(packages: readonly PrunablePackage[], policy: PrunePolicy = { keep: 2 }): string[] {
  return planPrune({ packages, now, inModules: new Set(), held: new Map() }, policy)
    .filter(({ decision }) => decision === 'stays')
    .map(
      ({ name, epoch, version, release, arch }) =>
        `${name}-${epoch === '0' ? '' : `${epoch}:`}${version}-${release}.${arch}`,
    )
}

function one(evr: string, { name = 'foo', arch = 'x86_64', ageDays = 0, path = '' } = {}): PrunablePackage {
  const [, epoch = '0', version = '', release = ''] = /^(?:(\d+):)?(.+)-(.+)$/.exec(evr) ?? []
  const pkgid = sha256PkgId('a'.repeat(64))
  const lastModified = new Date(now.getTime() - ageDays * 24 * 3_600_000)
  const etag = parseETag('"etag"')
  const place = path === '' ? `${name}-${evr}.${arch}.rpm` : path
  return {
    path: place,
    name,
    epoch,
    version,
    release,
    arch,
    checksumType: 'sha256',
    pkgid,
    etag,
    size: 100,
    lastModified,
  }
}
