/**
 * The files of a package (parsehdr.c `cr_package_from_header`, the part "Fill files").
 */
import { FileFlag, type Header, Tag } from '@repokeeper/rpm-parser'
import { latin1 } from './text.ts'

/** One `<file>`; the path is the header's bytes, one character a byte (Latin-1). */
export interface RawFile {
  readonly path: string
  readonly type: FileType
}

/** What stands in `file@type`; nothing for `file`. */
export type FileType = 'file' | 'dir' | 'ghost'

/**
 * The files in the order of the header. createrepo_c needs all of these tags to see any file (it asks for digests too),
 * and its `rpmtdNext` side by side ends with the shortest array.
 */
export function readFiles(header: Header): RawFile[] {
  if (!filesTags.every((tag) => header.has(tag))) return []
  // librpm makes no FILENAMES of such a header, and createrepo_c asks for them.
  if (header.count(Tag.DIRINDEXES) !== header.count(Tag.BASENAMES)) return []
  const directories = header.stringArrayBytes(Tag.DIRNAMES).map(latin1)
  const directoryIndexes = header.numbers(Tag.DIRINDEXES)
  const flags = header.numbers(Tag.FILEFLAGS)
  const modes = header.numbers(Tag.FILEMODES)
  const digestCount = header.count(Tag.FILEDIGESTS)

  const files: RawFile[] = []
  for (const [index, basename] of header.stringArrayBytes(Tag.BASENAMES).entries()) {
    const directoryIndex = directoryIndexes[index]
    const flag = flags[index]
    const mode = modes[index]
    if (directoryIndex === undefined || flag === undefined || mode === undefined || index >= digestCount) break
    files.push({ path: `${directories[directoryIndex] ?? ''}${latin1(basename)}`, type: fileType(mode, flag) })
  }
  return files
}

/**
 * Whether a file stands in primary too (misc.h `cr_is_primary`): "contains bin/", not "lies below", because every yum
 * expects it so.
 */
export function isPrimaryFile(path: string): boolean {
  return path.startsWith('/etc/') || path === '/usr/lib/sendmail' || path.includes('bin/')
}

const filesTags = [Tag.DIRINDEXES, Tag.BASENAMES, Tag.FILEFLAGS, Tag.FILEMODES, Tag.FILEDIGESTS]

/** stat(2): S_IFMT and S_IFDIR. A directory that is a ghost is a directory. */
const fileTypeMask = 0o170000
const directoryType = 0o040000

function fileType(mode: number, flags: number): FileType {
  if ((mode & fileTypeMask) === directoryType) return 'dir'
  return (flags & FileFlag.GHOST) !== 0 ? 'ghost' : 'file'
}
