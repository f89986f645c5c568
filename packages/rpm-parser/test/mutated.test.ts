import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Header, locateHeaders, parsePackage, RpmError } from '../src/index.ts'
import { buildPackage } from '../src/testing/index.ts'
import { hasLibrpm, librpmVerdicts } from './librpm.ts'
import { hasRealPackages, realPackages } from './real-packages.ts'
import { asLibrpmShows, comparable } from './same-as-librpm.ts'
import { withFiles } from './temporary-files.ts'

const files = [
  { path: '/etc/x.conf', content: 'x' },
  { path: '/usr/bin/x', mode: 0o100755 },
  { path: '/usr/share/x', mode: 0o040755 },
]
const built = ([3, 4] as const).flatMap((format) => [
  buildPackage({ name: 'x', format, epoch: 1, files, requires: ['a >= 1', 'b'], provides: ['z = 1:2-3', 'y'] }),
  buildPackage({ name: 'x', format, source: true, files: [{ path: 'x.spec' }] }),
])
const v6 = buildPackage({ name: 'x', format: 6, files })
const real = hasRealPackages
  ? realPackages()
      .filter(({ bytes }) => bytes.length < 5000)
      .slice(0, 8)
      .map(({ path }) => Uint8Array.from(readFileSync(path)))
  : []

/** A change to the index, to the data, or to the counts of one of the two headers. */
const mutation = fc.record({
  part: fc.constantFrom('signature', 'main', 'main', 'main'),
  where: fc.constantFrom('intro', 'index', 'index', 'index', 'data'),
  position: fc.nat(),
  change: fc.oneof(
    fc.nat({ max: 20 }),
    fc.integer({ min: -20, max: -1 }),
    fc.integer({ min: 1000, max: 1120 }),
    fc.integer({ min: 0, max: 0xffffffff }),
  ),
  relative: fc.boolean(),
})

const mutated = (bases: readonly Uint8Array[]) =>
  fc
    .tuple(fc.constantFrom(...bases), fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([base, mutations]) => mutations.reduce(applied, base))

type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never

function applied(bytes: Uint8Array, { part, where, position, change, relative }: Mutation): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const view = new DataView(copy.buffer)
  const signatureEnd = 112 + 16 * view.getUint32(104) + view.getUint32(108)
  const start = part === 'signature' ? 96 : Math.ceil(signatureEnd / 8) * 8
  if (start + 16 > copy.length) return copy
  const indexLength = 16 * view.getUint32(start + 8)
  const dataLength = view.getUint32(start + 12)
  const [from, length] =
    where === 'intro'
      ? [start, 16]
      : where === 'index'
        ? [start + 16, indexLength]
        : [start + 16 + indexLength, dataLength]
  const at = from + 4 * (position % Math.max(1, length >> 2))
  if (at + 4 > copy.length) return copy
  view.setUint32(at, (relative ? view.getUint32(at) + change : change) >>> 0)
  return copy
}

describe('mutated packages', () => {
  it('are read or refused with an RpmError, and what was read can be asked anything', () => {
    fc.assert(
      fc.property(mutated([...built, v6, ...real]), fc.nat(), (bytes, cut) => {
        for (const candidate of [bytes, bytes.subarray(0, cut % bytes.length)]) {
          try {
            locateHeaders(candidate)
            const { signature, header } = parsePackage(candidate)
            askEverything(signature)
            askEverything(header)
          } catch (error) {
            if (!(error instanceof RpmError)) throw error
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('are refused, or not, as librpm refuses them or not, and read as it reads them', { skip: !hasLibrpm }, () => {
    // The same ones every time: what other versions of librpm make of rare ones is no news about this package.
    const packages = fc.sample(mutated([...built, ...real]), { numRuns: 1500, seed: 20_240_101 })
    const theirs = withFiles(packages, librpmVerdicts)
    const verdicts = packages.map((bytes, index) => ({ ours: reading(bytes), theirs: theirs[index] ?? null }))
    for (const verdict of verdicts) {
      // Tags that only newer versions of librpm know, which a mutation can make up.
      if (verdict.ours === 'of rpm 6' || verdict.theirs === 'crashed') continue
      expect(verdict.ours).toEqual(verdict.theirs && comparable(verdict.theirs))
    }
    expect(verdicts.filter(({ theirs }) => Array.isArray(theirs)).length).toBeGreaterThan(100)
  })
})

function reading(bytes: Uint8Array) {
  try {
    return comparable(asLibrpmShows(parsePackage(bytes).header))
  } catch (error) {
    if (!(error instanceof RpmError)) throw error
    return /^tag (27[89]|51\d\d) /.test(error.message) ? 'of rpm 6' : null
  }
}

function askEverything(header: Header): void {
  for (const { tag } of header.entries()) {
    const items = header.stringArrayBytes(tag).length || header.bigints(tag).length || header.bytes(tag)?.length
    expect(items).toBeGreaterThan(0)
    expect(header.count(tag)).toBeGreaterThan(0)
    expect(header.strings(tag).length).toBe(header.stringArrayBytes(tag).length)
    if (header.strings(tag).length > 0) expect(header.strings(tag)[0]).toBe(header.string(tag))
    expect(header.numbers(tag)[0]).toBe(header.number(tag))
    expect(header.bigints(tag)[0]).toBe(header.bigint(tag))
  }
}
