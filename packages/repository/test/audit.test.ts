/**
 * Each kind of drift, made for real: found, told, and mended, with the metadata as it should be after it.
 */
import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type ObjectStore, StoreError } from '@repokeeper/object-store'
import { parseRepomd, recordOf } from '@repokeeper/repodata'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type AuditOptions,
  type AuditReport,
  auditRepository,
  type RepositoryContext,
  type RepositoryLocation,
  rebuildRepository,
  reconcile,
  repairRepository,
} from '../src/index.ts'
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

const names = ['ant', 'bear', 'cat']
const key = (path: string): string => `el9/x86_64/${path}`

let store: ObjectStore
let location: RepositoryLocation
let context: RepositoryContext
beforeEach(async () => {
  store = tickingStore()
  location = locationIn(store)
  context = await newContext()
  for (const name of names) await putPackage(store, key(`${name}.rpm`), { name })
  await reconcile(location, new Set(names.map((name) => key(`${name}.rpm`))), context)
})

const kindsOf = ({ findings }: AuditReport): string[] =>
  findings.map((finding) => `${finding.kind} ${'record' in finding ? finding.record : finding.path}`)

const repomd = async (): Promise<string> => (await read(store, key('repodata/repomd.xml'))).toString()
const putText = (path: string, text: string | Uint8Array) =>
  store.put(key(path), Buffer.from(text as string), { if: 'always' })
const hrefOf = async (type: string): Promise<string> =>
  recordOf(parseRepomd(Buffer.from(await repomd())), type)?.href ?? ''
const editRepomd = async (edit: (text: string) => string): Promise<void> => {
  const before = await repomd()
  const after = edit(before)
  expect(after).not.toBe(before)
  await putText('repodata/repomd.xml', after)
}
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

/** Another text in place of a document, named as it should be: as a tool that got it wrong would. */
const replaceDocument = async (type: string, edit: (text: string) => string): Promise<void> => {
  const href = await hrefOf(type)
  const before = await read(store, key(href))
  const open = edit(gunzipSync(before).toString())
  const bytes = gzipSync(open)
  await putText(`repodata/other-${type}.xml.gz`, bytes)
  await editRepomd((text) =>
    text.replace(/ <data type="(\w+)">[\s\S]*?<\/data>/g, (record, found) =>
      found !== type
        ? record
        : ` <data type="${type}"><checksum type="sha256">${sha256(bytes)}</checksum><open-checksum type="sha256">${sha256(open)}</open-checksum>` +
          `<location href="repodata/other-${type}.xml.gz"/><size>${bytes.length}</size><open-size>${Buffer.byteLength(open)}</open-size></data>`,
    ),
  )
}

const addRecord = (type: string, href: string, content: string, more: { base?: string; size?: number } = {}) =>
  editRepomd((text) =>
    text.replace(
      '</repomd>',
      `<data type="${type}"><checksum type="sha256">${sha256(content)}</checksum>` +
        `<location ${more.base === undefined ? '' : `xml:base="${more.base}" `}href="${href}"/><size>${more.size ?? content.length}</size></data></repomd>`,
    ),
  )

interface Drift {
  readonly what: string
  readonly make: () => Promise<unknown>
  readonly found: readonly string[]
  readonly options?: AuditOptions
  /** What `--repair` leaves, where it does. */
  readonly left?: readonly string[]
}

const drifts: readonly Drift[] = [
  {
    what: 'a lost notification of an upload',
    make: () => putPackage(store, key('Packages/d/dog.rpm'), { name: 'dog' }),
    found: ['unlisted Packages/d/dog.rpm'],
  },
  {
    what: 'a lost notification of a removal',
    make: () => store.delete(key('bear.rpm')),
    found: ['vanished bear.rpm'],
  },
  {
    what: 'a lost notification of a replacement, of another size',
    make: () => putPackage(store, key('bear.rpm'), { name: 'bear', summary: 'a longer one than it had before' }),
    found: ['changed bear.rpm'],
  },
  {
    what: 'a lost notification of a replacement, of the same size',
    make: async () => {
      const { size } = (await store.head(key('bear.rpm'))) ?? { size: 0 }
      const bytes = buildPackage({ name: 'beer' })
      expect(bytes.length).toBe(size)
      await putText('bear.rpm', bytes)
    },
    found: ['changed bear.rpm'],
  },
  {
    what: 'two entries of one package',
    make: () =>
      replaceDocument('primary', (text) => {
        const entry = text.slice(text.indexOf('<package '), text.indexOf('</package>') + '</package>'.length)
        return text.replace(entry, `${entry}\n${entry}`).replace('packages="3"', 'packages="4"')
      }),
    found: ['listed-twice ant.rpm'],
  },
  {
    what: 'an entry that leaves the repository',
    make: () => replaceDocument('primary', (text) => text.replace('href="bear.rpm"', 'href="../bear.rpm"')),
    found: ['misplaced ../bear.rpm', 'unlisted bear.rpm'],
  },
  {
    what: 'a repomd.xml that is gone',
    make: () => store.delete(key('repodata/repomd.xml')),
    found: ['no-repomd repodata/repomd.xml'],
  },
  {
    what: 'a repomd.xml that is cut off',
    make: () => editRepomd((text) => text.slice(0, 300)),
    found: ['unreadable-repomd repodata/repomd.xml'],
  },
  ...['primary', 'filelists', 'other'].map((type) => ({
    what: `a hand-deleted ${type}`,
    make: async () => store.delete(key(await hrefOf(type))),
    found: [`missing-document ${type}`],
  })),
  {
    what: 'a comps that is gone',
    make: async () => {
      await putText('repodata/modules.yaml', 'modules')
      await addRecord('modules', 'repodata/modules.yaml', 'modules')
      await addRecord('group', 'repodata/comps.xml', '<comps/>')
    },
    found: ['missing-document group'],
  },
  {
    what: 'an updateinfo of another size',
    make: async () => {
      await putText('repodata/updateinfo.xml', '<updates></updates>')
      await addRecord('updateinfo', 'repodata/updateinfo.xml', '<updates/>')
    },
    found: ['wrong-size updateinfo'],
    left: ['wrong-size updateinfo'],
  },
  {
    what: 'a primary of another size',
    make: async () => putText(await hrefOf('primary'), 'short'),
    found: ['wrong-size primary'],
  },
  {
    what: 'a record that leaves the repository',
    make: () => addRecord('group', '../comps.xml', '<comps/>'),
    found: ['outside group'],
    left: ['outside group'],
  },
  {
    what: 'a record that lies elsewhere',
    make: () => addRecord('group', 'comps.xml', '<comps/>', { base: 'http://mirror.example/' }),
    found: ['outside group'],
    left: ['outside group'],
  },
  {
    what: 'a primary that is named twice',
    make: () =>
      editRepomd((text) => text.replace(/ <data type="primary">[\s\S]*?<\/data>/, (record) => record + record)),
    found: ['named-twice primary'],
  },
  {
    what: 'a filelists of fewer packages',
    make: () =>
      replaceDocument('filelists', (text) =>
        text.replace(/<package [\s\S]*?<\/package>/, '').replace('packages="3"', 'packages="2"'),
      ),
    found: ['half-written filelists'],
  },
  {
    what: 'a repomd.xml without other',
    make: () => editRepomd((text) => text.replace(/ <data type="other">[\s\S]*?<\/data>/, '')),
    found: ['half-written other'],
  },
  {
    what: 'a primary that miscounts itself',
    make: () => replaceDocument('primary', (text) => text.replace('packages="3"', 'packages="5"')),
    found: ['wrong-count primary'],
  },
  {
    what: 'a primary that is no XML',
    make: () => replaceDocument('primary', () => 'hello'),
    found: ['unreadable-document primary'],
  },
  {
    what: 'a filelists of other packages (deep)',
    make: async () => {
      const { pkgid } = (await readPublished(location)).packages.get('bear.rpm') ?? { pkgid: '' }
      await replaceDocument('filelists', (text) => text.replace(pkgid, 'f'.repeat(64)))
    },
    options: { deep: true },
    found: ['half-written filelists'],
  },
  {
    what: 'bytes of a document that have turned (deep)',
    make: async () => {
      const href = await hrefOf('other')
      const bytes = await read(store, key(href))
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      await putText(href, bytes)
    },
    options: { deep: true },
    found: ['unreadable-document other', 'wrong-digest other'],
  },
  {
    what: 'an open digest that is wrong (deep)',
    make: () => editRepomd((text) => text.replace(/(<open-checksum type="sha256">)[0-9a-f]{4}/, '$10000')),
    options: { deep: true },
    found: ['wrong-digest primary'],
  },
  {
    what: 'an entry of another version than the header (deep)',
    make: () => replaceDocument('primary', (text) => text.replace(/ver="[^"]*"/, 'ver="99"')),
    options: { deep: true },
    found: ['entry-differs ant.rpm'],
  },
]

describe.each(drifts)('$what', ({ make, found, options = {}, left = [] }) => {
  it('is found, and changes nothing by that', async () => {
    await make()
    const keysBefore = await Array.fromAsync(store.list(''), ({ key: one, etag }) => `${one} ${etag}`)
    const report = await auditRepository(location, context, options)
    expect(kindsOf(report)).toEqual(found)
    for (const { problem, remedy } of report.findings) expect(`${problem}; ${remedy}`).toMatch(/\w{3}/)
    expect(await Array.fromAsync(store.list(''), ({ key: one, etag }) => `${one} ${etag}`)).toEqual(keysBefore)
  })

  it('is mended', async () => {
    await make()
    const { before, repairs, after } = await repairRepository(location, context, options)
    expect(kindsOf(before)).toEqual(found)
    expect(kindsOf(after)).toEqual(left)
    expect(repairs.length > 0).toBe(left.length === 0)
    const published = await readPublished(location)
    expect(published.packages).toEqual(await bucketTruth(location))
    // Byte for byte what a repository made from nothing has.
    const anew = locationIn(store, 'anew/')
    for (const path of published.packages.keys()) {
      await store.put(`anew/${path}`, await read(store, key(path)), { if: 'always' })
    }
    await rebuildRepository(anew, context)
    const timeless = (text: string): string => text.replace(/<time file="\d+"/g, '')
    const expected = await readPublished(anew)
    for (const kind of ['primary', 'filelists', 'other'] as const) {
      expect(timeless(published.documents[kind])).toBe(timeless(expected.documents[kind]))
    }
  })
})

it('finds nothing in a repository that is as it should be, deep or not', async () => {
  await putText('repodata/comps.xml', '<comps/>')
  await addRecord('group', 'repodata/comps.xml', '<comps/>')
  for (const deep of [false, true]) {
    expect(await auditRepository(location, context, { deep })).toMatchObject({
      repository: 'memory/el9/x86_64/',
      deep,
      inBucket: 3,
      listed: 3,
      findings: [],
      notes: [],
    })
  }
})

it('keeps records that are not ours, and drops only the one whose document is gone', async () => {
  await putText('repodata/modules.yaml', 'modules')
  await addRecord('modules', 'repodata/modules.yaml', 'modules')
  await addRecord('group', 'repodata/comps.xml', '<comps/>')
  const { repairs } = await repairRepository(location, context)
  expect(repairs).toEqual([{ kind: 'dropped-records', records: ['group'] }])
  expect(parseRepomd(Buffer.from(await repomd())).records.map(({ type }) => type)).toEqual([
    'primary',
    'filelists',
    'other',
    'modules',
  ])
})

it('leaves a record alone whose document was put back while it was mended', async () => {
  await addRecord('group', 'repodata/comps.xml', '<comps/>')
  const before = await repomd()
  await repairRepository(location, context, {
    onRepair: async () => void (await putText('repodata/comps.xml', '<comps/>')),
  })
  expect(await repomd()).toBe(before)
})

it('notes a file that is no package, which is rightly not listed', async () => {
  await putText('junk.rpm', 'this is none')
  const report = await auditRepository(location, context)
  expect(report.findings).toEqual([])
  expect(report.notes).toEqual([{ kind: 'unusable', path: 'junk.rpm', reason: expect.stringContaining('RPM') }])
})

it('finds a package that was replaced by what is none, and notes it once it is not listed any more', async () => {
  await putText('bear.rpm', 'this is none')
  const { before, after } = await repairRepository(location, context)
  expect(kindsOf(before)).toEqual(['changed bear.rpm'])
  expect(after).toMatchObject({ findings: [], notes: [{ kind: 'unusable', path: 'bear.rpm' }], listed: 2, inBucket: 3 })
})

it('notes keys that cannot be published', async () => {
  await putPackage(store, key('a\u0001b.rpm'), { name: 'a' })
  const { findings, notes } = await auditRepository(location, context)
  expect(findings).toEqual([])
  expect(notes).toMatchObject([{ kind: 'passed-over', path: 'a\u0001b.rpm' }])
})

it('leaves the packages of a repository below to that one', async () => {
  const inner = locationIn(store, key('debug/'))
  await putPackage(store, key('debug/z.rpm'), { name: 'z' })
  await rebuildRepository(inner, context)
  expect(await auditRepository(location, context)).toMatchObject({ findings: [], inBucket: 3 })
})

it('finds what is listed here, but lies in a repository of its own below', async () => {
  await putPackage(store, key('debug/z.rpm'), { name: 'z' })
  await reconcile(location, new Set([key('debug/z.rpm')]), context)
  await rebuildRepository(locationIn(store, key('debug/')), context)
  const { before, after } = await repairRepository(location, context)
  expect(kindsOf(before)).toEqual(['misplaced debug/z.rpm'])
  expect(after.findings).toEqual([])
  expect([...(await readPublished(location)).packages.keys()]).toEqual(['ant.rpm', 'bear.rpm', 'cat.rpm'])
})

it('takes an entry that another tool has percent-encoded, or begun with ./, for what it stands for', async () => {
  await putPackage(store, key('c++.rpm'), { name: 'c++' })
  await reconcile(location, new Set([key('c++.rpm')]), context)
  await replaceDocument('primary', (text) =>
    text.replace('href="c++.rpm"', 'href="c%2B%2B.rpm"').replace('href="ant.rpm"', 'href="./ant.rpm"'),
  )
  expect((await auditRepository(location, context, { deep: true })).findings).toEqual([])
  await store.delete(key('c++.rpm'))
  expect(kindsOf(await auditRepository(location, context))).toEqual(['vanished c%2B%2B.rpm'])
})

it('deep, finds what was replaced with a size and time that agree, and what the store does not give', async () => {
  const bytes = buildPackage({ name: 'beer' })
  const lying = intercept(store, {
    // The replacement has the time of what it replaced, and the store vouches for a digest that it has not.
    async *list(prefix, options) {
      for await (const object of store.list(prefix, options))
        yield object.key === key('bear.rpm') ? { ...object, ...asBefore } : object
    },
    async head(name, options) {
      const head = await store.head(name, options)
      return head !== undefined && name === key('bear.rpm') ? { ...head, ...asBefore, ...vouched } : head
    },
    async get(name, options) {
      if (name === key('cat.rpm'))
        throw new StoreError('ACCESS_DENIED', 'it is in an archive', { store: 'memory', key: name })
      return store.get(name, options)
    },
  })
  const before = await store.head(key('bear.rpm'))
  const asBefore = { lastModified: before?.lastModified ?? new Date(0) }
  const vouched = { sha256: before?.sha256 ?? '' }
  await putText('bear.rpm', bytes)
  const odd = { store: lying, root: location.root }
  expect((await auditRepository(odd, context)).findings).toEqual([])
  expect(kindsOf(await auditRepository(odd, context, { deep: true }))).toEqual([
    'changed bear.rpm',
    'unreadable-package cat.rpm',
  ])
})

it('says nothing of a bucket that cannot be listed, and mends nothing', async () => {
  const before = await repomd()
  const denied = intercept(store, {
    async *list(prefix, options) {
      for await (const object of store.list(prefix, options)) {
        yield object
        throw new StoreError('ACCESS_DENIED', 'no listing', { store: 'memory' })
      }
    },
  })
  await expect(repairRepository({ store: denied, root: location.root }, context)).rejects.toThrow('no listing')
  expect(await repomd()).toBe(before)
})

it('tells of the others where one object may not be looked at', async () => {
  for (const name of ['dog', 'emu']) await putPackage(store, key(`${name}.rpm`), { name })
  const denied = intercept(store, {
    async head(name, options) {
      if (name === key('dog.rpm'))
        throw new StoreError('ACCESS_DENIED', 'dog is closed', { store: 'memory', key: name })
      return store.head(name, options)
    },
  })
  const report = await auditRepository({ store: denied, root: location.root }, context)
  expect(kindsOf(report)).toEqual(['unlisted dog.rpm', 'unlisted emu.rpm'])
  expect(report.findings[0]?.problem).toContain('dog is closed')
})

it('does not take what a listing leaves out for gone', async () => {
  const short = intercept(store, {
    async *list(prefix, options) {
      for await (const object of store.list(prefix, options)) if (!object.key.endsWith('bear.rpm')) yield object
    },
  })
  const report = await auditRepository({ store: short, root: location.root }, context)
  expect(report.findings).toEqual([])
})

it('asks for no package but those that differ', async () => {
  await putPackage(store, key('dog.rpm'), { name: 'dog' })
  const asked = new Set<string>()
  const watched = intercept(store, {
    head(name, options) {
      asked.add(name)
      return store.head(name, options)
    },
    get(name, options) {
      asked.add(name)
      return store.get(name, options)
    },
  })
  await auditRepository({ store: watched, root: location.root }, context)
  expect([...asked].filter((name) => name.endsWith('.rpm'))).toEqual([key('dog.rpm')])
})

it('sees that primary is damaged in the store, whoever still has it whole', async () => {
  const name = key(await hrefOf('primary'))
  const bytes = Buffer.from(await read(store, name))
  bytes.write('xxxx', 100)
  await store.put(name, bytes, { if: 'always' })
  // The context has just published it.
  expect(kindsOf(await auditRepository(location, context))).toEqual(['unreadable-document primary'])
  const { after } = await repairRepository(location, context)
  expect(kindsOf(after)).toEqual([])
  expect((await readPublished(location)).packages).toEqual(await bucketTruth(location))
})
