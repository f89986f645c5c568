/**
 * What the readers of this world list of documents in several blocks: what `repokeeper list` lists, whether the blocks were all written just now
 * or most of them copied from the generation before, with gzip and with zstd.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  type BlockContainer,
  BlockedDocument,
  type DocumentKind,
  DocumentWriter,
  documentKinds,
  formatRepomd,
  gzipContainer,
  MemoryFile,
  type NamedDocument,
  nextRevision,
  parseRepomd,
  zstdContainer,
} from '@repokeeper/repodata'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Client } from '../../../../fixtures/clients.ts'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../../fixtures/dnf.ts'
import { openZypper } from '../../../../fixtures/zypper.ts'
import { workplaceForTests } from '../run-cli.ts'
import { describeAsRoot } from './describe-as-root.ts'

const here = workplaceForTests()
const run = promisify(execFile)
const output = { maxBuffer: 2 ** 27 }
/** More than two blocks may hold. */
const buoys = 2_600

/** One after the other in one repository; each is read by everybody. */
const generations = [
  {
    title: 'freshly written',
    compression: 'gzip',
    hasOpenChecksum: true,
    publish: () => repokeeper('rebuild', 'buoys', '--open-checksum', 'always'),
  },
  {
    title: 'with tables too long for a header',
    compression: 'gzip',
    hasOpenChecksum: true,
    publish: () => writeAnew({ ...gzipContainer, noteBytesMax: 100 }),
  },
  {
    title: 'after packages were added, replaced and removed',
    compression: 'gzip',
    hasOpenChecksum: false,
    publish: async () => {
      await add(['aground', 'buoy01300a', 'buoy00000', 'buoy01999', 'zenith'], '--open-checksum', 'never')
      await repokeeper('remove', 'buoys', 'buoy005??-*', 'buoy02599-*', '--open-checksum', 'never')
    },
  },
  {
    title: 'turned to zstd',
    compression: 'zstd',
    hasOpenChecksum: true,
    publish: () => add(['buoy00550'], '--compression', 'zstd', '--open-checksum', 'always'),
  },
  {
    title: 'changed in zstd, which nobody asked for again',
    compression: 'zstd',
    hasOpenChecksum: true,
    publish: async () => {
      await add(['buoy01300a', 'buoy00551'])
      await repokeeper('remove', 'buoys', 'aground-*', 'buoy0220?-*')
    },
  },
  {
    title: 'turned back to gzip',
    compression: 'gzip',
    hasOpenChecksum: true,
    publish: () => repokeeper('remove', 'buoys', 'zenith-*', '--compression', 'gzip'),
  },
] as const

interface Generation {
  readonly directory: string
  readonly listed: readonly Listed[]
  /** The path of each document. */
  readonly documents: Readonly<Record<DocumentKind, string>>
}

const Listed = z.object({
  name: z.string(),
  version: z.string(),
  release: z.string(),
  arch: z.string(),
  location: z.string(),
  pkgid: z.string(),
})
type Listed = z.infer<typeof Listed>

const published = new Map<string, Generation>()
beforeAll(async () => {
  const packages = join(here().directory, 'buoys', 'Packages')
  await mkdir(packages, { recursive: true })
  for (let number = 0; number < buoys; number += 1) {
    const name = `buoy${String(number).padStart(5, '0')}`
    await writeFile(join(packages, `${name}-1.0-1.noarch.rpm`), build(name, 'laid out'))
  }
  for (const [number, { title, publish }] of generations.entries()) {
    await publish()
    const directory = join(here().directory, `generation-${number}`)
    await run('cp', ['--archive', '--link', join(here().directory, 'buoys'), directory])
    const listed = (await repokeeper('list', 'buoys', '--json')).trimEnd().split('\n')
    const documents = await documentsIn(directory)
    published.set(title, { directory, documents, listed: listed.map((line) => Listed.parse(JSON.parse(line))) })
  }
}, 240_000)

interface Reader {
  readonly name: string
  readonly wanted: readonly Client[]
  readonly asRoot?: boolean
  /** It knows nothing of zstd, in no version. */
  readonly onlyGzip?: true
  /** Whether the version that is here reads such documents; by default it does. */
  readonly reads?: (compression: 'gzip' | 'zstd') => Promise<boolean>
  /** What it is to say of a package. */
  readonly says: (listed: Listed) => string
  /** What it says of all packages, in whatever order. */
  readonly list: (generation: Generation) => Promise<readonly string[]>
}

const readers: readonly Reader[] = [
  {
    name: 'dnf, of primary and filelists',
    wanted: ['dnf'],
    says: ({ name, location, version }) => `${location} ${version} /usr/share/${name}`,
    list: ({ directory }) => dnfLines(directory, '--queryformat', '%{location} %{version} %{files}'),
  },
  {
    name: 'dnf, of other',
    wanted: ['dnf'],
    says: ({ name }) => `Changelog for ${name}-1.0-1.noarch`,
    list: async ({ directory }) =>
      (await dnfLines(directory, '--changelogs')).filter((line) => line.startsWith('Changelog')),
  },
  {
    name: 'zypper',
    wanted: ['zypper'],
    asRoot: true,
    says: ({ name, version, release, arch }) => `${name} ${version}-${release} ${arch}`,
    async list({ directory }) {
      const zypper = await openZypper(await makeDirectory(), `dir:${directory}`)
      const { stdout } = await zypper('search', '-s')
      const rows = stdout.split('\n').filter((line) => line.includes('| package |'))
      return rows.map((row) => row.split('|').map((cell) => cell.trim())).map((row) => `${row[1]} ${row[3]} ${row[4]}`)
    },
  },
  {
    name: 'repo2solv',
    wanted: ['repo2solv'],
    says: ({ name, version, release, pkgid }) => `${name} ${version}-${release} ${pkgid}`,
    async list({ directory }) {
      const file = join(await makeDirectory(), 'repository.solv')
      await run('repo2solv', ['-o', file, directory])
      const [, ...solvables] = (await run('dumpsolv', [file], output)).stdout.split(/^solvable \d+ \(\d+\):$/m)
      return solvables.map((text) => {
        const value = (key: string) => new RegExp(`^ *solvable:${key}: (?:sha256:)?(\\S+)`, 'm').exec(text)?.[1]
        return `${value('name')} ${value('evr')} ${value('checksum')}`
      })
    },
  },
  {
    name: 'python3-createrepo_c, of each document',
    wanted: ['python3-createrepo_c'],
    reads: createrepoReads,
    says: ({ location, pkgid }) => `${location} ${pkgid} ${pkgid} 1 ${pkgid} 1`,
    async list({ documents }) {
      const paths = documentKinds.map((kind) => documents[kind])
      return (await run('/usr/bin/python3', ['-c', listByPython, ...paths], output)).stdout.trimEnd().split('\n')
    },
  },
  {
    name: 'createrepo_c --update',
    wanted: ['createrepo_c'],
    reads: createrepoReads,
    says: ({ location }) => location,
    async list({ directory }) {
      const into = await makeDirectory()
      await cp(join(directory, 'repodata'), join(into, 'repodata'), { recursive: true })
      const options = ['--update', '--no-database', '--verbose', '--outputdir', into]
      const { stdout, stderr } = await run('createrepo_c', [...options, directory], output)
      expect(`${stdout}${stderr}`).not.toMatch(/warning|critical|cannot/i)
      return [...`${stdout}${stderr}`.matchAll(/CACHE HIT (\S+)/g)].map(([, name]) => `Packages/${name}`)
    },
  },
  {
    name: 'mergerepo_c',
    wanted: ['createrepo_c'],
    reads: createrepoReads,
    says: ({ location, pkgid }) => `${location} ${pkgid}`,
    async list({ directory }) {
      const merged = await makeDirectory()
      const options = ['--all', '--no-database', '--omit-baseurl', '--outputdir', merged, '--repo']
      expect((await run('mergerepo_c', [...options, `file://${directory}`])).stderr).toBe('')
      const { stdout } = await run('zcat', [(await documentsIn(merged)).primary], output)
      return stdout
        .split('<package ')
        .slice(1)
        .map((entry) => `${hrefOf(entry)} ${/pkgid="YES">(\w+)</.exec(entry)?.[1]}`)
    },
  },
  ...documentKinds.map(
    (kind): Reader => ({
      name: `xmllint, of ${kind} as it is compressed`,
      wanted: ['xmllint'],
      onlyGzip: true,
      says: ({ pkgid }) => pkgid,
      async list({ documents }) {
        const what = kind === 'primary' ? '//*[local-name()="checksum"]/text()' : '/*/*/@pkgid'
        const { stdout } = await run('xmllint', ['--nonet', '--xpath', what, documents[kind]], output)
        return stdout.match(/[0-9a-f]{64}/g) ?? []
      },
    }),
  ),
]

describe.each(generations)('documents in blocks, $title,', ({ title, compression, hasOpenChecksum }) => {
  const generation = (): Generation => {
    const found = published.get(title)
    if (found === undefined) throw new Error(`${title}: not yet published`)
    return found
  }

  it('hold what was published, in several blocks each, with or without an open checksum', async () => {
    const { directory, documents, listed } = generation()
    expect(listed.map(({ location }) => location.slice('Packages/'.length)).sort()).toEqual(
      (await readdir(join(directory, 'Packages'))).filter((file) => file.endsWith('.rpm')).sort(),
    )
    for (const kind of documentKinds) {
      const blocks = await BlockedDocument.open(kind, await inMemory(documents[kind]))
      expect(blocks).toMatchObject({ packages: listed.length, container: { compression } })
      expect(blocks?.table.blocks.length).toBeGreaterThan(2)
    }
    const repomd = await readFile(join(directory, 'repodata', 'repomd.xml'), 'utf8')
    expect(repomd.match(/<open-checksum /g) ?? []).toHaveLength(hasOpenChecksum ? 3 : 0)
  })

  for (const { name, wanted, asRoot = false, onlyGzip = false, reads, says, list } of readers) {
    if (onlyGzip && compression !== 'gzip') continue
    const describeReader = asRoot ? describeAsRoot : describeWithClients
    describeReader(wanted, name, () => {
      it('lists them all, and no other', async (context) => {
        if (reads !== undefined && !(await reads(compression)))
          context.skip(`this version does not read ${compression}`)
        const { listed } = generation()
        expect(sorted(await list(generation()))).toEqual(sorted(listed.map(says)))
      })
    })
  }
})

/** What uncompresses a whole file, and says so where it is damaged. */
const uncompressors = [
  { name: 'gzip -t and zcat', wanted: [], compression: 'gzip', test: ['gzip', '-t'], print: ['zcat'] },
  {
    name: 'Python’s gzip',
    wanted: ['python3-rpm'],
    compression: 'gzip',
    print: ['/usr/bin/python3', '-c', 'import gzip,sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())'],
  },
  { name: 'zstd', wanted: ['zstd'], compression: 'zstd', test: ['zstd', '--quiet', '-t'], print: ['zstd', '-dc'] },
] as const

for (const { name, wanted, compression, print, ...more } of uncompressors) {
  describeWithClients(wanted, name, () => {
    const titles = generations.filter((one) => one.compression === compression).map(({ title }) => title)
    it.each(titles)('uncompresses documents in blocks, %s, to what was written, and finds no fault', async (title) => {
      const { documents = undefined, listed = [] } = published.get(title) ?? {}
      for (const path of Object.values(documents ?? {})) {
        if ('test' in more) expect(await run(more.test[0], [...more.test.slice(1), path])).toMatchObject({ stderr: '' })
        const { stdout } = await run(print[0], [...print.slice(1), path], output)
        const ids = stdout.match(path.includes('-primary.') ? /(?<=pkgid="YES">)\w+/g : /(?<= pkgid=")\w+/g)
        expect(ids).toEqual(listed.map(({ pkgid }) => pkgid))
        expect(
          stdout.endsWith('</metadata>\n') || stdout.endsWith('</filelists>\n') || stdout.endsWith('</otherdata>\n'),
        ).toBe(true)
      }
    })
  })
}

describe('a document with a table of nearly 64 KiB before its blocks', () => {
  const packages = 15_000
  let paths: { readonly gzip: string; readonly zstd: string }
  beforeAll(async () => {
    const write = async (container: BlockContainer, suffix: string): Promise<string> => {
      const file = new MemoryFile()
      const writer = new DocumentWriter('primary', { container, openChecksum: 'never' }, new MemoryFile())
      for (let number = 0; number < packages; number += 1) {
        // The table holds the first location of each block.
        const digest = createHash('sha512').update(String(number)).digest('hex')
        const more = writer.isBetweenBlocks ? digest.repeat(11) : ''
        const href = `${String(number).padStart(5, '0')}${more}.rpm`
        await writer.add({ href }, Buffer.from(`<package><location href="${href}"/></package>`))
      }
      await writer.finish((bytes) => file.append(bytes))
      const opened = await BlockedDocument.open('primary', file)
      expect(opened?.packages).toBe(packages)
      expect(opened?.placed(0, 1)[0]?.start).toBeGreaterThan(50_000)
      const path = join(here().directory, `long-table.xml.${suffix}`)
      await writeFile(path, file.contents())
      return path
    }
    paths = { gzip: await write(gzipContainer, 'gz'), zstd: await write(zstdContainer, 'zst') }
  })

  for (const { name, wanted, compression, print, ...more } of uncompressors) {
    describeWithClients(wanted, name, () => {
      it('is uncompressed whole', async () => {
        const path = paths[compression]
        if ('test' in more) expect(await run(more.test[0], [...more.test.slice(1), path])).toMatchObject({ stderr: '' })
        const { stdout } = await run(print[0], [...print.slice(1), path], output)
        expect(stdout.split('<package>')).toHaveLength(packages + 1)
        expect(stdout.endsWith('</metadata>\n')).toBe(true)
      })
    })
  }

  describeWithClients(['xmllint'], 'xmllint, by a gzip reader of its own,', () => {
    it('reads it whole', async () => {
      const { stdout, stderr } = await run('xmllint', ['--xpath', 'count(/*/*)', paths.gzip])
      expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: String(packages), stderr: '' })
    })
  })
})

/** A line for each package of primary: its location, and of each document its pkgid, of the others how many files and changes it has. */
const listByPython = `
import sys, createrepo_c as cr
def warn(kind, message):
    print("warning:", message)
    return True
found = {}
def primary(pkg):
    found[pkg.pkgId] = [pkg.location_href, pkg.pkgId]
def filelists(pkg):
    found[pkg.pkgId] += [pkg.pkgId, str(len(pkg.files))]
def other(pkg):
    found[pkg.pkgId] += [pkg.pkgId, str(len(pkg.changelogs))]
cr.xml_parse_primary(sys.argv[1], pkgcb=primary, warningcb=warn, do_files=False)
cr.xml_parse_filelists(sys.argv[2], pkgcb=filelists, warningcb=warn)
cr.xml_parse_other(sys.argv[3], pkgcb=other, warningcb=warn)
for words in found.values():
    print(" ".join(words))
`

/** createrepo_c reads zstd from 1.0.0 on. */
async function createrepoReads(compression: 'gzip' | 'zstd'): Promise<boolean> {
  return compression === 'gzip' || !/^Version: 0\./.test((await run('createrepo_c', ['--version'])).stdout)
}

async function repokeeper(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await here().repokeeper(...args)
  expect(code, `${args.join(' ')}: ${stdout}${stderr}`).toBe(0)
  return stdout
}

/** The documents of `buoys` with the same entries, in another container. */
async function writeAnew(container: BlockContainer): Promise<void> {
  const path = join(here().directory, 'buoys', 'repodata', 'repomd.xml')
  const repomd = parseRepomd(await readFile(path))
  const documents = await Promise.all(documentKinds.map((kind) => writeDocumentAnew(kind, container)))
  const [primary, filelists, other] = documents
  if (primary === undefined || filelists === undefined || other === undefined) throw new Error('three documents')
  // The generation before has this very file, by a hard link.
  await rm(path)
  await writeFile(path, formatRepomd(repomd, nextRevision(repomd, 0), { primary, filelists, other }).bytes)
}

async function writeDocumentAnew(kind: DocumentKind, container: BlockContainer): Promise<NamedDocument> {
  const directory = join(here().directory, 'buoys')
  const old = await BlockedDocument.open(kind, await inMemory((await documentsIn(directory))[kind]))
  if (old === undefined) throw new Error(`${kind} has no blocks`)
  const locations = published.get('freshly written')?.listed.map(({ location }) => location) ?? []
  const file = new MemoryFile()
  const writer = new DocumentWriter(kind, { container, openChecksum: 'always' }, new MemoryFile())
  let number = 0
  for await (const { bytes } of old.entries(0, old.table.blocks.length)) {
    await writer.add({ href: locations[number] ?? '' }, bytes)
    number += 1
  }
  const written = await writer.finish((bytes) => file.append(bytes))
  const href = `repodata/${written.sha256}-00000000-${kind}.xml.gz`
  await writeFile(join(directory, href), file.contents())
  return { ...written, href, timestamp: 1_700_000_000 }
}

/** Adds packages of these names, of another summary than those that lie there. */
async function add(names: readonly string[], ...options: readonly string[]): Promise<void> {
  const from = await makeDirectory()
  const files = names.map((name) => join(from, `${name}-1.0-1.noarch.rpm`))
  for (const [at, name] of names.entries()) await writeFile(files[at] ?? '', build(name, `added from ${from}`))
  await repokeeper('add', 'buoys', ...files, '--to', 'Packages', '--replace', ...options)
}

function build(name: string, summary: string): Uint8Array {
  const changelogs = [
    { time: 1_700_000_000, author: 'Ada Harbour <ada@tidewater.example> - 1.0-1', text: '- Laid out' },
  ]
  return buildPackage({ name, summary, files: [{ path: `/usr/share/${name}`, content: name }], changelogs })
}

function makeDirectory(): Promise<string> {
  return mkdtemp(join(here().directory, 'made-'))
}

async function documentsIn(directory: string): Promise<Generation['documents']> {
  const repomd = await readFile(join(directory, 'repodata', 'repomd.xml'), 'utf8')
  const pathOf = (kind: DocumentKind): string => join(directory, hrefOf(repomd.slice(repomd.indexOf(`"${kind}"`))))
  return { primary: pathOf('primary'), filelists: pathOf('filelists'), other: pathOf('other') }
}

function hrefOf(text: string): string {
  return /<location [^>]*href="([^"]+)"/.exec(text)?.[1] ?? ''
}

async function inMemory(path: string): Promise<MemoryFile> {
  const file = new MemoryFile()
  await file.append(await readFile(path))
  return file
}

async function dnfLines(directory: string, ...query: readonly string[]): Promise<string[]> {
  const dnf = await openDnf(await makeDirectory(), `file://${directory}`)
  return (await dnf('repoquery', '--quiet', ...query)).stdout.split('\n').filter((line) => line !== '')
}

function sorted(lines: readonly string[]): string[] {
  return [...lines].sort()
}
