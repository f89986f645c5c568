/**
 * Repositories as other tools write them, by hand: what each leaves out, quotes, indents, escapes and names in its own way.
 */
import { gzipSync } from 'node:zlib'
import { type DocumentKind, documentKinds } from '@repokeeper/repodata'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { digest } from './take-over-workbench.ts'

export interface ForeignPackage {
  readonly name: string
  readonly version: string
  readonly href: string
  /** Of the file, by the checksum that the tool uses. */
  readonly pkgid: string
  readonly size: number
  readonly summary: string
  readonly files: readonly string[]
}

export interface ForeignTool {
  readonly checksum: 'sha256' | 'sha' | 'sha1' | 'md5' | 'sha512'
  /** Where it lays a package. */
  href(name: string, version: string): string
  document(kind: DocumentKind, packages: readonly ForeignPackage[]): string
  repomd(records: readonly ForeignRecord[]): string
  /** Records of its own beside the three: type → file name and content. */
  readonly extras?: Readonly<Record<string, { readonly file: string; readonly content: string }>>
}

export interface ForeignRecord {
  readonly type: string
  readonly href: string
  readonly checksum: string
  readonly openChecksum: string
  readonly size: number
  readonly openSize: number
}

/** Names that need care in XML, in URLs and in an order. */
export const names = ['zebra', 'libx++', 'bear', 'Abc'] as const

/** What the tool lists, and the files themselves. */
export function packagesOf(tool: ForeignTool): { listed: ForeignPackage[]; files: Record<string, Uint8Array> } {
  const files: Record<string, Uint8Array> = {}
  const listed = names.map((name, at) => {
    const version = `1.${at}`
    const summary = `It's "${name}" & <more> — é`
    const paths = ['/usr/bin/x', `/usr/share/doc/it's & é/${name}`]
    const bytes = buildPackage({ name, version, summary, files: paths.map((path) => ({ path })) })
    const href = tool.href(name, version)
    files[decodeURIComponent(href)] = bytes
    return { name, version, href, pkgid: digest(bytes, tool.checksum), size: bytes.length, summary, files: paths }
  })
  return { listed, files }
}

/** Its documents and repomd.xml, compressed as they usually are. */
export function formatRepository(
  tool: ForeignTool,
  packages: readonly ForeignPackage[],
  change: (kind: DocumentKind, text: string) => Uint8Array | string | undefined = (_, text) => text,
  compress: (bytes: Uint8Array) => Uint8Array = gzipSync,
): Record<string, Uint8Array | string> {
  const files: Record<string, Uint8Array | string> = {}
  const records: ForeignRecord[] = []
  const type = tool.checksum === 'sha' ? 'sha' : tool.checksum
  const add = (record: string, name: string, open: Uint8Array | string): void => {
    const bytes = compress(Buffer.from(open))
    files[`repodata/${name}`] = bytes
    records.push({
      type: record,
      href: `repodata/${name}`,
      checksum: digest(bytes, type),
      openChecksum: digest(open, type),
      size: bytes.length,
      openSize: Buffer.from(open).length,
    })
  }
  for (const kind of documentKinds) {
    const open = change(kind, tool.document(kind, packages))
    if (open !== undefined) add(kind, `${kind}.xml.gz`, open)
  }
  for (const [record, { file, content }] of Object.entries(tool.extras ?? {})) add(record, file, content)
  files['repodata/repomd.xml'] = tool.repomd(records)
  return files
}

const common = 'http://linux.duke.edu/metadata/common'
const rpm = 'http://linux.duke.edu/metadata/rpm'
const namespace = (kind: DocumentKind): string =>
  `http://linux.duke.edu/metadata/${kind === 'primary' ? 'common' : kind}`
const rootOf = (kind: DocumentKind): string =>
  ({ primary: 'metadata', filelists: 'filelists', other: 'otherdata' })[kind]
const text = (value: string): string => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** createrepo 0.9 and yum 3 (yum/packages.py `xml_dump_primary_metadata`): SHA-1 called "sha", location not indented. */
export const yum: ForeignTool = {
  checksum: 'sha',
  href: (name, version) => `${name}-${version}-1.noarch.rpm`,
  document(kind, packages) {
    const rpmNamespace = kind === 'primary' ? ` xmlns:rpm="${rpm}"` : ''
    const head = `<?xml version="1.0" encoding="UTF-8"?>\n<${rootOf(kind)} xmlns="${namespace(kind)}"${rpmNamespace} packages="${packages.length}">`
    const entries = packages.map((one) => {
      const { name, version, href, pkgid, size, summary, files } = one
      if (kind === 'primary') {
        return `
<package type="rpm">
  <name>${name}</name>
  <arch>noarch</arch>
  <version epoch="0" ver="${version}" rel="1"/>
  <checksum type="sha" pkgid="YES">${pkgid}</checksum>
  <summary>${text(summary)}</summary>
  <description>Of ${name}.</description>
  <packager></packager>
  <url></url>
  <time file="1300000000" build="1299999999"/>
  <size package="${size}" installed="0" archive="124"/>
<location href="${href}"/>
  <format>
    <rpm:license>MIT</rpm:license>
    <rpm:vendor/>
    <rpm:group>Unspecified</rpm:group>
    <rpm:buildhost>localhost</rpm:buildhost>
    <rpm:sourcerpm>${name}-${version}-1.src.rpm</rpm:sourcerpm>
    <rpm:header-range start="280" end="2000"/>
    <rpm:provides>
      <rpm:entry name="${name}" flags="EQ" epoch="0" ver="${version}" rel="1"/>
    </rpm:provides>
    <file>/usr/bin/x</file>

  </format>
</package>`
      }
      const start = `\n<package pkgid="${pkgid}" name="${name}" arch="noarch">\n    <version epoch="0" ver="${version}" rel="1"/>\n`
      if (kind === 'filelists')
        return `${start}${files.map((file) => `    <file>${text(file)}</file>\n`).join('')}</package>\n`
      return `${start}\n<changelog author="A &lt;a@b.c&gt; - 1" date="1299999999">- ${text(summary)}</changelog>\n\n</package>\n`
    })
    return `${head}${entries.join('')}\n</${rootOf(kind)}>`
  },
  repomd: (records) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="${rpm}">\n <revision>1300000000</revision>\n${records
      .map(
        ({ type, href, checksum, openChecksum }) =>
          `<data type="${type}">\n    <location href="${href}"/>\n    <checksum type="sha">${checksum}</checksum>\n    <timestamp>1300000000</timestamp>\n    <open-checksum type="sha">${openChecksum}</open-checksum>\n</data>\n`,
      )
      .join('')}</repomd>\n`,
}

/**
 * Gitea (services/packages/rpm/repository.go), through Go's encoding/xml: nothing indented, no tag that closes itself, quotes
 * as numbers, no header range, locations percent-encoded, and filelists in the namespace of other.
 */
export const gitea: ForeignTool = {
  checksum: 'sha256',
  href: (name, version) => {
    const file = encodeURIComponent(`${name}-${version}-1.noarch.rpm`)
    return `package/${encodeURIComponent(name)}/${version}-1/noarch/${file}`
  },
  document(kind, packages) {
    const rpmNamespace = kind === 'primary' ? ` xmlns:rpm="${rpm}"` : ''
    const uri = kind === 'primary' ? common : 'http://linux.duke.edu/metadata/other'
    const entries = packages.map(({ name, version, href, pkgid, size, summary, files }) => {
      const versionTag = `<version epoch="0" ver="${version}" rel="1"></version>`
      if (kind === 'primary') {
        return `<package type="rpm"><name>${name}</name><arch>noarch</arch>${versionTag}<checksum type="sha256" pkgid="YES">${pkgid}</checksum><summary>${goText(summary)}</summary><description>Of ${name}.&#xA;Two lines.</description><packager></packager><url></url><time file="1700000000" build="1699999999"></time><size package="${size}" installed="0" archive="124"></size><location href="${href}"></location><format><rpm:license>MIT</rpm:license><rpm:vendor></rpm:vendor><rpm:group>Unspecified</rpm:group><rpm:buildhost>localhost</rpm:buildhost><rpm:sourcerpm></rpm:sourcerpm><rpm:provides><rpm:entry name="${name}" flags="EQ" ver="${version}" epoch="0" rel="1"></rpm:entry></rpm:provides><rpm:requires></rpm:requires><rpm:conflicts></rpm:conflicts><rpm:obsoletes></rpm:obsoletes><file>/usr/bin/x</file></format></package>`
      }
      const inside =
        kind === 'filelists'
          ? files.map((file) => `<file>${goText(file)}</file>`).join('')
          : `<changelog author="A &lt;a@b.c&gt;" date="1699999999">- ${goText(summary)}</changelog>`
      return `<package pkgid="${pkgid}" name="${name}" arch="noarch">${versionTag}${inside}</package>`
    })
    return `<?xml version="1.0" encoding="UTF-8"?>\n<${rootOf(kind)} xmlns="${uri}"${rpmNamespace} packages="${packages.length}">${entries.join('')}</${rootOf(kind)}>`
  },
  repomd: (records) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="${rpm}">${records
      .map(
        ({ type, href, checksum, openChecksum, size, openSize }) =>
          `<data type="${type}"><checksum type="sha256">${checksum}</checksum><open-checksum type="sha256">${openChecksum}</open-checksum><location href="${href}"></location><timestamp>1700000000</timestamp><size>${size}</size><open-size>${openSize}</open-size></data>`,
      )
      .join('')}</repomd>`,
}

/** encoding/xml `EscapeText`. */
function goText(value: string): string {
  return text(value).replaceAll('"', '&#34;').replaceAll("'", '&#39;').replaceAll('\n', '&#xA;')
}

/** Pulp 2: one line before each entry, root attributes in an order of its own, Packages/b/, comps, updateinfo and productid. */
export const pulp: ForeignTool = {
  checksum: 'sha256',
  href: (name, version) => `Packages/${name.slice(0, 1).toLowerCase()}/${name}-${version}-1.noarch.rpm`,
  document(kind, packages) {
    const rpmNamespace = kind === 'primary' ? ` xmlns:rpm="${rpm}"` : ''
    const entries = entriesOf(yum.document(kind, packages)).map(
      (entry) => `${entry.replace('type="sha"', 'type="sha256"')}\n`,
    )
    return `<?xml version="1.0" encoding="utf-8"?>\n<${rootOf(kind)} packages="${packages.length}"${rpmNamespace} xmlns="${namespace(kind)}">\n${entries.join('')}</${rootOf(kind)}>`
  },
  repomd: (records) => gitea.repomd(records).replaceAll('><', '>\n<').replace('<data', '<revision>7</revision><data'),
  extras: {
    group: { file: 'comps.xml', content: '<?xml version="1.0"?><comps><group><id>core</id></group></comps>' },
    updateinfo: { file: 'updateinfo.xml.gz', content: '<updates><update><id>X-1</id></update></updates>' },
    productid: { file: 'productid.gz', content: '-----BEGIN CERTIFICATE-----\n' },
    primary_db: { file: 'primary.sqlite.bz2', content: 'of yesterday' },
  },
}

/** As JAXB writes fragments, in Artifactory and others in Java: namespaces on each package, which is indented, and sha1. */
export const artifactory: ForeignTool = {
  checksum: 'sha1',
  href: (name, version) => `noarch/${name}-${version}-1.noarch.rpm`,
  document(kind, packages) {
    const rpmNamespace = kind === 'primary' ? ` xmlns:rpm="${rpm}"` : ''
    const namespaces = `xmlns="${namespace(kind)}"${rpmNamespace}`
    const entries = entriesOf(yum.document(kind, packages)).map(
      (entry) =>
        `    ${entry
          .replace('<package ', `<package ${namespaces} `)
          .replace('type="sha" pkgid="YES"', 'pkgid="YES" type="sha1"')
          .replaceAll('\n', '\n    ')}\n`,
    )
    return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<${rootOf(kind)} packages="${packages.length}" ${namespaces}>\n${entries.join('')}</${rootOf(kind)}>\n`
  },
  repomd: (records) => yum.repomd(records).replaceAll('type="sha"', 'type="sha1"'),
}

/** openSUSE: summaries in several languages, a vendor namespace on the root, susedata beside the three. */
export const suse: ForeignTool = {
  checksum: 'sha512',
  href: (name, version) => `noarch/${name}-${version}-1.noarch.rpm`,
  document(kind, packages) {
    const plain = yum.document(kind, packages).replaceAll('type="sha" pkgid', 'type="sha512" pkgid')
    if (kind !== 'primary') return plain
    return plain
      .replace(`xmlns:rpm="${rpm}"`, `xmlns:rpm="${rpm}" xmlns:suse="http://novell.com/package/metadata/suse/common"`)
      .replaceAll(
        /<summary>([^<]*)<\/summary>/g,
        '<summary lang="en">$1</summary>\n  <summary lang="de">Ein B\u00e4r</summary>',
      )
  },
  repomd: (records) =>
    gitea
      .repomd(records)
      .replaceAll('"sha256"', '"sha512"')
      .replace('<data', '<tags><repo>obsrepository://x</repo></tags><data'),
  extras: {
    susedata: {
      file: 'susedata.xml.gz',
      content: '<susedata xmlns="http://linux.duke.edu/metadata/susedata" packages="0"></susedata>',
    },
    'susedata.cs': {
      file: 'susedata.cs.xml.gz',
      content: '<susedata xmlns="http://linux.duke.edu/metadata/susedata" packages="0"></susedata>',
    },
  },
}

export const tools = { yum, gitea, pulp, artifactory, suse } as const

function entriesOf(document: string): string[] {
  return document.match(/<package\s[\s\S]*?<\/package>/g) ?? []
}
