/**
 * Documents in blocks: what is patched is what would be written anew, byte for byte, whatever way led there.
 */
import { createHash } from 'node:crypto'
import { crc32, gunzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orInSoak } from '../../../fixtures/soak.ts'
import { combineCrc32 } from '../src/crc32-combine.ts'
import {
  areAligned,
  BlockedDocument,
  BlockLookup,
  DocumentWriter,
  decompress,
  documentKinds,
  MemoryFile,
  type PackageLookup,
  readPackageIndex,
} from '../src/index.ts'
import {
  blockTablesOf,
  changesOf,
  entryOf,
  forms,
  generationOf,
  type Packages,
  patched,
  written,
} from './block-documents.ts'

describe('the CRC-32 of two runs', () => {
  it('follows from that of each, and the length of the second', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
        expect(combineCrc32(crc32(a), crc32(b), b.length)).toBe(crc32(Buffer.concat([a, b])))
      }),
    )
  })

  it('also where the second is long', () => {
    const first = Buffer.from('repomd')
    for (const length of [2 ** 16, 2 ** 20 + 1, 5_000_001]) {
      const second = Buffer.alloc(length, 'xml')
      expect(combineCrc32(crc32(first), crc32(second), length)).toBe(crc32(Buffer.concat([first, second])))
    }
  })
})

describe('patched documents', () => {
  it.each(forms)('are those that would be written anew, byte for byte, after any changes: $title', async (form) => {
    await fc.assert(
      fc.asyncProperty(
        generationOf(1500),
        fc.array(changesOf(1700), { minLength: 1, maxLength: 4 }),
        async (start, all) => {
          let packages: Packages = start
          let files = await written(packages, form)
          for (const changes of all) {
            const next = await patched(files, packages, changes, form)
            packages = next.packages
            files = next.files
            const anew = await written(packages, form)
            for (const kind of documentKinds)
              expect(files[kind].contents().equals(anew[kind].contents()), kind).toBe(true)
          }
        },
      ),
      { numRuns: orInSoak(6, 60) },
    )
  })

  it('hold, inflated by anybody, the entries in the order of their locations', async () => {
    await fc.assert(
      fc.asyncProperty(generationOf(800), async (packages) => {
        const files = await written(packages)
        const open = gunzipSync(files.primary.contents()).toString()
        expect([...open.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual([...packages.keys()].sort())
        expect(open).toContain(` packages="${packages.size}">`)
      }),
      { numRuns: orInSoak(6, 60) },
    )
  })

  it('have the open checksum and size of what anybody inflates', async () => {
    await fc.assert(
      fc.asyncProperty(
        generationOf(700),
        changesOf(700),
        fc.constantFrom(...forms),
        async (packages, changes, form) => {
          const { files, documents } = await patched(await written(packages, form), packages, changes, form)
          for (const { kind, openSha256, openSize, sha256, size } of documents) {
            const bytes = files[kind].contents()
            const open = Buffer.concat(await Array.fromAsync(decompress(once(bytes), 2 ** 30)))
            expect({ openSha256, openSize }).toEqual({ openSha256: sha256Of(open), openSize: open.length })
            expect({ sha256, size }).toEqual({ sha256: sha256Of(bytes), size: bytes.length })
          }
        },
      ),
      { numRuns: orInSoak(6, 60) },
    )
  })

  it('have the same packages in each block of the three', async () => {
    await fc.assert(
      fc.asyncProperty(generationOf(3000), async (packages) => {
        const documents = await blockTablesOf(await written(packages))
        expect(areAligned(documents)).toBe(true)
        expect(documents.map((document) => document.packages)).toEqual([packages.size, packages.size, packages.size])
      }),
      { numRuns: orInSoak(3, 30) },
    )
  })
})

it('a document in which a location does not find every package is read whole once, for all who ask', async () => {
  const file = new MemoryFile()
  const writer = new DocumentWriter('primary', forms[0] ?? fail(), new MemoryFile())
  for (const href of ['a%2Bb.rpm', 'b.rpm']) await writer.add({ href }, entryOf('primary', href, 1))
  await writer.finish((bytes) => file.append(bytes))
  const primary = (await BlockedDocument.open('primary', file)) ?? fail()
  let reads = 0
  const lookup = new BlockLookup(primary, async () => {
    reads += 1
    return readPackageIndex({ name: 'primary', open: () => file.bytes(), openBytesMax: 2 ** 20 })
  })
  const hrefs = async (found: ReturnType<PackageLookup['at']>) => (await found).map(({ href }) => href)
  expect(await Promise.all(['b.rpm', 'a%2Bb.rpm', 'c.rpm'].map((path) => hrefs(lookup.at(path))))).toEqual([
    ['b.rpm'],
    ['a%2Bb.rpm'],
    [],
  ])
  expect(await hrefs(lookup.atDecoded('a+b.rpm'))).toEqual(['a%2Bb.rpm'])
  expect(reads).toBe(1)
})

function fail(): never {
  throw new Error('it has to be there')
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
