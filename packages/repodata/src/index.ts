/**
 * The documents of an RPM repository: package record → entries; scanning and patching documents; repomd.xml.
 * It reads and writes streams and temporary files, and knows no network.
 */

export type { BlockContainer } from './block-container.ts'
export { BlockLookup } from './block-lookup.ts'
export { type BlockStep, planBlocks } from './block-plan.ts'
export { BlockedDocument } from './blocked-document.ts'
export { count } from './count.ts'
export { cutText } from './cut-text.ts'
export { type Compression, decompress, detectCompression } from './decompress.ts'
export { type DependencyDetail, formatDependency } from './dependency-detail.ts'
export { DocumentError, type DocumentErrorCode } from './document-error.ts'
export type { ScannedHead } from './document-head.ts'
export { type DocumentKind, documentKinds } from './document-kind.ts'
export {
  type DocumentForm,
  type DocumentSink,
  DocumentWriter,
  type OpenChecksum,
  type WrittenDocument,
} from './document-writer.ts'
export { formatEntries, type PackageEntries } from './entries.ts'
export {
  type Bounded,
  type ChangelogDetail,
  detailLimits,
  type FileDetail,
  type PrimaryDetails,
  readChangelogDetails,
  readFileDetails,
  readPrimaryDetails,
} from './entry-details.ts'
export { type PrimaryFacts, readPkgId, readPrimaryFacts } from './entry-facts.ts'
export { type EntryMatch, matchEntry } from './entry-match.ts'
export { EntrySpool, type SpoolSpan } from './entry-spool.ts'
export { gzipContainer } from './gzip-member.ts'
export {
  type ChecksumType,
  compareLocations,
  type Location,
  type PkgId,
  parseChecksumType,
  parseLocation,
  parsePkgId,
  sha256PkgId,
} from './identity.ts'
export { listedNevra, showNevra } from './listed-nevra.ts'
export { namingFile } from './naming-file.ts'
export {
  decodedPathOf,
  emptyIndex,
  type ListedPackage,
  PackageIndex,
  type PackageLookup,
  pathOf,
  readListedPackages,
  readPackageIndex,
} from './package-index.ts'
export { type PackageQuery, parsePackageQuery } from './package-query.ts'
export { type DescribedPackage, describePackage, type FileFacts, type PackageRecord } from './package-record.ts'
export { PackageTooLargeError, packageLimits, textBytesOf } from './package-size.ts'
export { PackedIndex } from './packed-index.ts'
export { areAligned, patchBlocks } from './patch-blocks.ts'
export {
  mergePackages,
  type NewPackage,
  type NextPackage,
  type PatchedDocument,
  patchDocument,
} from './patch-document.ts'
export {
  emptyRepomd,
  type ForeignDocument,
  type FormattedRepomd,
  foreignRecord,
  formatRepomd,
  type NamedDocument,
  nextRevision,
  parseRepomd,
  type Repomd,
  type RepomdRecord,
  recordGoesStale,
  recordOf,
  renewRepomd,
} from './repomd.ts'
export { readRootElements, rootElementCharactersMax } from './root-elements.ts'
export {
  type ScanLimits,
  type ScannedEntry,
  type ScannedPart,
  scanDocument,
  scanLimits,
} from './scan.ts'
export { DiskFile, MemoryFile, type RandomAccess, readAt, type ScratchFile } from './scratch-file.ts'
export { openBlocks, readEntries, type StoredDocument } from './stored-document.ts'
export { childrenNamed, formatXmlTree, localName, parseXmlTree, textOfElement, type XmlElement } from './xml-tree.ts'
export { zstdContainer } from './zstd-member.ts'
