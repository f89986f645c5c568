import { gunzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type DocumentKind,
  documentKinds,
  MemoryFile,
  mergePackages,
  PackedIndex,
  parseLocation,
  patchDocument,
  readEntries,
  readListedPackages,
  type StoredDocument,
} from '../src/index.ts'
import { form } from './block-documents.ts'
import { canonical, extras, formatForeign, type Name, type Node, parseForeign, styles } from './foreign-document.ts'

function stored(bytes: Buffer, pieceBytes = 1000): StoredDocument {
  return {
    name: 'primary.xml',
    openBytesMax: 2 ** 30,
    async *open() {
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
    },
  }
}

async function entriesOf(kind: DocumentKind, bytes: Buffer, pieceBytes?: number): Promise<string[]> {
  const entries = await Array.fromAsync(readEntries(kind, stored(bytes, pieceBytes)))
  return entries.map((entry) => entry.bytes.toString())
}

const own = (local: string): Name => ({ space: 'own', local })
const attributes = (values: Record<string, string>): Node['attributes'] =>
  Object.entries(values).map(([local, value]) => [{ space: 'none', local }, value])
const element = (local: string, values: Record<string, string>, ...children: (Node | string)[]): Node => ({
  name: own(local),
  attributes: attributes(values),
  children,
})

/** One package in the three documents, with whatever else stands in its entries. */
interface Package {
  readonly href: string
  readonly id: number
  readonly extras: readonly Node[]
}

const packages: fc.Arbitrary<Package[]> = fc.uniqueArray(
  fc.record({
    href: fc.constantFrom('a.rpm', 'b.rpm', 'c&d.rpm', 'é.rpm', 'Packages/z.rpm', 'q\'uo"te.rpm'),
    // Few, so that some packages have the same digest.
    id: fc.integer({ min: 1, max: 4 }),
    extras,
  }),
  { minLength: 1, maxLength: 5, selector: ({ href }) => href },
)

function entryOf(kind: DocumentKind, { href, id, extras }: Package): Node {
  const pkgid = id.toString(16).padStart(64, '0')
  const version = element('version', { epoch: '0', ver: '1', rel: String(id) })
  if (kind !== 'primary') return element('package', { pkgid, name: 'a', arch: 'noarch' }, version, ...extras)
  return element(
    'package',
    { type: 'rpm' },
    element('name', {}, 'a'),
    element('arch', {}, 'noarch'),
    version,
    element('checksum', { type: 'sha256', pkgid: 'YES' }, pkgid),
    element('location', { href }),
    ...extras,
  )
}

/** Filelists and other tell of the same digest the same. */
function alike(list: readonly Package[]): Package[] {
  return list.map((one) => ({ ...one, extras: list.find(({ id }) => id === one.id)?.extras ?? [] }))
}

describe('a document in a style of its own', () => {
  it('has the same entries, as trees, however it is written and cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...documentKinds),
        packages,
        styles,
        fc.integer({ min: 1, max: 300 }),
        async (kind, list, style, pieceBytes) => {
          const nodes = list.map((one) => entryOf(kind, one))
          const entries = await entriesOf(kind, formatForeign(kind, nodes, style).bytes, pieceBytes)
          expect(entries.flatMap((entry) => parseForeign(kind, under(kind, entry)))).toEqual(nodes)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('keeps its entries byte for byte where its names mean the same as ours', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...documentKinds),
        packages,
        fc.constantFrom<'"' | "'">('"', "'"),
        fc.nat(),
        fc.constantFrom('on the root', 'on each package'),
        async (kind, list, quote, seed, declare) => {
          const style = { ...canonical, quote, seed, declare } as const
          const used = declare === 'on the root' ? list.map((one) => ({ ...one, extras: [] })) : list
          const { bytes, entries } = formatForeign(
            kind,
            used.map((one) => entryOf(kind, one)),
            style,
          )
          expect(await entriesOf(kind, bytes)).toEqual(entries)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('after any change holds every entry that the change did not touch, as the same tree', async () => {
    await fc.assert(
      fc.asyncProperty(
        packages.map(alike),
        fc.record({ primary: styles, filelists: styles, other: styles }),
        fc.boolean(),
        fc.nat(4),
        async (list, styleOf, reversed, removed) => {
          const stayed = list.filter((_, at) => at !== removed)
          const documents = Object.fromEntries(
            documentKinds.map((kind) => {
              const order = reversed && kind !== 'primary' ? list.toReversed() : list
              const nodes = order.map((one) => entryOf(kind, one))
              return [kind, stored(formatForeign(kind, nodes, styleOf[kind]).bytes)]
            }),
          )
          const { primary } = documents
          if (primary === undefined) throw new Error('no primary')
          const index = await PackedIndex.of(readListedPackages(primary))
          const gone = new Set([removed])
          const location = parseLocation('m.rpm')
          if (location === undefined) throw new Error('no location')
          const fresh: Package = { href: 'm.rpm', id: 9, extras: [] }
          const next = mergePackages(index, gone, [
            {
              kind: 'new',
              location,
              read: (kind) => Buffer.from(formatForeign(kind, [entryOf(kind, fresh)], canonical).entries.join('')),
            },
          ])
          const expected = [...stayed, fresh].toSorted((a, b) =>
            Buffer.compare(Buffer.from(a.href), Buffer.from(b.href)),
          )
          for (const kind of documentKinds) {
            const written: Uint8Array[] = []
            await patchDocument(kind, documents[kind], index, next, form, {
              async start() {
                written.length = 0
                return (bytes) => void written.push(bytes)
              },
              scratch: async () => new MemoryFile(),
            })
            const nodes = expected.map((one) => entryOf(kind, one))
            expect(parseForeign(kind, gunzipSync(Buffer.concat(written)).toString())).toEqual(nodes)
          }
        },
      ),
      { numRuns: 80 },
    )
  })
})

/** Below a head of ours. */
function under(kind: DocumentKind, entry: string): string {
  const root = { primary: 'common', filelists: 'filelists', other: 'other' }[kind]
  const rpm = kind === 'primary' ? ' xmlns:rpm="http://linux.duke.edu/metadata/rpm"' : ''
  return `<root xmlns="http://linux.duke.edu/metadata/${root}"${rpm}>${entry}</root>`
}
