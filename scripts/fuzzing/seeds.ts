/**
 * The real inputs that every case begins with: packages of this project, of the world where they are at hand, and what is made
 * of them by the ways in which others write.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import {
  type BlockContainer,
  BlockedDocument,
  type DocumentKind,
  DocumentWriter,
  describePackage,
  documentKinds,
  emptyRepomd,
  formatEntries,
  formatRepomd,
  gzipContainer,
  MemoryFile,
  parseLocation,
  sha256PkgId,
  zstdContainer,
} from '@repokeeper/repodata'
import { formatBlockTable, formatFoot, formatHead, sealBlockTable } from '@repokeeper/repodata/testing'
import { locateHeaders, parsePackage, RpmError, SignatureTag } from '@repokeeper/rpm-parser'
import { buildPackage } from '@repokeeper/rpm-parser/testing'

const ownPackages = join(import.meta.dirname, '..', '..', 'fixtures', 'rpms')
/** Packages of many distributions and years, which are no part of this project; where they are absent, its own have to do. */
const worldPackages = join(import.meta.dirname, '..', '..', '..', 'shared', 'corpus')
const smallHeaderBytes = 8192

/** From the lead to the end of the header; the payload is nothing to a decoder. */
export function rpmSeeds(): Uint8Array[] {
  const built = ([3, 4, 6] as const).map((format) =>
    buildPackage({ name: 'x', format, epoch: 1, files: [{ path: '/usr/bin/x' }], requires: ['a >= 1', 'b'] }),
  )
  const real = existsSync(worldPackages) ? packagesIn(worldPackages) : []
  return [...own(), ...built.map(firstBytes), ...real.filter(({ length }) => length < smallHeaderBytes)]
}

/**
 * Small packages signed by the keys of seeds/signed.asc: over the header by each, over header and payload, and as rpm 6 does it. Made by gpg
 * and rpmsign; the private keys are gone.
 */
export function signedSeeds(): Uint8Array[] {
  const folder = join(import.meta.dirname, 'seeds')
  const names = readdirSync(folder).filter((name) => name.endsWith('.rpm'))
  return names.toSorted().map((name) => Uint8Array.from(readFileSync(join(folder, name))))
}

/** The signature packets of these packages. */
export function signaturePacketSeeds(): Uint8Array[] {
  const { DSA, RSA, PGP, OPENPGP } = SignatureTag
  return signedSeeds().flatMap((seed) => {
    const { signature } = parsePackage(seed)
    const packets = [DSA, RSA, PGP].map((tag) => signature.bytes(tag))
    const base64 = signature.strings(OPENPGP).map((text) => Buffer.from(text, 'base64'))
    return [...packets, ...base64].filter((one) => one !== undefined).map((one) => Uint8Array.from(one))
  })
}

/** Their keys, as a file has them and as packets alone. */
export function keySeeds(): Uint8Array[] {
  const text = readFileSync(join(import.meta.dirname, 'seeds', 'signed.asc'), 'latin1')
  const blocks = text.split(/^(?=-----BEGIN)/m)
  const packets = blocks.map((block) => Buffer.from(block.replaceAll(/^(?:-.*|=.{4}|)$/gm, ''), 'base64'))
  return [bytesOf(text), ...blocks.map((block) => bytesOf(block)), ...packets.map((one) => Uint8Array.from(one))]
}

/** The documents of this project's packages. */
export function documentSeed(kind: DocumentKind): string {
  const packages = own().slice(0, 4)
  const entries = packages.map((bytes, index) => {
    const pkgid = sha256PkgId(createHash('sha256').update(bytes).digest('hex'))
    const location = parseLocation(`Packages/${index}.rpm`)
    if (location === undefined) throw new Error('a location of this project is none')
    const { record } = describePackage(parsePackage(bytes), { pkgid, location, size: 9000, modified: 1_700_000_000 })
    return formatEntries(record)[kind]
  })
  const lines = entries.flatMap((entry) => [entry, Buffer.from('\n')])
  return Buffer.concat([formatHead(kind, packages.length), ...lines, formatFoot(kind)]).toString()
}

export interface DocumentSeed {
  readonly kind: DocumentKind
  readonly bytes: Uint8Array
}

/** As tools write them: found as bytes. */
export function plainDocumentSeeds(): DocumentSeed[] {
  return documentKinds.flatMap((kind) => {
    const text = documentSeed(kind)
    const commented = text
      .replace('<package', '<!-- <package> --><package')
      .replace('</name>', '<!-- </package> --></name>')
    const texts = [
      text,
      text.replaceAll(/\n\s*/g, ''),
      commented,
      text.replace(/<summary>(.*?)</, '<summary><![CDATA[$1]]><'),
    ]
    return texts.map((one) => ({ kind, bytes: bytesOf(one) }))
  })
}

/** As some write them: read by a parser, written anew. */
export function foreignDocumentSeeds(): DocumentSeed[] {
  return documentKinds.flatMap((kind) => {
    const text = documentSeed(kind)
    const doctype =
      '?>\n<!DOCTYPE x [<!ENTITY a "1&b;"><!ENTITY b "&#233;&#38;lt;"> <!-- ]> --> <!ELEMENT x (#PCDATA)>]>'
    const withEntities = text.replace('?>', doctype).replaceAll('1.0', '&a;')
    const prefixed = text.replaceAll(/(<\/?)(?=[a-z]+[\s/>])/g, '$1m:').replace('xmlns=', 'xmlns:m=')
    return [
      { kind, bytes: bytesOf(withEntities) },
      { kind, bytes: bytesOf(prefixed) },
      { kind, bytes: bytesOf(`\ufeff${text.replace('UTF-8', 'UTF-16')}`, 'utf16le') },
      { kind, bytes: bytesOf(text.replace('UTF-8', 'ISO-8859-1').replaceAll('1.0-1', 'é'), 'latin1') },
    ]
  })
}

export function repomdSeeds(): Uint8Array[] {
  const written = (kind: DocumentKind) => ({
    ...{ kind, packages: 1, sha256: 'a'.repeat(64), size: 10, openSha256: 'b'.repeat(64), openSize: 20 },
    ...{ href: `repodata/${kind}.xml.gz`, timestamp: 1_700_000_000 },
  })
  const documents = { primary: written('primary'), filelists: written('filelists'), other: written('other') }
  const text = formatRepomd(emptyRepomd, '1700000000', documents).bytes.toString()
  const own = '<repoid type="sha256">id</repoid><tags><distro cpeid="cpe:/o">F&amp;38</distro></tags>'
  const group =
    '<data type="group"><checksum type="sha">00</checksum><location href="repodata/comps.xml"/><own a="&lt;1">t <b>c</b></own></data>'
  const extended = text.replace('</revision>', `</revision>${own}`).replace('</repomd>', `${group}</repomd>`)
  const prefixed = extended.replaceAll(/(<\/?)(?=[a-z-]+[\s/>])/g, '$1r:').replace('xmlns=', 'xmlns:r=')
  const withEntities = extended.replace('?>', '?><!DOCTYPE repomd [<!ENTITY n "repo">]>').replace('id<', '&n;<')
  const utf16 = bytesOf(`\ufeff${extended.replace('UTF-8', 'UTF-16')}`, 'utf16le')
  return [...[text, extended, prefixed, withEntities].map((one) => bytesOf(one)), utf16]
}

export interface BlockSeed {
  readonly container: BlockContainer
  readonly table: Buffer
  /** From the first byte of the head to the last of the foot. */
  readonly pieces: Buffer
}

/** Some hundred packages of a name, in two blocks and more, in both compressions. */
export function blockSeeds(): Promise<BlockSeed[]> {
  return Promise.all([gzipContainer, zstdContainer].map(blockSeed))
}

const smallEntry =
  '<package type="rpm"><name>x</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/>' +
  `<checksum type="sha256" pkgid="YES">${'a'.repeat(64)}</checksum><location href="HREF"/></package>`

async function blockSeed(container: BlockContainer): Promise<BlockSeed> {
  // Names of which few make three blocks.
  const locations = Array.from({ length: 420 }, (_, number) => `Packages/4-${number}.rpm`).toSorted()
  const file = new MemoryFile()
  const writer = new DocumentWriter('primary', { container, openChecksum: 'never' }, new MemoryFile())
  for (const href of locations) await writer.add({ href }, Buffer.from(smallEntry.replace('HREF', href)))
  await writer.finish((bytes) => file.append(bytes))
  const document = await BlockedDocument.open('primary', file)
  if (document === undefined || document.table.blocks.length < 3)
    throw new Error('these packages were to make three blocks')
  const { table } = document
  const start = container.formatHeader(sealBlockTable(table)).length
  const end = file.size - container.formatTrailer(table).length
  return { container, table: formatBlockTable(table), pieces: await file.read(start, end - start) }
}

/** What the compressed seeds hold. */
export function compressedText(): Uint8Array {
  return bytesOf(documentSeed('primary').slice(0, 6000))
}

export function gzipSeeds(): Uint8Array[] {
  const text = compressedText()
  const members = Buffer.concat([gzipSync(text.subarray(0, 3000)), gzipSync(text.subarray(3000), { level: 0 })])
  return [gzipSync(text), members, gzipSync(new Uint8Array(100_000))].map((bytes) => Uint8Array.from(bytes))
}

export function zstdSeeds(): Uint8Array[] {
  const text = compressedText()
  const skippable = Buffer.from('502a4d180400000001020304', 'hex')
  const frames = [text.subarray(0, 3000), text.subarray(3000)].map((part) => zstdCompressSync(part))
  const several = Buffer.concat([skippable, ...frames, skippable])
  return [zstdCompressSync(text), several, zstdCompressSync(new Uint8Array(100_000))].map((bytes) =>
    Uint8Array.from(bytes),
  )
}

/** Small files by the programs themselves, since Node writes neither: `xz`, `xz -T2 --block-size=2000 -C crc32`, … */
export function storedSeeds(suffix: '.xz' | '.bz2'): Uint8Array[] {
  const folder = join(import.meta.dirname, 'seeds')
  const names = readdirSync(folder).filter((name) => name.endsWith(suffix))
  return names.toSorted().map((name) => Uint8Array.from(readFileSync(join(folder, name))))
}

/** Notifications in every form and envelope that is read. */
export function eventSeeds(): Uint8Array[] {
  const record = (key: string, eventName: string) => ({
    ...{ eventVersion: '2.1', eventSource: 'aws:s3', eventTime: '2026-02-03T04:05:06.789Z', eventName },
    s3: { bucket: { name: 'packages' }, object: { key, size: 1024, sequencer: '0055AED6DCD90281E5', versionId: 'v1' } },
  })
  const notification = JSON.stringify({
    Records: [record('el9%2Fa.rpm', 'ObjectCreated:Put'), record('libstdc%2B%2B-1.rpm', 's3:ObjectRemoved:Delete')],
  })
  const eventBridge = JSON.stringify({
    ...{ version: '0', 'detail-type': 'Object Created', source: 'aws.s3', time: '2026-02-03T04:05:06Z' },
    detail: { bucket: { name: 'packages' }, object: { key: 'el9/a b.rpm', sequencer: '61', 'version-id': 'v' } },
  })
  const envelope = (message: string): string =>
    JSON.stringify({ Type: 'Notification', TopicArn: 'arn', Message: message })
  const test = JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'packages' })
  return [notification, eventBridge, test, envelope(notification), envelope(envelope(eventBridge))].map((one) =>
    bytesOf(one),
  )
}

function own(): Uint8Array[] {
  return packagesIn(ownPackages)
}

function packagesIn(folder: string): Uint8Array[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.rpm'))
  return names.toSorted().map((name) => firstBytes(readFileSync(join(folder, name))))
}

/** Up to the end of the header; all there is of what is no package. */
function firstBytes(bytes: Uint8Array): Uint8Array {
  try {
    const located = locateHeaders(bytes)
    return Uint8Array.from(located.kind === 'complete' ? bytes.subarray(0, located.headerEnd) : bytes)
  } catch (error) {
    if (!(error instanceof RpmError)) throw error
    return Uint8Array.from(bytes)
  }
}

function bytesOf(text: string, encoding: BufferEncoding = 'utf8'): Uint8Array {
  return Uint8Array.from(Buffer.from(text, encoding))
}
