import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CleanUpInput,
  type CleanUpPlan,
  type GenerationDirectory,
  type GenerationId,
  type KnownGeneration,
  knownGeneration,
  planCleanUp,
  type RepodataObject,
} from '../src/index.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const start = Date.parse('2026-11-21T00:00:00Z')
/** Hours after the start. */
const at = (hours: number): Date => new Date(start + hours * hourMs)

describe('a superseded document', () => {
  it.each([
    ['a second before its retention is over', 25 * hourMs, false],
    ['a second after', 25 * hourMs + 1_000, true],
  ])('counts from when its last generation was superseded, however old it is: %s', (_, afterStart, goes) => {
    // Named for half a year; superseded an hour after the start.
    const [old, next] = [generation(-4_000, ['old']), generation(1, ['new'])]
    const plan = planned({
      generations: [old, next],
      objects: [
        ['old', -4_001],
        ['new', 0.9],
      ],
      now: start + afterStart,
    })
    expect(deletedDocuments(plan)).toEqual(goes ? [document('old')] : [])
    if (goes) expect(plan.delete[0]).toMatchObject({ kind: 'document', since: at(1) })
    else
      expect(plan.keep).toContainEqual(
        expect.objectContaining({ name: document('old'), why: 'retained', since: at(1) }),
      )
  })

  it('counts from the last of several generations that named it', () => {
    const generations = [generation(0, ['a']), generation(1, ['b']), generation(30, ['a', 'c']), generation(40, ['d'])]
    const objects: [string, number][] = [
      ['a', -1],
      ['b', 1],
      ['c', 30],
      ['d', 40],
    ]
    expect(deletedDocuments(planned({ generations, objects, now: at(60) }))).toEqual([document('b')])
    expect(deletedDocuments(planned({ generations, objects, now: at(65) }))).toEqual(['b', 'c', 'a'].map(document))
  })

  it('is kept with its generation by --keep-generations', () => {
    const generations = [generation(0, ['a']), generation(1, ['b']), generation(2, ['c'])]
    const objects: [string, number][] = [
      ['a', -1],
      ['b', 0.9],
      ['c', 1.9],
    ]
    const kept = (keepGenerations: number) =>
      planned({ generations, objects, now: at(100), keepGenerations }).delete.map(({ name }) => name)
    expect(kept(1)).toEqual([document('a'), document('b'), recordName(generations[0]), recordName(generations[1])])
    expect(kept(2)).toEqual([document('a'), recordName(generations[0])])
    expect(kept(3)).toEqual([])
  })

  it('is told from its successor by the revision, where the store’s times are in the wrong order', () => {
    // Two front ends: the second generation got the earlier time. It was current until the third came, ten days later.
    const first = generation(0, ['a'], { revision: '100' })
    const second = generation(-0.01, ['b'], { revision: '101' })
    const third = generation(240, ['c'], { revision: '102' })
    const objects: [string, number][] = [
      ['a', -1],
      ['b', -0.1],
      ['c', 239],
    ]
    const plan = planned({ generations: [first, second, third], objects, now: at(241) })
    expect(deletedDocuments(plan)).toEqual([document('a')])
  })

  it('stays where neither time nor revision says that it is superseded', () => {
    const first = generation(0, ['a'], { revision: 'by hand' })
    const second = generation(0.01, ['b'])
    const objects: [string, number][] = [
      ['a', -1],
      ['b', 0],
    ]
    expect(deletedDocuments(planned({ generations: [first, second], objects, now: at(900) }))).toEqual([])
    const third = generation(1, ['c'])
    expect(deletedDocuments(planned({ generations: [first, second, third], objects, now: at(900) }))).toEqual(
      ['b', 'a'].map(document),
    )
  })
})

describe('a document that no generation ever named', () => {
  it('stays while no generation is newer: a publish may be about to name it', () => {
    const plan = planned({
      generations: [generation(0, ['a'])],
      objects: [
        ['a', -1],
        ['draft', 0.5],
      ],
      now: at(10_000),
    })
    expect(plan.keep).toContainEqual(expect.objectContaining({ name: document('draft'), why: 'not superseded' }))
  })

  it('stays where the newer generation is so by less than the store’s clocks may disagree', () => {
    const objects: [string, number][] = [
      ['lost', 0.99],
      ['early', 0.98],
    ]
    const plan = planned({ generations: [generation(1, ['a'])], objects, now: at(10_000) })
    expect(deletedDocuments(plan)).toEqual([document('early')])
  })

  it('goes once another generation has been published for the time of retention', () => {
    const objects: [string, number][] = [['lost', 1]]
    const generations = [generation(0, ['a']), generation(2, ['b'])]
    expect(deletedDocuments(planned({ generations, objects, now: at(26) }))).toEqual([])
    expect(deletedDocuments(planned({ generations, objects, now: at(26.1) }))).toEqual([document('lost')])
  })

  it('and that has a name of before, or of createrepo_c, is one all the same', () => {
    const name = document('lost').replace(/-[0-9a-f]{8}-/, '-')
    const objects = [{ name, size: 1, lastModified: at(0) }]
    expect(planned({ generations: [generation(2, ['b'])], objects, now: at(100) }).delete).toMatchObject([{ name }])
  })
})

describe('what others put there', () => {
  const foreign = ['comps.xml', 'notes.txt', 'RPM-GPG-KEY', 'primary.xml.gz', `${'0'.repeat(63)}-primary.xml.gz`]

  it.each(foreign)('stays where nothing ever named it: %s', (name) => {
    const generations = [generation(0, ['a']), generation(1, ['b'])]
    const plan = planned({ generations, objects: [{ name, size: 1, lastModified: at(-9) }], now: at(10_000) })
    expect(plan).toMatchObject({ delete: [{ kind: 'record' }], keep: [{ name, why: 'foreign' }] })
  })

  it.each(foreign)('goes where a known generation named it and none does any more: %s', (name) => {
    const generations = [generation(0, [], { hrefs: [`repodata/${name}`] }), generation(1, ['b'])]
    const plan = planned({ generations, objects: [{ name, size: 1, lastModified: at(-9) }], now: at(10_000) })
    expect(plan.delete).toMatchObject([{ name, kind: 'document', since: at(1) }, { kind: 'record' }])
  })

  it('under a name that was used before is judged by its own time: somebody is about to name it again', () => {
    const generations = [generation(0, [], { hrefs: ['repodata/primary.xml.gz'] }), generation(1, ['b'])]
    const anew = [{ name: 'primary.xml.gz', size: 1, lastModified: at(9_999) }]
    expect(planned({ generations, objects: anew, now: at(10_000) }).delete).toMatchObject([{ kind: 'record' }])
  })

  it.each([
    'repodata/repomd.xml',
    'repodata/repomd.xml.asc',
    'repodata/tool.rpm',
    'repodata/below/comps.xml',
    'Packages/comps.xml',
    '../repodata/comps.xml',
    'http://elsewhere.example/repodata/comps.xml',
    '/repodata/comps.xml',
  ])('stays where a generation named %s', (href) => {
    const generations = [generation(0, [], { hrefs: [href] }), generation(1, ['b'])]
    const name = href.slice(href.lastIndexOf('/') + 1)
    const plan = planned({ generations, objects: [{ name, size: 1, lastModified: at(-9) }], now: at(10_000) })
    expect(plan.delete).toMatchObject([{ kind: 'record' }])
  })

  it('stays where a generation named its like in another repository', () => {
    const element = { name: 'data', attributes: new Map(), children: [] }
    const elsewhere = {
      type: 'x',
      href: 'repodata/comps.xml',
      base: 'https://elsewhere.example/',
      size: 1,
      openSize: 1,
      element,
    }
    const before = knownGeneration(at(0), 'c'.repeat(16), { revision: '1', records: [elsewhere] })
    const objects = [{ name: 'comps.xml', size: 1, lastModified: at(-9) }]
    const plan = planned({ generations: [before, generation(1, ['b'])], objects, now: at(10_000) })
    expect(plan.keep).toMatchObject([{ name: 'comps.xml', why: 'foreign' }])
  })

  it.each([
    './repodata/a b+c.xml',
    'repodata/a%20b+c.xml',
    'repodata/../repodata/a b+c.xml',
    'repodata//a b+c.xml',
    'https://here.example/el9/repodata/a b+c.xml',
  ])('stays where repomd.xml may mean it, which writes %s', (href) => {
    const name = 'a b+c.xml'
    const element = { name: 'data', attributes: new Map(), children: [] }
    const [, base] = /^(https:.*\/el9\/)/.exec(href) ?? []
    const record = { type: 'x', href: href.slice(base?.length ?? 0), size: 1, openSize: 1, element }
    const current = knownGeneration(at(1), 'c'.repeat(16), {
      revision: '9',
      records: [base === undefined ? record : { ...record, base }],
    })
    const before = generation(0, [], { hrefs: [`repodata/${name}`] })
    const plan = planned({
      generations: [before, current],
      objects: [{ name, size: 1, lastModified: at(-9) }],
      now: at(99),
    })
    expect(plan.keep).toMatchObject([{ name, why: 'current' }])
  })
})

describe('left-over probes', () => {
  it('go after a day, and nothing that only looks like one', () => {
    const names = ['repokeeper-probe-0123456789abcdef', 'repokeeper-probe-x', 'repokeeper-probe-0123456789abcdef.xml']
    const objects = names.map((name) => ({ name, size: 6, lastModified: at(0) }))
    expect(planned({ generations: [generation(-1, [])], objects, now: at(24) }).delete).toEqual([])
    expect(planned({ generations: [generation(-1, [])], objects, now: at(24.1) }).delete).toMatchObject([
      { name: names[0], kind: 'probe', since: at(0) },
    ])
  })
})

describe('records', () => {
  it('of the generation that is current, by whichever time, are not of a superseded one', () => {
    // Somebody put the first repomd.xml back.
    const first = generation(0, ['a'])
    const second = generation(1, ['b'])
    const current = { ...first, publishedAt: at(2) }
    const plan = planCleanUp({
      ...frame(at(1_000)),
      current,
      records: [first, second],
      listing: [first, second].map(recordObject).concat(
        objectsOf([
          ['a', -1],
          ['b', 0.9],
        ]),
      ),
    })
    expect(plan.delete.map(({ name }) => name)).toEqual([document('b'), recordName(second)])
  })

  it('of the current generation at an earlier time count as that: what was before it goes later rather than sooner', () => {
    const first = generation(0, ['a'])
    const second = generation(1, ['b'])
    // The same bytes were written once more.
    const current = { ...second, publishedAt: at(20) }
    const input = { ...frame(at(30)), current, records: [first, second], listing: objectsOf([['a', -1]]) }
    expect(planCleanUp(input).keep).toMatchObject([{ name: document('a'), why: 'retained', since: at(20) }])
  })

  it.each([
    '20261121T022354.123Z-0123456789abcdef-repomd.xml.asc',
    '20261121T022354.123Z-0123456789ABCDEF-repomd.xml',
    '20261121T022354Z-0123456789abcdef-repomd.xml',
    '20260231T022354.123Z-0123456789abcdef-repomd.xml',
    '20261321T022354.123Z-0123456789abcdef-repomd.xml',
    'old-repomd.xml',
  ])('have names of their own: %s is none', (name) => {
    const objects = [{ name, size: 1, lastModified: at(-9_999) }]
    const plan = planned({ generations: [generation(0, ['a'])], objects, now: at(10_000) })
    expect(plan.keep).toMatchObject([{ name, why: 'foreign' }])
  })

  it('come after every document in the order of deletion, the oldest first', () => {
    const generations = [3, 1, 2, 0].map((hour) => generation(hour, [`${hour}`]))
    const objects: [string, number][] = [0, 1, 2, 3].map((hour) => [`${hour}`, hour - 0.5])
    const { delete: deletes } = planned({ generations: generations.toSorted(byTime), objects, now: at(100) })
    expect(deletes.map(({ kind, since }) => [kind, since])).toEqual([
      ...[1, 2, 3].map((hour) => ['document', at(hour)]),
      ...[1, 2, 3].map((hour) => ['record', at(hour)]),
    ])
  })

  it('that cannot be read name nothing, and count as generations all the same', () => {
    const broken = knownGeneration(at(1), 'b'.repeat(16), undefined)
    const generations = [generation(0, ['a']), broken, generation(200, ['c'])]
    const plan = planned({
      generations,
      objects: [
        ['a', -1],
        ['c', 199],
      ],
      now: at(30),
    })
    expect(plan.delete).toMatchObject([
      { name: document('a'), since: at(1) },
      { kind: 'record', since: at(1) },
    ])
  })
})

describe('laws of a clean-up', () => {
  const history = fc.record({
    /** Minutes from one publish to the next, and which documents each names: kept ones of the last, and how many new. */
    publishes: fc.array(
      fc.record({
        afterMinutes: fc.integer({ min: 0, max: 3_000 }),
        carriesOver: fc.array(fc.boolean(), { maxLength: 3 }),
        creates: fc.integer({ min: 0, max: 3 }),
        lost: fc.integer({ min: 0, max: 1 }),
        held: fc.boolean(),
        claimedAfterMinutes: fc.option(fc.integer({ min: 0, max: 6_000 }), { nil: undefined }),
      }),
      { minLength: 1, maxLength: 12 },
    ),
    lateMinutes: fc.integer({ min: 0, max: 5_000 }),
    retentionMinutes: fc.integer({ min: 0, max: 3_000 }),
    keepGenerations: fc.integer({ min: 1, max: 4 }),
  })

  it('what repomd.xml names stays, and what a generation named that was superseded within the retention', () => {
    fc.assert(
      fc.property(history, (facts) => {
        const { input, generations } = story(facts)
        const deleted = new Set(planCleanUp(input).delete.map(({ name }) => name))
        for (const [index, { names }] of generations.entries()) {
          const successor = generations[index + 1]
          const supersededAt = successor?.publishedAt.getTime() ?? Number.POSITIVE_INFINITY
          const isRecent = supersededAt + input.retentionMs >= input.now.getTime()
          const isKept = index >= generations.length - input.keepGenerations
          if (isRecent || isKept) for (const name of names) expect(deleted).not.toContain(name)
          if (isRecent || isKept) expect(deleted).not.toContain(directoryOf(generations[index]).id)
        }
        for (const { id, claimedAt, leftAt } of input.directories) {
          const isWithin = (at: Date | undefined, ms: number): boolean =>
            at !== undefined && at.getTime() + ms >= input.now.getTime()
          const isInUse =
            isWithin(leftAt, input.retentionMs) || isWithin(claimedAt, Math.max(input.retentionMs, 15 * minuteMs))
          if (isInUse || input.held.has(id)) expect(deleted).not.toContain(id)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('everything else goes once time has passed and another generation was published', () => {
    fc.assert(
      fc.property(history, (facts) => {
        const { input, generations } = story(facts)
        const next = {
          ...generation(0, ['next']),
          publishedAt: new Date(input.now.getTime() + 2 * minuteMs),
          revision: '999999',
        }
        const later = {
          ...input,
          held: new Set<GenerationId>(),
          directories: input.directories.map((one) => ({ ...one, claimedAt: undefined, leftAt: undefined })),
          keepGenerations: 1,
          current: next,
          records: generations,
          listing: [...objectsOf([['next', 0]]), ...documentsOf(input), ...generations.map(recordObject)],
          now: new Date(next.publishedAt.getTime() + input.retentionMs + 1),
        }
        expect(planCleanUp(later).keep.map(({ name }) => name)).toEqual([document('next')])
      }),
      { numRuns: 500 },
    )
  })

  it('a plan does not depend on the order of the listing or of the records', () => {
    const shuffled = history.chain((facts) => {
      const { input } = story(facts)
      return fc.record({
        input: fc.constant(input),
        listing: fc.shuffledSubarray([...input.listing], { minLength: input.listing.length }),
        records: fc.shuffledSubarray([...input.records], { minLength: input.records.length }),
      })
    })
    fc.assert(
      fc.property(shuffled, ({ input, listing, records }) => {
        expect(planCleanUp({ ...input, listing, records })).toEqual(planCleanUp(input))
      }),
      { numRuns: 300 },
    )
  })

  it('done twice, or cut off and done again, it comes to the same', () => {
    fc.assert(
      fc.property(history, fc.nat(), (facts, cut) => {
        const { input, generations } = story(facts)
        const whole = planCleanUp(input)
        const gone = new Set(whole.delete.slice(0, cut % (whole.delete.length + 1)).map(({ name }) => name))
        const rest = planCleanUp({
          ...input,
          listing: input.listing.filter(({ name }) => !gone.has(name)),
          directories: input.directories.filter(({ id }) => !gone.has(id)),
          records: generations.filter((one) => !gone.has(recordName(one))),
        })
        expect(rest.delete).toEqual(whole.delete.filter(({ name }) => !gone.has(name)))
        expect(rest.keep.map(({ name }) => name)).toEqual(whole.keep.map(({ name }) => name))
      }),
      { numRuns: 500 },
    )
  })
})

interface Facts {
  readonly publishes: readonly {
    readonly afterMinutes: number
    readonly carriesOver: readonly boolean[]
    readonly creates: number
    readonly lost: number
    /** Of the directory of its generation. */
    readonly held: boolean
    readonly claimedAfterMinutes: number | undefined
  }[]
  readonly lateMinutes: number
  readonly retentionMinutes: number
  readonly keepGenerations: number
}

/** A history of publishes, some of them lost, and a clean-up some time after the last. */
function story({ publishes, lateMinutes, retentionMinutes, keepGenerations }: Facts): {
  input: CleanUpInput
  generations: readonly KnownGeneration[]
} {
  const generations: KnownGeneration[] = []
  const objects: [string, number][] = []
  const directories: GenerationDirectory[] = []
  const held = new Set<GenerationId>()
  let hours = 0
  let names: string[] = []
  for (const [index, publish] of publishes.entries()) {
    const { afterMinutes, carriesOver, creates, lost, claimedAfterMinutes } = publish
    hours += afterMinutes / 60
    const created = Array.from({ length: creates }, (_, number) => `${index}-${number}`)
    for (const label of created) objects.push([label, hours])
    for (let number = 0; number < lost; number += 1) objects.push([`lost ${index}-${number}`, hours])
    names = [...names.filter((_, place) => carriesOver[place] === true), ...created]
    const published = generation(hours, names, { revision: String(index) })
    generations.push(published)
    const claimedAt = claimedAfterMinutes === undefined ? undefined : at(hours + claimedAfterMinutes / 60)
    directories.push({ ...directoryOf(published), ...(index % 2 === 0 ? { claimedAt } : { leftAt: claimedAt }) })
    if (publish.held) held.add(directoryOf(published).id)
    if (lost > 0) directories.push(directoryOf(generation(hours, [`lost ${index}`])))
  }
  const current = generations.at(-1)
  if (current === undefined) throw new Error('no publish')
  const records = generations.slice(0, -1)
  const input: CleanUpInput = {
    ...frame(at(hours + lateMinutes / 60), keepGenerations),
    retentionMs: retentionMinutes * minuteMs,
    current,
    records,
    listing: [...objectsOf(objects), ...records.map(recordObject)],
    directories,
    held,
  }
  return { input, generations }
}

/** As its publisher left it, a moment before its swap. */
function directoryOf(one: KnownGeneration | undefined): GenerationDirectory {
  if (one === undefined) throw new Error('there is no such generation')
  const id = `${one.revision}-${one.digest}` as GenerationId
  return {
    id,
    size: 300,
    writtenAt: one.publishedAt,
    claimedAt: undefined,
    leftAt: undefined,
    marks: [],
    isWhole: true,
  }
}

function documentsOf({ listing }: CleanUpInput): RepodataObject[] {
  return listing.filter(({ name }) => !name.endsWith('-repomd.xml'))
}

/** The last of the generations is the current one, the others have records. */
function planned({
  generations,
  objects,
  now,
  keepGenerations = 1,
}: {
  generations: readonly KnownGeneration[]
  objects: readonly (readonly [string, number] | RepodataObject)[]
  now: Date | number
  keepGenerations?: number
}): CleanUpPlan {
  const current = generations.at(-1)
  if (current === undefined) throw new Error('there is no current generation')
  const records = generations.slice(0, -1)
  const listing = [...objectsOf(objects), ...records.map(recordObject)]
  return planCleanUp({ ...frame(new Date(now), keepGenerations), current, records, listing })
}

function frame(now: Date, keepGenerations = 1): Omit<CleanUpInput, 'current' | 'records' | 'listing'> {
  return { now, retentionMs: dayMs, keepGenerations, directories: [], held: new Set() }
}

/** @param labels of documents of ours @param hours after the start */
function generation(
  hours: number,
  labels: readonly string[],
  { revision, hrefs = [] }: { revision?: string; hrefs?: readonly string[] } = {},
): KnownGeneration {
  const element = { name: 'data', attributes: new Map(), children: [] }
  const all = [...labels.map((label) => `repodata/${document(label)}`), ...hrefs]
  const records = all.map((href) => ({ type: 'primary', href, size: 1, openSize: 1, element }))
  const digest = sha256(`${hours} ${labels} ${hrefs} ${revision}`).slice(0, 16)
  return knownGeneration(at(hours), digest, { revision: revision ?? String(Math.round(1e6 + hours * 3_600)), records })
}

function objectsOf(objects: readonly (readonly [string, number] | RepodataObject)[]): RepodataObject[] {
  return objects.map((object) =>
    'name' in object ? object : { name: document(object[0]), size: 100, lastModified: at(object[1]) },
  )
}

function recordObject(one: KnownGeneration): RepodataObject {
  return { name: recordName(one), size: 10, lastModified: one.publishedAt }
}

function recordName(one: KnownGeneration | undefined): string {
  return `${one?.publishedAt.toISOString().replace(/[-:]/g, '')}-${one?.digest}-repomd.xml`
}

function document(label: string): string {
  return `${sha256(label)}-${sha256(label).slice(0, 8)}-primary.xml.gz`
}

function deletedDocuments({ delete: deletes }: CleanUpPlan): string[] {
  return deletes.filter(({ kind }) => kind === 'document').map(({ name }) => name)
}

function byTime(a: KnownGeneration, b: KnownGeneration): number {
  return a.publishedAt.getTime() - b.publishedAt.getTime()
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
