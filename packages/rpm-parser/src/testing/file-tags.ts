import { createHash } from 'node:crypto'
import { FileFlag } from '../flags.ts'
import { Tag } from '../tags.ts'
import type { FileSpec, PackageSpec } from './package-spec.ts'
import type { PayloadFile } from './payload.ts'
import { int16, int32, int64, string, strings, type TagValue } from './tag-value.ts'

export interface SettledFile extends PayloadFile {
  readonly linkTo: string
  readonly user: string
  readonly group: string
}

export function settleFile(spec: FileSpec, buildTime: number): SettledFile {
  return {
    path: spec.path,
    mode: spec.mode ?? (spec.linkTo === undefined ? 0o100644 : 0o120777),
    flags: spec.flags ?? 0,
    modifiedTime: spec.modifiedTime ?? buildTime,
    content: Buffer.from(spec.linkTo ?? spec.content ?? ''),
    linkTo: spec.linkTo ?? '',
    user: spec.user ?? 'root',
    group: spec.group ?? 'root',
  }
}

/** Everything that the header says about files. A package without any has none of these tags. */
export function fileTags(
  files: readonly SettledFile[],
  format: 3 | 4 | 6,
  { source = false }: PackageSpec,
): TagValue[] {
  if (files.length === 0) return []
  const sizes = files.map(({ content }) => content.length)
  return [
    ...(format === 3
      ? [
          strings(
            Tag.OLDFILENAMES,
            files.map(({ path }) => path),
          ),
        ]
      : pathTags(files, source)),
    format === 6 ? int64(Tag.LONGFILESIZES, ...sizes) : int32(Tag.FILESIZES, ...sizes),
    int16(Tag.FILEMODES, ...files.map(({ mode }) => mode)),
    int16(Tag.FILERDEVS, ...files.map(() => 0)),
    int32(Tag.FILEMTIMES, ...files.map(({ modifiedTime }) => modifiedTime)),
    strings(
      Tag.FILEDIGESTS,
      files.map((file) => digest(file, format === 3 ? 'md5' : 'sha256')),
    ),
    ...(format === 3 ? [] : [int32(Tag.FILEDIGESTALGO, openPgpSha256)]),
    strings(
      Tag.FILELINKTOS,
      files.map(({ linkTo }) => linkTo),
    ),
    int32(Tag.FILEFLAGS, ...files.map(({ flags }) => flags)),
    int32(Tag.FILEVERIFYFLAGS, ...files.map(() => verifyEverything)),
    strings(
      Tag.FILEUSERNAME,
      files.map(({ user }) => user),
    ),
    strings(
      Tag.FILEGROUPNAME,
      files.map(({ group }) => group),
    ),
    int32(Tag.FILEDEVICES, ...files.map(() => 1)),
    int32(Tag.FILEINODES, ...files.map((_, index) => index + 1)),
    strings(
      Tag.FILELANGS,
      files.map(() => ''),
    ),
    string(Tag.PAYLOADFLAGS, '1'),
  ]
}

/** DIRNAMES has each directory once, in the order of its first file. */
function pathTags(files: readonly SettledFile[], source: boolean): TagValue[] {
  const directories = new Map<string, number>()
  const indexes: number[] = []
  const baseNames: string[] = []
  for (const { path } of files) {
    const baseStart = path.lastIndexOf('/') + 1
    if (source ? baseStart !== 0 : !path.startsWith('/')) {
      throw new TypeError(`${JSON.stringify(path)}: paths are absolute, in source packages bare file names`)
    }
    const directory = path.slice(0, baseStart)
    const index = directories.get(directory) ?? directories.size
    directories.set(directory, index)
    indexes.push(index)
    baseNames.push(path.slice(baseStart))
  }
  return [
    int32(Tag.DIRINDEXES, ...indexes),
    strings(Tag.BASENAMES, baseNames),
    strings(Tag.DIRNAMES, [...directories.keys()]),
  ]
}

const fileTypeMask = 0o170000
const regularFile = 0o100000

function digest({ mode, flags, content }: SettledFile, algorithm: string): string {
  if ((mode & fileTypeMask) !== regularFile || (flags & FileFlag.GHOST) !== 0) return ''
  return createHash(algorithm).update(content).digest('hex')
}

/** RFC 4880, 9.4. */
export const openPgpSha256 = 8

const verifyEverything = 0xffffffff
