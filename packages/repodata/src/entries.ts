/**
 * Record → entries: the three `<package>` elements that stand for one package, pretty-printed as createrepo_c does
 * (xml_dump_primary.c, xml_dump_filelists.c, xml_dump_other.c). No line end behind `</package>`: that is the document's.
 */
import type { DependencyKind } from './dependencies.ts'
import type { Dependency, PackageFile, PackageRecord } from './package-record.ts'
import { checkEntryBytes } from './package-size.ts'
import { escapeAttribute, escapeText } from './text.ts'

/** UTF-8 bytes of one package's entries, by document. */
export interface PackageEntries {
  readonly primary: Buffer
  readonly filelists: Buffer
  readonly other: Buffer
}

/** @throws PackageTooLargeError for an entry that readers would refuse */
export function formatEntries(record: PackageRecord): PackageEntries {
  const bytes = (entry: string): Buffer => {
    checkEntryBytes(Buffer.byteLength(entry))
    return Buffer.from(entry)
  }
  return {
    primary: bytes(primaryEntry(record)),
    filelists: bytes(filelistsEntry(record)),
    other: bytes(otherEntry(record)),
  }
}

function primaryEntry(record: PackageRecord): string {
  const { time, size, headerRange } = record
  return [
    '<package type="rpm">',
    `  ${element('name', record.name)}`,
    `  ${element('arch', record.arch)}`,
    `  ${version(record)}`,
    // <checksum type="sha256" pkgid="YES">b361886f…</checksum>
    `  <checksum type="sha256" pkgid="YES">${record.pkgid}</checksum>`,
    `  ${element('summary', record.summary)}`,
    `  ${element('description', record.description)}`,
    `  ${element('packager', record.packager)}`,
    `  ${element('url', record.url)}`,
    // <time file="1446645600" build="1331831374"/>
    `  <time file="${time.file}" build="${time.build}"/>`,
    // <size package="1846" installed="42" archive="296"/>
    `  <size package="${size.package}" installed="${size.installed}" archive="${size.archive}"/>`,
    // <location href="Packages/b/bear-4.1-1.noarch.rpm"/>
    `  <location href="${escapeAttribute(record.location)}"/>`,
    '  <format>',
    `    ${element('rpm:license', record.license)}`,
    `    ${element('rpm:vendor', record.vendor)}`,
    `    ${element('rpm:group', record.group)}`,
    `    ${element('rpm:buildhost', record.buildhost)}`,
    `    ${element('rpm:sourcerpm', record.sourcerpm)}`,
    // <rpm:header-range start="280" end="1697"/>
    `    <rpm:header-range start="${headerRange.start}" end="${headerRange.end}"/>`,
    ...dependencyOrder.flatMap((kind) => dependencyList(kind, record.dependencies[kind])),
    ...record.files.filter(({ primary }) => primary).map((file) => `    ${fileElement(file)}`),
    '  </format>',
    '</package>',
  ].join('\n')
}

function filelistsEntry(record: PackageRecord): string {
  return [
    packageElement(record),
    `  ${version(record)}`,
    ...record.files.map((file) => `  ${fileElement(file)}`),
    '</package>',
  ].join('\n')
}

function otherEntry(record: PackageRecord): string {
  return [
    packageElement(record),
    `  ${version(record)}`,
    ...record.changelogs.map(
      // <changelog author="Lucas &lt;l@example.com> - 1.0-1" date="1331831374">- First</changelog>
      ({ author, date, text }) =>
        text === ''
          ? `  <changelog author="${escapeAttribute(author)}" date="${date}"/>`
          : `  <changelog author="${escapeAttribute(author)}" date="${date}">${escapeText(text)}</changelog>`,
    ),
    '</package>',
  ].join('\n')
}

/** xml_dump_primary.c `cr_xml_dump_primary_base_items`: requires before conflicts, weak dependencies last. */
const dependencyOrder: readonly DependencyKind[] = [
  'provides',
  'requires',
  'conflicts',
  'obsoletes',
  'suggests',
  'enhances',
  'recommends',
  'supplements',
]

/** The list stands where there is anything in it; an entry without a name does not (`cr_xml_dump_primary_dump_pco`). */
function dependencyList(kind: DependencyKind, dependencies: readonly Dependency[]): string[] {
  if (dependencies.length === 0) return []
  const entries = dependencies.filter(({ name }) => name !== '').map((dependency) => `      ${rpmEntry(dependency)}`)
  return entries.length === 0 ? [`    <rpm:${kind}/>`] : [`    <rpm:${kind}>`, ...entries, `    </rpm:${kind}>`]
}

/** `<rpm:entry name="glibc" flags="GE" epoch="0" ver="2.17" rel="1" pre="1"/>` */
function rpmEntry({ name, flags, epoch, version, release, pre }: Dependency): string {
  const attributes = [
    attribute('name', name),
    flags === undefined ? '' : attribute('flags', flags),
    epoch === undefined || flags === undefined ? '' : attribute('epoch', epoch),
    version === undefined || flags === undefined ? '' : attribute('ver', version),
    release === undefined || flags === undefined ? '' : attribute('rel', release),
    pre === true ? ' pre="1"' : '',
  ]
  return `<rpm:entry${attributes.join('')}/>`
}

/** `<package pkgid="b361886f…" name="bear" arch="noarch">` */
function packageElement({ pkgid, name, arch }: PackageRecord): string {
  return `<package pkgid="${pkgid}"${attribute('name', name)}${attribute('arch', arch)}>`
}

/** `<version epoch="0" ver="4.1" rel="1"/>` */
function version(record: PackageRecord): string {
  return `<version${attribute('epoch', record.epoch)}${attribute('ver', record.version)}${attribute('rel', record.release)}/>`
}

/** `<file type="dir">/etc/bear</file>` */
function fileElement({ path, type }: PackageFile): string {
  const start = type === 'file' ? '<file' : `<file type="${type}"`
  return path === '' ? `${start}/>` : `${start}>${escapeText(path)}</file>`
}

function element(name: string, text: string): string {
  return text === '' ? `<${name}/>` : `<${name}>${escapeText(text)}</${name}>`
}

function attribute(name: string, value: string): string {
  return ` ${name}="${escapeAttribute(value)}"`
}
