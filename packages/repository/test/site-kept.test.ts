/**
 * What is kept with a site: what was said of it, which files are its own, and of what they were made.
 */
import { Readable } from 'node:stream'
import { constants, createGzip, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib'
import type { ObjectStore } from '@repokeeper/object-store'
import { describe, expect, test } from 'vitest'
import { rebuildRepository } from '../src/index.ts'
import { type SiteChange, type SiteOptions, writeSite } from '../src/site.ts'
import { intercept, locationIn, newContext, putPackage, read, tickingStore } from './workbench.ts'

const root = 'el9/x86_64/'
const view = `${root}repoview/`
const record = `${view}repokeeper-site.json.gz`
const said = { title: 'Ours', baseUrl: 'https://example.org/el9', gpgKey: 'https://example.org/key' }

/** A repository of one package, published, and what writes its site. */
async function published() {
  const store = tickingStore()
  const context = await newContext()
  const location = locationIn(store)
  await putPackage(store, `${root}foo-1.0.rpm`, { name: 'foo' })
  await rebuildRepository(location, context)
  const site = async (say: SiteOptions['say'] = {}, options: SiteOptions = {}, on: ObjectStore = store) => {
    const changes: SiteChange[] = []
    const report = await writeSite({ ...location, store: on }, context, {
      ...options,
      say,
      onChange: (one) => changes.push(one),
    })
    return { ...report, changes: changes.map(({ kind, path }) => `${kind} ${path}`).toSorted() }
  }
  const repoFile = async (name: string) => (await read(store, `${view}${name}.repo`)).toString()
  const paths = async () => (await Array.fromAsync(store.list(view))).map(({ key }) => key.slice(view.length))
  return { store, location, context, site, repoFile, paths }
}

describe('what is said of a site', () => {
  test('stays where nothing else is said', async () => {
    const { site, repoFile } = await published()
    await site(said)
    expect(await site()).toMatchObject({ said, written: 0, deleted: 0 })
    expect(await repoFile('Ours')).toContain('gpgcheck=1\ngpgkey=https://example.org/key\n')
  })

  test('is changed by an option, each for itself', async () => {
    const { site, repoFile } = await published()
    await site(said)
    expect(await site({ gpgKey: 'https://example.org/new' })).toMatchObject({
      said: { ...said, gpgKey: 'https://example.org/new' },
      changes: expect.arrayContaining(['written Ours.repo']),
    })
    expect((await repoFile('Ours')).split('\n')).toEqual([
      ...[
        '# Made by repokeeper site.',
        '[Ours]',
        'name=Ours',
        'baseurl=https://example.org/el9/',
        'enabled=1',
        'gpgcheck=1',
      ],
      ...['gpgkey=https://example.org/new', ''],
    ])
  })

  test('is taken back by null: no key, no .repo file, the name of the directory', async () => {
    const { store, site, repoFile, paths } = await published()
    await site(said)
    await site({ gpgKey: null })
    expect(await repoFile('Ours')).toContain('gpgcheck=0\n')
    expect((await site({ baseUrl: null, title: null })).changes).toContain('deleted Ours.repo')
    expect((await paths()).filter((path) => path.endsWith('.repo'))).toEqual([])
    expect((await read(store, `${view}index.html`)).toString()).toContain('<h1>el9/x86_64</h1>')
    expect((await site()).said).toEqual({})
  })

  test('is kept by a dry run, which changes nothing of it', async () => {
    const { site, repoFile } = await published()
    await site(said)
    const would = await site({ title: 'Theirs' }, { dryRun: true })
    expect(would.changes).toEqual(expect.arrayContaining(['written Theirs.repo', 'deleted Ours.repo']))
    expect((await site()).said).toEqual(said)
    expect(await repoFile('Ours')).toContain('[Ours]')
  })

  test('is not lost where the run that was told it is killed before its first page', async () => {
    const { store, site } = await published()
    const failing = intercept(store, {
      put: async (key, ...rest) => {
        if (key !== record) throw new Error('killed')
        return store.put(key, ...rest)
      },
    })
    await expect(site(said, {}, failing)).rejects.toThrow('killed')
    expect((await site()).said).toEqual(said)
  })

  test.each([
    ['no record', Buffer.from('junk')],
    ['nothing at all', gzipSync('')],
    ['another format', gzipSync('{"format":1}')],
    ['a key that dnf cannot fetch', stored({ gpgKey: 'x\ngpgcheck=0' })],
    ['a file that is none of a site', stored({}, ['file', '../foo-1.0.rpm', '"1"', 'x'])],
    ['something that none has', stored({}, ['other', 'x'])],
    ['half of one', stored(said, ['name', 'foo', '1.0', '', 1]).subarray(0, -12)],
  ])('is never taken for nothing where it cannot be read: %s', async (_, bytes) => {
    const { store, site, repoFile } = await published()
    await site(said)
    await store.put(record, bytes, { if: 'always' })
    await expect(site()).rejects.toMatchObject({ code: 'BROKEN_SITE', message: expect.stringContaining(record) })
    expect(await repoFile('Ours')).toContain('gpgcheck=1')
    // What the message says to do.
    await store.delete(record)
    expect(await site(said)).toMatchObject({ written: 0, deleted: 0 })
  })
})

describe('a record that is more than one of this repository could be', () => {
  test.each<[string, () => AsyncIterable<Uint8Array>]>([
    ['lines without end', () => packed(stored(said), endless('["name","foo","1.0","",1]\n'))],
    ['one line without end', () => packed(stored(said), endless('x'.repeat(1_000)))],
    ['empty pieces without end', () => emptyPieces(stored(said))],
  ])('is read no further, and nothing of it is believed but what was said: %s', async (_, body) => {
    const { store, context, site, repoFile, paths } = await published()
    await site(said)
    const hostile = intercept(store, {
      get: async (key, options) => {
        const got = await store.get(key, options)
        return key === record && got.kind === 'found' ? { ...got, body: body() } : got
      },
    })
    await store.delete(`${view}style.css`)
    expect(await site({}, {}, hostile)).toMatchObject({ said, changes: ['written style.css'] })
    expect(context.events).toContainEqual(
      expect.objectContaining({ kind: 'warning', subject: 'site', message: expect.stringContaining(record) }),
    )
    expect(await repoFile('Ours')).toContain('gpgcheck=1')
    expect(await site()).toMatchObject({ said, written: 0, deleted: 0 })
    expect(await paths()).toContain('package/foo.html')
  })
})

describe('a file that is no longer part of a site', () => {
  test('goes: the .repo file of a former title', async () => {
    const { site, paths } = await published()
    await site(said)
    expect((await site({ title: 'Theirs' })).changes).toContain('deleted Ours.repo')
    expect((await paths()).filter((path) => path.endsWith('.repo'))).toEqual(['Theirs.repo'])
  })

  test('goes as well where the run that wrote it was killed', async () => {
    const { store, site, paths } = await published()
    await site(said)
    const failing = intercept(store, {
      put: async (key, ...rest) => {
        if (key.endsWith('index.html')) throw new Error('killed')
        return store.put(key, ...rest)
      },
    })
    await expect(site({ title: 'Second' }, {}, failing)).rejects.toThrow('killed')
    expect(await paths()).toEqual(expect.arrayContaining(['Ours.repo', 'Second.repo']))
    await site({ title: 'Third' })
    expect((await paths()).filter((path) => path.endsWith('.repo'))).toEqual(['Third.repo'])
  })

  test('stays where it is not the one that the site wrote', async () => {
    const { store, site, paths } = await published()
    await site(said)
    await store.put(`${view}theirs.repo`, Buffer.from('theirs'), { if: 'always' })
    await store.put(`${view}Ours.repo`, Buffer.from('[Ours]\nby hand\n'), { if: 'always' })
    await site({ title: 'Second' })
    expect((await paths()).filter((path) => path.endsWith('.repo'))).toEqual([
      'Ours.repo',
      'Second.repo',
      'theirs.repo',
    ])
  })

  test('is not taken for one of ours where it came to its place before', async () => {
    const { store, site } = await published()
    await site()
    await store.put(`${view}Ours.repo`, Buffer.from('by hand'), { if: 'always' })
    await expect(site(said)).rejects.toMatchObject({
      code: 'NOT_A_SITE',
      message: expect.stringContaining('Ours.repo'),
    })
  })

  test('goes by its mark where the record was lost', async () => {
    const { store, location, context, site, paths } = await published()
    await putPackage(store, `${root}bar-1.0.rpm`, { name: 'bar' })
    await rebuildRepository(location, context)
    await site(said)
    await store.delete(record)
    await store.put(`${view}package/theirs.html`, Buffer.from('theirs'), { if: 'always' })
    await store.delete(`${root}bar-1.0.rpm`)
    await rebuildRepository(location, context)
    await site({ title: 'Ours' })
    expect((await paths()).filter((path) => /^package|repo$/.test(path))).toEqual([
      ...['package/foo.html', 'package/theirs.html'],
    ])
  })
})

test('what the record says of packages is not believed where they are not found', async () => {
  const { store, location, context, site } = await published()
  await site()
  const before = gunzipSync(await read(store, record)).toString()
  const otherwise = before.replace(/^\["package".*$/m, JSON.stringify(['package', 'ghost', 'x'.repeat(22)]))
  expect(otherwise).not.toBe(before)
  await store.put(record, gzipSync(otherwise), { if: 'always' })
  await site()
  expect(gunzipSync(await read(store, record)).toString()).toBe(before)
  expect(await writeSite(location, context)).toMatchObject({ written: 0, names: 1 })
})

test('two who write the same site at once end with the site of the last word', async () => {
  const { store, site, repoFile, paths } = await published()
  await site(said)
  let isFirst = true
  // The other comes between our claim and our first page, and is done when we go on.
  const late = intercept(store, {
    put: async (key, ...rest) => {
      if (key !== record && isFirst) {
        isFirst = false
        await site({ gpgKey: 'https://example.org/theirs' })
      }
      return store.put(key, ...rest)
    },
  })
  await site({ title: 'Second' }, {}, late)
  expect(await repoFile('Second')).toContain('gpgkey=https://example.org/theirs\n')
  expect((await paths()).filter((path) => path.endsWith('.repo'))).toEqual(['Second.repo'])
  expect(await site()).toMatchObject({ written: 0, deleted: 0 })
})

function stored(settings: object, ...lines: readonly (readonly unknown[])[]): Buffer {
  return gzipSync(
    [{ format: 2, templates: '', settings }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''),
  )
}

/** A record, and what follows in it. */
async function* packed(head: Buffer, rest: Iterable<string>): AsyncGenerator<Uint8Array> {
  function* all(): Generator<string> {
    yield gunzipSync(head).toString()
    yield* rest
  }
  yield* Readable.from(all()).pipe(createGzip())
}

function* endless(text: string): Generator<string> {
  for (;;) yield text.repeat(100)
}

/** RFC 1951, 3.2.4: blocks that hold nothing. However many come, nothing comes out. */
async function* emptyPieces(head: Buffer): AsyncGenerator<Uint8Array> {
  yield Buffer.from('1f8b08000000000000ff', 'hex')
  yield deflateRawSync(gunzipSync(head), { finishFlush: constants.Z_SYNC_FLUSH })
  for (;;) yield Buffer.from('000000ffff'.repeat(10_000), 'hex')
}
