import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type ETag, type ObjectStore, parseETag } from '@repokeeper/object-store'
import { describe, expect, test } from 'vitest'
import { type RepositoryLocation, rebuildRepository } from '../src/index.ts'
import { type SiteChange, type SiteOptions, writeSite } from '../src/site.ts'
import { intercept, locationIn, newContext, putPackage, read, readPublished, tickingStore } from './workbench.ts'

const root = 'el9/x86_64/'
const view = `${root}repoview/`

/** A repository of two names in three packages, published. */
async function published(store: ObjectStore = tickingStore()) {
  const context = await newContext()
  const location = locationIn(store)
  const add = (name: string, version: string) =>
    putPackage(store, `${root}${name}-${version}.rpm`, {
      ...{ name, version, arch: 'x86_64', url: 'https://example.org/', requires: ['glibc >= 2.34'] },
      files: [{ path: `/usr/bin/${name}`, content: 'x' }],
      changelogs: [{ time: 1_700_000_000, author: 'Ada <ada@example.org>', text: `- ${name} ${version}` }],
    })
  const publish = () => rebuildRepository(location, context)
  for (const [name, version] of [
    ['foo', '1.0'],
    ['foo', '2.0'],
    ['bar', '1.0'],
  ] as const)
    await add(name, version)
  await publish()

  const site = async (options: SiteOptions = {}, on: ObjectStore = store) => {
    const changes: SiteChange[] = []
    const report = await writeSite({ ...location, store: on }, context, {
      ...options,
      onChange: (one) => changes.push(one),
    })
    return { ...report, changes: changes.map(({ kind, path }) => `${kind} ${path}`).toSorted() }
  }
  return { store, context, location, add, publish, site }
}

/** filelists as another tool could have written it, and published so. */
async function rewriteFilelists({ store, root }: RepositoryLocation, write: (text: string) => string): Promise<void> {
  const { documents, repomd } = await readPublished({ store, root })
  const bytes = gzipSync(write(documents.filelists))
  await store.put(`${root}repodata/rewritten.xml.gz`, bytes, { if: 'always' })
  const digest = createHash('sha256').update(bytes).digest('hex')
  const record = `<data type="filelists"><checksum type="sha256">${digest}</checksum><location href="repodata/rewritten.xml.gz"/></data>`
  const rewritten = repomd.replace(/<data type="filelists">[\s\S]*?<\/data>/, record)
  await store.put(`${root}repodata/repomd.xml`, Buffer.from(rewritten), { if: 'always' })
}

/** From its end to its beginning. */
function turnRound(filelists: string): string {
  const [head = '', ...entries] = filelists.split(/(?=<package )/)
  const last = entries.pop()?.replace('</filelists>', '') ?? ''
  return `${head}${[...entries, last].toReversed().join('\n')}</filelists>`
}

/** As with KMS, and in a directory, an ETag says nothing of the content. */
function opaque(store: ObjectStore): ObjectStore {
  const sealed = <Head extends { readonly etag: ETag }>(head: Head): Head => ({
    ...head,
    etag: parseETag(`opaque-${head.etag.slice(1, -1)}`),
  })
  const open = (etag: ETag): ETag => parseETag(etag.replace('opaque-', ''))
  return intercept(store, {
    head: async (key) => {
      const head = await store.head(key)
      return head === undefined ? undefined : sealed(head)
    },
    async *list(prefix) {
      for await (const one of store.list(prefix)) yield sealed(one)
    },
    get: async (key, { ifMatch, ifNoneMatch: _, ...options } = {}) => {
      const got = await store.get(key, ifMatch === undefined ? options : { ...options, ifMatch: open(ifMatch) })
      return got.kind === 'found' ? { ...got, head: sealed(got.head) } : got
    },
    put: async (key, body, condition, options) => {
      const meant = condition.if === 'unchanged' ? { ...condition, etag: open(condition.etag) } : condition
      const outcome = await store.put(key, body, meant, options)
      return outcome.kind === 'stored' ? sealed(outcome) : outcome
    },
  })
}

async function keysBelow(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await Array.fromAsync(store.list(prefix))).map(({ key }) => key.slice(prefix.length))
}

describe('the site of a repository', () => {
  test('tells of each package what its three entries do', async () => {
    const { store, site } = await published()
    expect(await site()).toMatchObject({ packages: 3, names: 2, files: 7, written: 7, deleted: 0 })
    const page = (await read(store, `${view}package/foo.html`)).toString()
    for (const said of [
      'foo-2.0-1.x86_64',
      'glibc &gt;= 2.34',
      '/usr/bin/foo',
      '- foo 1.0',
      'href="../../foo-2.0.rpm"',
    ]) {
      expect(page).toContain(said)
    }
    expect(page).not.toContain('ada@example.org')
  })

  test.each(['always', 'never'] as const)(
    'is not written again where nothing has changed (SHA-256 known: %s)',
    async (sha256) => {
      const { store, site } = await published(tickingStore({ sha256 }))
      await site()
      for (const on of [store, opaque(store)])
        expect(await site({}, on)).toMatchObject({ written: 0, deleted: 0, changes: [] })
    },
  )

  test('is written where something has changed, and what is gone is deleted', async () => {
    const { store, add, publish, site } = await published()
    await site()
    await store.delete(`${root}bar-1.0.rpm`)
    await add('foo', '3.0')
    await publish()
    const { changes } = await site()
    expect(changes).toEqual([
      'deleted package/bar.html',
      expect.stringMatching(/^deleted search\/[0-9a-f]{16}\.json$/),
      'written index.html',
      'written package/foo.html',
      expect.stringMatching(/^written search\/[0-9a-f]{16}\.json$/),
      'written search/shards.json',
    ])
    expect(await keysBelow(store, view)).not.toContain('package/bar.html')
  })

  test('is complete before the front page leads to it', async () => {
    const { store, site } = await published()
    const put: string[] = []
    const noting = (...call: Parameters<ObjectStore['put']>) => {
      put.push(call[0])
      return store.put(...call)
    }
    await site({}, intercept(store, { put: noting }))
    const pages = put.filter((key) => key !== `${view}repokeeper-site.json.gz`)
    expect(pages.at(-1)).toBe(`${view}index.html`)
  })

  test('has no front page where one of its pages could not be stored, and is made whole the next time', async () => {
    const { store, site } = await published()
    const failing = intercept(store, {
      put: async (key, ...rest) => {
        if (key.endsWith('/foo.html')) throw new Error('no room')
        return store.put(key, ...rest)
      },
    })
    await expect(site({}, failing)).rejects.toThrow('no room')
    expect(await keysBelow(store, view)).not.toContain('index.html')
    expect((await site()).changes).toEqual(expect.arrayContaining(['written index.html', 'written package/foo.html']))
  })

  test('changes nothing in a dry run, and says what it would', async () => {
    const { store, site } = await published()
    const would = await site({ dryRun: true })
    expect(await keysBelow(store, view)).toEqual([])
    expect((await site()).changes).toEqual(would.changes)
  })

  test('leaves what others put beside it', async () => {
    const { store, add, publish, site } = await published()
    const beside = ['notes.html', 'package/notes.txt', 'theirs.repo']
    for (const key of beside) await store.put(`${view}${key}`, Buffer.from('mine'), { if: 'always' })
    // No site is known yet: this may be somebody's.
    await store.put(`${view}package/theirs.html`, Buffer.from('theirs'), { if: 'always' })
    await site()
    expect(await keysBelow(store, view)).toContain('package/theirs.html')
    await add('baz', '1.0')
    await publish()
    await site()
    expect(await keysBelow(store, view)).toEqual(expect.arrayContaining(beside))
  })

  test('does not take the place of a page of somebody else', async () => {
    const { store, site } = await published()
    await store.put(`${view}index.html`, Buffer.from('<title>Our own</title>'), { if: 'always' })
    await expect(site()).rejects.toMatchObject({
      code: 'NOT_A_SITE',
      message: expect.stringContaining(`memory/${view}`),
    })
    expect(await keysBelow(store, view)).toEqual(['index.html'])
  })

  test.each(['style.css', 'package/foo.html', 'site.js', 'search/shards.json', 'Ours.repo'])(
    'does not take the place of a file of somebody else, be a site there or not, or one whose record was lost: %s',
    async (path) => {
      const { store, publish, add, site } = await published()
      const say = { title: 'Ours', baseUrl: 'https://example.org/' }
      const before = async () => {
        await store.put(`${view}${path}`, Buffer.from('mine'), { if: 'always' })
        await expect(site({ say })).rejects.toMatchObject({
          code: 'NOT_A_SITE',
          message: expect.stringContaining(path),
        })
        await expect(site({ say, dryRun: true })).rejects.toMatchObject({ code: 'NOT_A_SITE' })
        expect((await read(store, `${view}${path}`)).toString()).toBe('mine')
      }
      await before()
      await store.delete(`${view}${path}`)
      await site({ say })
      await add('baz', '1.0')
      await add('foo', '3.0')
      await publish()
      await before()
      await store.delete(`${view}repokeeper-site.json.gz`)
      await before()
    },
  )

  test('deletes nothing of somebody else where its record was lost', async () => {
    const { store, add, publish, site } = await published()
    await site()
    await store.delete(`${view}repokeeper-site.json.gz`)
    const theirs = ['search/theirs.json', 'theirs.repo', 'package/theirs.html', 'list/theirs.html']
    for (const path of theirs) await store.put(`${view}${path}`, Buffer.from('["mine"]'), { if: 'always' })
    await store.delete(`${root}bar-1.0.rpm`)
    await add('abc', '1.0')
    await publish()
    const { changes } = await site()
    expect(changes.filter((one) => one.startsWith('deleted'))).toEqual([
      'deleted package/bar.html',
      expect.stringMatching(/^deleted search\/[0-9a-f]{16}\.json$/),
    ])
    expect(await keysBelow(store, view)).toEqual(expect.arrayContaining(theirs))
  })

  test('leaves a site of ours that lies in the place of its pages', async () => {
    const { store, location, context, add, publish, site } = await published()
    await site()
    await writeSite(location, context, {
      path: 'repoview/package/',
      say: { title: 'Inner', baseUrl: 'https://example.org/' },
    })
    expect(await site()).toMatchObject({ written: 0, deleted: 0 })
    await add('index', '1.0')
    await publish()
    await expect(site()).rejects.toMatchObject({
      code: 'NOT_A_SITE',
      message: expect.stringContaining('package/index.html'),
    })
    expect((await read(store, `${view}package/index.html`)).toString()).toContain('<h1>Inner</h1>')
  })

  test('nor of a front page that comes while it is written, and leaves a page beside its own', async () => {
    const { store, site } = await published()
    const late = intercept(store, {
      put: async (key, body, condition, options) => {
        if (key === `${view}index.html`) await store.put(key, Buffer.from('<title>Theirs</title>'), { if: 'always' })
        return store.put(key, body, condition, options)
      },
    })
    await expect(site({}, late)).rejects.toMatchObject({ code: 'NOT_A_SITE' })
    expect((await read(store, `${view}index.html`)).toString()).toContain('Theirs')
    await store.delete(`${view}index.html`)
    await site()
    await store.put(`${view}list/wishes.html`, Buffer.from('wishes'), { if: 'always' })
    await site()
    expect((await read(store, `${view}list/wishes.html`)).toString()).toBe('wishes')
  })

  test('gives way to another writer of the same page, and to another page looks again', async () => {
    const { store, site } = await published()
    const meanwhile = (bytes: (own: Uint8Array) => Uint8Array) => {
      let isFirst = true
      return intercept(store, {
        put: async (key, body, condition, options) => {
          if (key.endsWith('/foo.html') && isFirst && body instanceof Uint8Array) {
            isFirst = false
            await store.put(key, bytes(body), { if: 'always' })
          }
          return store.put(key, body, condition, options)
        },
      })
    }
    expect(
      (
        await site(
          {},
          meanwhile((own) => own),
        )
      ).changes,
    ).not.toContain('written package/foo.html')
    await store.delete(`${view}package/foo.html`)
    expect(
      (
        await site(
          {},
          meanwhile((own) => Buffer.concat([own, Buffer.from('<!-- stale -->')])),
        )
      ).changes,
    ).toEqual(['written package/foo.html'])
    expect((await read(store, `${view}package/foo.html`)).toString()).not.toContain('stale')
  })

  test.each(['package/foo.html', 'index.html', 'search/shards.json'])(
    'has the file that somebody deletes while it is written anew: %s',
    async (path) => {
      const { store, add, publish, site } = await published()
      await site()
      await add('foo', '3.0')
      await add('abc', '1.0')
      await publish()
      const late = intercept(store, {
        put: async (key, ...rest) => {
          if (key === `${view}${path}` && (await store.head(key)) !== undefined) await store.delete(key)
          return store.put(key, ...rest)
        },
      })
      expect((await site({}, late)).changes).toContain(`written ${path}`)
      expect(await keysBelow(store, view)).toContain(path)
      expect(await site()).toMatchObject({ written: 0, deleted: 0 })
    },
  )

  test('finds the entries of a package where the documents of another tool have them in another order', async () => {
    const { store, location, site } = await published()
    await rewriteFilelists(location, turnRound)
    await site()
    const page = (await read(store, `${view}package/foo.html`)).toString()
    expect(page).toContain('/usr/bin/foo')
    expect(page).toContain('- foo 2.0')
    expect((await read(store, `${view}package/bar.html`)).toString()).toContain('- bar 1.0')
  })

  test('is written where another document than primary tells something else of the same package', async () => {
    const { store, location, site } = await published()
    await site()
    await rewriteFilelists(location, (text) => text.replace('/usr/bin/bar', '/usr/bin/other'))
    expect((await site()).changes).toEqual(['written package/bar.html'])
    expect((await read(store, `${view}package/bar.html`)).toString()).toContain('/usr/bin/other')
  })

  test('tells what it can where filelists is of another generation than primary', async () => {
    const { store, add, publish, site } = await published()
    await site()
    const recordOf = async () =>
      /<data type="filelists">[\s\S]*?<\/data>/.exec(
        (await read(store, `${root}repodata/repomd.xml`)).toString(),
      )?.[0] ?? ''
    const before = await recordOf()
    await add('foo', '1.0')
    await store.put(`${root}bar-1.0.rpm`, await read(store, `${root}foo-2.0.rpm`), { if: 'always' })
    await publish()
    const repomd = (await read(store, `${root}repodata/repomd.xml`)).toString().replace(await recordOf(), before)
    await store.put(`${root}repodata/repomd.xml`, Buffer.from(repomd), { if: 'always' })
    await site()
    const page = (await read(store, `${view}package/foo.html`)).toString()
    expect(page).toContain('bar-1.0.rpm')
    expect(page).toContain('/usr/bin/foo')
    expect(await keysBelow(store, view)).not.toContain('package/bar.html')
  })

  test('is nothing where nothing is published', async () => {
    const context = await newContext()
    expect(await writeSite(locationIn(tickingStore()), context)).toBeUndefined()
  })
})
