import { describe, expect, it } from 'vitest'
import { DependencyFlag, parsePackage, SignatureTag, Tag } from '../src/index.ts'
import { buildPackage, encodeHeader, int32, string, strings, type TagValue } from '../src/testing/index.ts'
import { hasLibrpm, librpmHeaders } from './librpm.ts'
import { rawPackage, v3Header, validHeader, validSignature } from './raw-package.ts'
import { asLibrpmShows, comparable } from './same-as-librpm.ts'
import { withFiles } from './temporary-files.ts'

const { LESS, EQUAL } = DependencyFlag

/** A v3 package of these tags alone, apart from name, version, release and architecture. */
function v3(...tags: readonly TagValue[]): Uint8Array {
  const identity = [
    string(Tag.NAME, 'old'),
    string(Tag.VERSION, '1.2'),
    string(Tag.RELEASE, '3'),
    string(Tag.ARCH, 'i386'),
  ]
  return rawPackage({ header: encodeHeader([...identity, ...tags]) })
}

const sourceRpm = string(Tag.SOURCERPM, 'old-1.2-3.src.rpm')

const packages = [
  {
    title: 'a v3 package as the builder makes it',
    bytes: buildPackage({ name: 'a', format: 3, files: [{ path: '/a' }] }),
  },
  {
    title: 'a v3 source package',
    bytes: buildPackage({ name: 'a', format: 3, source: true, files: [{ path: 'a.spec' }] }),
  },
  { title: 'no provides', bytes: v3(sourceRpm) },
  { title: 'an epoch, no provides', bytes: v3(sourceRpm, int32(Tag.EPOCH, 4)) },
  { title: 'provides without versions', bytes: v3(sourceRpm, strings(Tag.PROVIDENAME, ['b', 'a'])) },
  {
    title: 'versioned provides, itself with other flags',
    bytes: v3(
      sourceRpm,
      strings(Tag.PROVIDENAME, ['lib', 'old']),
      strings(Tag.PROVIDEVERSION, ['', '1.2-3']),
      int32(Tag.PROVIDEFLAGS, 0, LESS | EQUAL),
    ),
  },
  {
    title: 'provides and versions of different number',
    bytes: v3(sourceRpm, strings(Tag.PROVIDENAME, ['a', 'b']), strings(Tag.PROVIDEVERSION, ['1'])),
  },
  {
    title: 'file names in several directories, not sorted',
    bytes: v3(
      sourceRpm,
      strings(Tag.OLDFILENAMES, ['/usr/bin/b', '/etc/a', '/usr/bin/a', '/usr/lib/x', '/', '/etc/b']),
    ),
  },
  {
    title: 'relative file names and no SOURCERPM: a source package',
    bytes: v3(strings(Tag.OLDFILENAMES, ['a.spec', 'a.tgz'])),
  },
  { title: 'neither files nor SOURCERPM: a binary package', bytes: v3() },
  { title: 'absolute file names and no SOURCERPM', bytes: v3(strings(Tag.OLDFILENAMES, ['/bin/a'])) },
  {
    title: 'old and new file names',
    bytes: v3(
      sourceRpm,
      strings(Tag.OLDFILENAMES, ['/a']),
      strings(Tag.DIRNAMES, ['/']),
      strings(Tag.BASENAMES, ['b']),
      int32(Tag.DIRINDEXES, 0),
    ),
  },
  {
    title: 'old file names in a v4 package',
    bytes: rawPackage({ header: validHeader(strings(Tag.OLDFILENAMES, ['/a/b'])) }),
  },
  {
    title: 'the archive size in the main header',
    bytes: rawPackage({ header: v3Header(int32(Tag.ARCHIVESIZE, 77)) }),
  },
  {
    title: 'the archive size in the signature header',
    bytes: rawPackage({ signature: validSignature(int32(SignatureTag.PAYLOADSIZE, 78)) }),
  },
  {
    title: 'a signature header without a region',
    bytes: rawPackage({ signature: encodeHeader([int32(SignatureTag.SIZE, 5)]) }),
  },
  { title: 'a signature with tags behind its region', bytes: rawPackage({ signature: withDribble() }) },
  {
    title: 'the trailer of a database region in the signature header',
    bytes: rawPackage({ signature: withTrailerTag(validSignature(), Tag.HEADERIMAGE) }),
  },
]

describe('old packages', () => {
  const pairs = hasLibrpm
    ? withFiles(
        packages.map(({ bytes }) => bytes),
        (paths) => librpmHeaders(paths).map((entries, index) => ({ entries, pkg: packages[index] })),
      )
    : []

  it.skipIf(!hasLibrpm).each(pairs)('have the tags that librpm gives them: $pkg.title', ({ entries, pkg }) => {
    expect(entries).not.toBeNull()
    const { header } = parsePackage(pkg?.bytes ?? new Uint8Array())
    expect(comparable(asLibrpmShows(header))).toEqual(comparable(entries ?? []))
  })

  it('provide themselves', () => {
    const { header, format } = parsePackage(v3(sourceRpm, strings(Tag.PROVIDENAME, ['b']), int32(Tag.EPOCH, 4)))
    expect(format).toBe(3)
    expect(header.strings(Tag.PROVIDENAME)).toEqual(['b', 'old'])
    expect(header.strings(Tag.PROVIDEVERSION)).toEqual(['', '4:1.2-3'])
    expect(header.numbers(Tag.PROVIDEFLAGS)).toEqual([0, EQUAL])
  })

  it('do not provide themselves twice', () => {
    const { header } = parsePackage(
      v3(
        sourceRpm,
        strings(Tag.PROVIDENAME, ['lib', 'old']),
        strings(Tag.PROVIDEVERSION, ['', '1.2-3']),
        int32(Tag.PROVIDEFLAGS, 0, EQUAL),
      ),
    )
    expect(header.strings(Tag.PROVIDENAME)).toEqual(['lib', 'old'])
  })

  it('have directories and base names', () => {
    const { header } = parsePackage(v3(sourceRpm, strings(Tag.OLDFILENAMES, ['/etc/a', '/usr/bin/b', '/etc/c'])))
    expect(header.has(Tag.OLDFILENAMES)).toBe(false)
    expect(header.strings(Tag.DIRNAMES)).toEqual(['/etc/', '/usr/bin/'])
    expect(header.numbers(Tag.DIRINDEXES)).toEqual([0, 1, 0])
    expect(header.strings(Tag.BASENAMES)).toEqual(['a', 'b', 'c'])
  })

  it('keep bytes that are no UTF-8 in file names', () => {
    const name = Uint8Array.of(0x2f, 0xe9, 0x2f, 0xff)
    const { header } = parsePackage(v3(sourceRpm, strings(Tag.OLDFILENAMES, [name])))
    expect(header.stringBytes(Tag.DIRNAMES)).toEqual(Uint8Array.of(0x2f, 0xe9, 0x2f))
    expect(header.stringBytes(Tag.BASENAMES)).toEqual(Uint8Array.of(0xff))
  })

  it('show the size of header and payload, which v6 packages do not take from their signature header', () => {
    const sizeOf = (...tags: readonly TagValue[]) =>
      parsePackage(rawPackage({ header: validHeader(...tags) })).header.number(Tag.SIGSIZE)
    expect(sizeOf()).toBe(1)
    expect(sizeOf(int32(Tag.RPMFORMAT, 6))).toBeUndefined()
  })

  it('prefer a tag behind the signature header region to the same one within', () => {
    const { signature } = parsePackage(rawPackage({ signature: withDribble() }))
    expect(signature.numbers(SignatureTag.SIZE)).toEqual([99])
  })
})

/** A signature header whose region has SIZE 1, and behind the region SIZE 99. */
function withDribble(): Uint8Array {
  const inner = Buffer.from(validSignature())
  const entries = inner.readUInt32BE(8)
  const dataLength = inner.readUInt32BE(12)
  const indexEnd = 16 + 16 * entries
  const dribble = Buffer.alloc(16)
  for (const [index, word] of [SignatureTag.SIZE, 4, dataLength, 1].entries()) dribble.writeUInt32BE(word, 4 * index)
  const signature = Buffer.concat([
    inner.subarray(0, indexEnd),
    dribble,
    inner.subarray(indexEnd),
    Buffer.of(0, 0, 0, 99),
  ])
  signature.writeUInt32BE(entries + 1, 8)
  signature.writeUInt32BE(dataLength + 4, 12)
  return signature
}

function withTrailerTag(signature: Uint8Array, tag: number): Uint8Array {
  const copy = Buffer.from(signature)
  copy.writeUInt32BE(tag, copy.length - 16)
  return copy
}
