/**
 * Repositories of calibrated packages, metadata alone, made once and kept: one as this project writes it, one as createrepo_c does.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import {
  compareLocations,
  DiskFile,
  type DocumentForm,
  type DocumentKind,
  DocumentWriter,
  documentKinds,
  emptyRepomd,
  formatRepomd,
  gzipContainer,
  type NamedDocument,
} from '@repokeeper/repodata'
import { calibratedName, calibratedPackage } from './calibrated-packages.ts'
import { madeOnce } from './made-once.ts'

/** Whose tool wrote the metadata: ours in blocks, theirs as one stream. */
export type CalibratedStyle = 'ours' | 'theirs'

/** Of the packages of every calibrated repository. */
export const seed = 20_261_121
const form: DocumentForm = { container: gzipContainer, openChecksum: 'auto' }

/** @returns the directory of the repository, to be copied, not to be changed */
export function calibratedRepository(
  cacheDirectory: string,
  style: CalibratedStyle,
  packages: number,
): Promise<string> {
  return madeOnce(cacheDirectory, `${style}-${packages}`, (directory) => make(directory, style, packages))
}

async function make(directory: string, style: CalibratedStyle, packages: number): Promise<void> {
  await mkdir(join(directory, 'repodata'))
  const numbers = Array.from({ length: packages }, (_, number) => number)
  const order = numbers
    .map((number) => ({ number, location: calibratedName(seed, number).location }))
    .toSorted((a, b) => compareLocations(a.location, b.location))
  const writers = await Promise.all(
    documentKinds.map((kind) => (style === 'ours' ? openOurs(directory, kind) : openTheirs(directory, kind, packages))),
  )
  for (const { number } of order) {
    const { location, entries } = calibratedPackage(seed, number)
    for (const writer of writers) await writer.add(location, entries[writer.kind])
  }
  const [primary, filelists, other] = await Promise.all(writers.map((writer) => writer.finish()))
  if (primary === undefined || filelists === undefined || other === undefined) throw new Error('three documents')
  const { bytes } = formatRepomd(emptyRepomd, '1700000000', { primary, filelists, other })
  await writeFile(join(directory, 'repodata', 'repomd.xml'), bytes)
}

interface Writer {
  readonly kind: DocumentKind
  add(location: string, entry: Buffer): Promise<void>
  finish(): Promise<NamedDocument>
}

async function openOurs(directory: string, kind: DocumentKind): Promise<Writer> {
  const scratch = await DiskFile.createUnnamed(join(directory, `${kind}.blocks`))
  const file = await DiskFile.create(join(directory, kind))
  const writer = new DocumentWriter(kind, form, scratch)
  return {
    kind,
    add: (location, entry) => writer.add({ href: location }, entry),
    async finish() {
      const written = await writer.finish((bytes) => file.append(bytes))
      await scratch.discard()
      const href = `repodata/${written.sha256}-00000000-${kind}.xml.gz`
      await rename(await file.giveAway(), join(directory, href))
      return { ...written, href, timestamp: 1_700_000_000 }
    },
  }
}

async function openTheirs(directory: string, kind: DocumentKind, packages: number): Promise<Writer> {
  const path = join(directory, kind)
  const out = createWriteStream(path)
  const gzip = createGzip({ level: 6 })
  const digest = createHash('sha256')
  const openDigest = createHash('sha256')
  let size = 0
  let openSize = 0
  gzip.on('data', (bytes: Buffer) => {
    digest.update(bytes)
    size += bytes.length
    if (!out.write(bytes)) {
      gzip.pause()
      out.once('drain', () => gzip.resume())
    }
  })
  const write = async (bytes: Buffer): Promise<void> => {
    openDigest.update(bytes)
    openSize += bytes.length
    if (!gzip.write(bytes)) await new Promise((resolve) => gzip.once('drain', resolve))
  }
  const namespace = { primary: 'common', filelists: 'filelists', other: 'other' }[kind]
  const root = { primary: 'metadata', filelists: 'filelists', other: 'otherdata' }[kind]
  const rpm = kind === 'primary' ? ' xmlns:rpm="http://linux.duke.edu/metadata/rpm"' : ''
  const head = `<${root} xmlns="http://linux.duke.edu/metadata/${namespace}"${rpm} packages="${packages}">`
  await write(Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${head}\n`))
  return {
    kind,
    add: (_, entry) => write(Buffer.concat([entry, Buffer.from('\n')])),
    async finish() {
      await write(Buffer.from(`</${root}>`))
      gzip.end()
      await new Promise((resolve) => gzip.once('end', resolve))
      await new Promise((resolve) => out.end(resolve))
      const sha256 = digest.digest('hex')
      const href = `repodata/${sha256}-${kind}.xml.gz`
      await rename(path, join(directory, href))
      const openSha256 = openDigest.digest('hex')
      return { kind, packages, sha256, size, openSha256, openSize, href, timestamp: 1_700_000_000 }
    },
  }
}
