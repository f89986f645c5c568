import type { ETag, ObjectHead } from '@repokeeper/object-store'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  defaultRoot,
  type KeyPlace,
  parseRepositoryRoot,
  parseRootPattern,
  passOverKey,
  placeByPatterns,
  RootError,
  RootFinder,
  repomdKey,
} from '../src/roots.ts'

const rootOf = (place: KeyPlace) => (place.kind === 'package' ? place.root : `passed over: ${place.why}`)
const byPatterns = (key: string, ...patterns: string[]) => rootOf(placeByPatterns(key, patterns.map(parseRootPattern)))

/** A bucket of which only the keys matter, and a clock. */
function bucket(...keys: string[]) {
  const state = { keys: new Set(keys), now: 0, asked: [] as string[], fault: undefined as Error | undefined }
  const head = async (key: string): Promise<ObjectHead | undefined> => {
    state.asked.push(key)
    if (state.fault !== undefined) throw state.fault
    return state.keys.has(key) ? { key, etag: '"e"' as ETag, size: 1, lastModified: new Date(0) } : undefined
  }
  const finder = new RootFinder({ store: { head }, now: () => state.now })
  return { state, finder, find: async (key: string) => rootOf(await finder.find(key)) }
}

describe('a key that is passed over', () => {
  it.each([
    ['el9/readme.txt', 'not an rpm'],
    ['el9/', 'not an rpm'],
    ['el9/a.RPM', 'not an rpm'],
    ['el9/repodata/repomd.xml', 'not an rpm'],
    ['el9/repodata/a.rpm', 'under repodata'],
    ['repodata/x/a.rpm', 'under repodata'],
    ['/a.rpm', 'not safe as a location'],
    ['el9//a.rpm', 'not safe as a location'],
    ['../a.rpm', 'not safe as a location'],
    ['el9/../../a.rpm', 'not safe as a location'],
    ['./a.rpm', 'not safe as a location'],
    ['http://example.org/a.rpm', 'not safe as a location'],
    ['a\nb.rpm', 'not safe as a location'],
    ['a\u0000.rpm', 'not safe as a location'],
    ['a\ufffe.rpm', 'not safe as a location'],
  ])('%j: %s', async (key, why) => {
    expect(passOverKey(key)).toBe(why)
    expect(placeByPatterns(key, [parseRootPattern('')])).toEqual({ kind: 'passed-over', why })
    const { finder, state } = bucket()
    expect(await finder.find(key)).toEqual({ kind: 'passed-over', why })
    expect(state.asked).toEqual([])
  })

  it.each(['a.rpm', 'a b+c%.rpm', 'repodata.rpm', 'el9/..a/b..rpm', 'el9/grüße~1^2.rpm', 'not-repodata/a.rpm'])(
    '%j is not',
    (key) => {
      expect(passOverKey(key)).toBeUndefined()
    },
  )
})

describe('configured roots', () => {
  it.each([
    ['el9/x86_64/a.rpm', ['el9/*'], 'el9/x86_64/'],
    ['el9/x86_64/Packages/k/kernel.rpm', ['el9/*'], 'el9/x86_64/'],
    ['el9/a.rpm', ['el9/*'], 'passed over: outside the configured roots'],
    ['el10/x86_64/a.rpm', ['el9/*'], 'passed over: outside the configured roots'],
    ['el9x/x86_64/a.rpm', ['el9'], 'passed over: outside the configured roots'],
    ['a.rpm', [''], ''],
    ['el9/x86_64/a.rpm', [''], ''],
    ['el9/x86_64/a.rpm', ['', 'el9'], 'el9/'],
    ['el9/x86_64/a.rpm', ['el9/x86_64', '', 'el9'], 'el9/x86_64/'],
    ['el9/x86_64/debug/a.rpm', ['el9/*', 'el9/x86_64/debug'], 'el9/x86_64/debug/'],
    ['el9/x86_64/a.rpm', ['*/*'], 'el9/x86_64/'],
    ['el9/x86_64/a.rpm', [], 'passed over: outside the configured roots'],
    ['a.rpm', ['*'], 'passed over: outside the configured roots'],
  ])('%s of %j belongs to %j', (key, patterns, root) => {
    expect(byPatterns(key, ...patterns)).toBe(root)
  })

  it.each(['el9/x86_64', '/el9/x86_64', 'el9/x86_64/', '/el9/x86_64/'])(
    '%s may be written with or without slashes',
    (text) => {
      expect(parseRepositoryRoot(text)).toBe('el9/x86_64/')
    },
  )

  it.each(['', '/'])('%j is the whole bucket', (text) => {
    expect(parseRepositoryRoot(text)).toBe('')
    expect(parseRootPattern(text)).toEqual({ segments: [] })
  })

  it.each([
    ['el*/x86_64', 'whole segment'],
    ['**', 'whole segment'],
    ['el9/../el8', '".."'],
    ['el9//x86_64', '""'],
    ['///', '""'],
    ['el9/repodata', 'not its repodata'],
    ['el9/a\tb', 'control characters'],
  ])('%j is refused: %s', (text, reason) => {
    expect(() => parseRootPattern(text)).toThrow(RootError)
    expect(() => parseRootPattern(text)).toThrow(reason)
  })
})

describe('a repository that is not there yet', () => {
  it.each([
    ['a.rpm', ''],
    ['el9/x86_64/a.rpm', 'el9/x86_64/'],
    ['a/Packages/kernel.rpm', 'a/'],
    ['a/Packages/k/kernel.rpm', 'a/'],
    ['Packages/k/kernel.rpm', ''],
    ['a/Packages/k/kernel/kernel.rpm', 'a/Packages/k/kernel/'],
    ['a/packages/kernel.rpm', 'a/packages/'],
  ])('of %s will be at %j', async (key, root) => {
    expect(defaultRoot(key)).toBe(root)
    expect(await bucket().find(key)).toBe(root)
  })
})

describe('discovery', () => {
  it.each([
    ['el9/x86_64/a.rpm', ['repodata/repomd.xml'], ''],
    ['el9/x86_64/a.rpm', ['repodata/repomd.xml', 'el9/x86_64/repodata/repomd.xml'], 'el9/x86_64/'],
    ['el9/x86_64/b/c/a.rpm', ['el9/repodata/repomd.xml'], 'el9/'],
    ['a/Packages/k/kernel.rpm', ['a/Packages/repodata/repomd.xml', 'a/repodata/repomd.xml'], 'a/Packages/'],
    ['el9/x86_64/a.rpm', ['el9/aarch64/repodata/repomd.xml', 'repomd.xml'], 'el9/x86_64/'],
  ])('%s with %j belongs to %j', async (key, repomds, root) => {
    expect(await bucket(...repomds).find(key)).toBe(root)
  })

  const segment = fc.constantFrom('a', 'b', 'Packages', 'k')
  const key = fc.array(segment, { maxLength: 5 }).map((directories) => [...directories, 'x.rpm'].join('/'))

  it('finds a new repository where every worker that saw it new had put it', async () => {
    await fc.assert(
      fc.asyncProperty(key, async (key) => {
        const first = await bucket().finder.find(key)
        const second = await bucket().finder.find(key)
        expect(second).toEqual(first)
        if (first.kind === 'package') expect(await bucket(repomdKey(first.root)).finder.find(key)).toEqual(first)
      }),
    )
  })

  it('gives a root that the key lies in', async () => {
    await fc.assert(
      fc.asyncProperty(key, fc.array(key), async (key, others) => {
        const place = await bucket(...others.map((other) => repomdKey(defaultRoot(other)))).finder.find(key)
        expect(place.kind === 'package' && key.startsWith(place.root)).toBe(true)
      }),
    )
  })

  it('asks once for many keys of a directory, also at the same time', async () => {
    const { finder, state } = bucket('el9/repodata/repomd.xml')
    await Promise.all(Array.from({ length: 50 }, (_, index) => finder.find(`el9/p${index}.rpm`)))
    expect(state.asked).toEqual(['el9/repodata/repomd.xml'])
  })

  it('sees a repository that is created later within seconds, and asks for a known one only after minutes', async () => {
    const { find, state } = bucket('repodata/repomd.xml')
    expect(await find('el9/a.rpm')).toBe('')
    state.keys.add('el9/repodata/repomd.xml')
    state.now += 4_999
    expect(await find('el9/a.rpm')).toBe('')
    state.now += 1
    expect(await find('el9/a.rpm')).toBe('el9/')
    const asked = state.asked.length
    state.now += 299_999
    expect(await find('el9/b.rpm')).toBe('el9/')
    expect(state.asked.length).toBe(asked)
    state.now += 1
    await find('el9/b.rpm')
    expect(state.asked.length).toBe(asked + 1)
  })

  it('takes no fault of the store for an answer', async () => {
    const { find, state } = bucket('repodata/repomd.xml')
    state.fault = new Error('the store is out')
    await expect(find('a.rpm')).rejects.toThrow('the store is out')
    state.fault = undefined
    expect(await find('a.rpm')).toBe('')
  })

  it('looks at a bounded number of directories, however deep the key', async () => {
    const { find, state } = bucket()
    const deep = `${'d/'.repeat(500)}a.rpm`
    expect(await find(deep)).toBe('d/'.repeat(500))
    expect(state.asked.length).toBe(32)
  })
})
