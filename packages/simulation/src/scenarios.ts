/**
 * The kinds of scenarios that are searched: each by chance, and each with more of what it is about.
 */
import * as fc from 'fast-check'
import { contents } from './packages.ts'
import type { Ambush, AmbushEnd, Deed, Scenario } from './scenario.ts'

/** Mostly one and the same: there everybody meets. */
const path = fc.oneof(
  { weight: 4, arbitrary: fc.constant('a.rpm') },
  { weight: 1, arbitrary: fc.constantFrom('b.rpm', 'c.rpm') },
)
const hour = 3_600_000
const afterMs = fc.constantFrom(0, 0, 100_000, 200_000)

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('upload' as const),
      path,
      content: fc.oneof(
        { weight: 9, arbitrary: fc.nat(contents.length - 2) },
        { weight: 1, arbitrary: fc.constant(contents.length - 1) },
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), path }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('clean up' as const, 'clean up' as const, 'look again' as const),
      afterMs,
    }),
  },
)

const turn = fc.nat(2 ** 24 - 1)
const clockOffsetsMs = fc.array(fc.constantFrom(0, -3 * hour, 400 * 24 * hour), { minLength: 3, maxLength: 3 })
const uploadA = fc.constant({ kind: 'upload' as const, path: 'a.rpm', content: 0 })
const uploadAny = fc.record({
  kind: fc.constant('upload' as const),
  path: fc.constantFrom('a.rpm', 'b.rpm', 'c.rpm'),
  content: fc.nat(contents.length - 2),
})
const deleteA = fc.constant({ kind: 'delete' as const, path: 'a.rpm' })

const ambushEnd = fc.constantFrom<AmbushEnd>('go', 'go, but fail to look', 'die', 'die, but the request arrives')
const ambush: fc.Arbitrary<Ambush> = fc.record({
  at: fc.constantFrom(
    'GET el9/repodata/repomd.xml',
    'HEAD el9/a.rpm',
    'GET el9/a.rpm',
    'PUT el9/repodata/pledge-',
    'PUT el9/repodata/repomd.xml if',
    'HEAD el9/repodata/repomd.xml.asc',
    'PUT el9/repodata/repomd.xml.asc',
    'GET el9/mirrorlist',
    'PUT el9/mirrorlist',
    'PUT el9/generations/',
    'DELETE el9/repodata/pledge-',
    'additions delete',
    'removals delete',
  ),
  step: fc.constantFrom('request' as const, 'answer' as const),
  after: fc.nat(4),
  turns: fc.integer({ min: 5, max: 150 }),
  end: ambushEnd,
})

const allMishaps = fc.record({
  faults: fc.boolean(),
  kills: fc.boolean(),
  duplicates: fc.boolean(),
  delays: fc.boolean(),
  freezes: fc.boolean(),
})

const anything: fc.Arbitrary<Scenario> = fc.record({
  addWorkers: fc.integer({ min: 1, max: 3 }),
  removeWorkers: fc.integer({ min: 1, max: 2 }),
  storeKnowsSha256: fc.boolean(),
  signed: fc.boolean(),
  generations: fc.boolean(),
  clockOffsetsMs,
  deeds: fc.array(deed, { minLength: 1, maxLength: 14, size: 'max' }),
  mishaps: allMishaps,
  ambush: fc.oneof(fc.constant(undefined), ambush, ambush),
  turns: fc.array(turn, { maxLength: 400, size: 'max' }),
})

/**
 * A publisher that is slow at its swap, while its package is deleted and others get its messages: what is left to find is
 * found here.
 */
const slowPublishers: fc.Arbitrary<Scenario> = fc.record({
  addWorkers: fc.constant(2),
  removeWorkers: fc.constant(1),
  storeKnowsSha256: fc.constant(true),
  signed: fc.constant(false),
  generations: fc.constant(false),
  clockOffsetsMs,
  deeds: fc
    .array(fc.oneof(deleteA, deleteA, fc.record({ kind: fc.constant('look again' as const), afterMs })), {
      minLength: 1,
      maxLength: 3,
      size: 'max',
    })
    .map((deeds): Deed[] => [{ kind: 'upload', path: 'a.rpm', content: 0 }, ...deeds]),
  mishaps: fc.record({
    faults: fc.boolean(),
    kills: fc.constant(false),
    duplicates: fc.constant(true),
    delays: fc.boolean(),
    freezes: fc.boolean(),
  }),
  ambush: fc.record({
    at: fc.constantFrom(
      'PUT el9/repodata/repomd.xml if',
      'PUT el9/repodata/repomd.xml if',
      'PUT el9/repodata/pledge-',
      'DELETE el9/repodata/pledge-',
      'HEAD el9/a.rpm',
    ),
    step: fc.constantFrom('request' as const, 'answer' as const),
    after: fc.nat(2),
    turns: fc.integer({ min: 50, max: 200 }),
    end: ambushEnd,
  }),
  turns: fc.array(turn, { minLength: 100, maxLength: 400, size: 'max' }),
})

/** A publisher that is slow at its signature, while others publish and sign. */
const slowSigners: fc.Arbitrary<Scenario> = fc.record({
  addWorkers: fc.integer({ min: 2, max: 3 }),
  removeWorkers: fc.constant(1),
  storeKnowsSha256: fc.constant(true),
  signed: fc.constant(true),
  generations: fc.constant(false),
  clockOffsetsMs,
  deeds: fc.array(fc.oneof({ weight: 3, arbitrary: uploadAny }, { weight: 1, arbitrary: deleteA }), {
    minLength: 3,
    maxLength: 8,
    size: 'max',
  }),
  mishaps: allMishaps,
  ambush: fc.record({
    at: fc.constantFrom(
      'PUT el9/repodata/repomd.xml.asc',
      'PUT el9/repodata/repomd.xml.asc',
      'GET el9/repodata/repomd.xml.asc',
      'HEAD el9/repodata/repomd.xml',
      'PUT el9/repodata/repomd.xml if',
    ),
    step: fc.constantFrom('request' as const, 'answer' as const),
    after: fc.nat(3),
    turns: fc.integer({ min: 20, max: 200 }),
    end: ambushEnd,
  }),
  turns: fc.array(turn, { minLength: 100, maxLength: 400, size: 'max' }),
})

/** A publisher that is slow at the directory of its generation or at the mirrorlist, while others publish and clean up. */
const slowFollowers: fc.Arbitrary<Scenario> = fc.record({
  addWorkers: fc.integer({ min: 2, max: 3 }),
  removeWorkers: fc.constant(1),
  storeKnowsSha256: fc.constant(true),
  signed: fc.boolean(),
  generations: fc.constant(true),
  clockOffsetsMs,
  deeds: fc.array(
    fc.oneof(
      { weight: 4, arbitrary: uploadAny },
      { weight: 1, arbitrary: deleteA },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constantFrom('clean up' as const, 'look again' as const), afterMs }),
      },
    ),
    { minLength: 3, maxLength: 10, size: 'max' },
  ),
  mishaps: allMishaps,
  ambush: fc.record({
    at: fc.constantFrom(
      'PUT el9/mirrorlist',
      'PUT el9/mirrorlist',
      'GET el9/mirrorlist',
      'PUT el9/generations/',
      'DELETE el9/generations/',
      'HEAD el9/repodata/repomd.xml',
      'PUT el9/repodata/repomd.xml if',
    ),
    step: fc.constantFrom('request' as const, 'answer' as const),
    after: fc.nat(3),
    turns: fc.integer({ min: 20, max: 200 }),
    end: ambushEnd,
  }),
  turns: fc.array(turn, { minLength: 150, maxLength: 400, size: 'max' }),
})

/** A clean-up that is slow at a deletion, while others clean up too and the same packages come again. */
const slowCleanUps: fc.Arbitrary<Scenario> = fc.record({
  addWorkers: fc.constant(1),
  removeWorkers: fc.constant(1),
  storeKnowsSha256: fc.constant(true),
  signed: fc.constant(false),
  generations: fc.boolean(),
  clockOffsetsMs,
  deeds: fc.array(
    fc.oneof(
      { weight: 2, arbitrary: uploadA },
      { weight: 2, arbitrary: deleteA },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('clean up' as const), afterMs }) },
    ),
    { minLength: 6, maxLength: 14, size: 'max' },
  ),
  mishaps: fc.constant({ faults: false, kills: false, duplicates: false, delays: true, freezes: false }),
  ambush: fc.record({
    at: fc.constantFrom('DELETE el9/repodata/', 'DELETE el9/repodata/', 'DELETE el9/generations/'),
    step: fc.constant('request' as const),
    after: fc.nat(8),
    turns: fc.integer({ min: 50, max: 300 }),
    end: fc.constantFrom('go' as const, 'die, but the request arrives' as const),
  }),
  turns: fc.array(turn, { minLength: 200, maxLength: 400, size: 'max' }),
})

/** People put packages into the inbox, over one another too, and work in the repository besides. */
const inboxes: fc.Arbitrary<Scenario> = fc.record({
  addWorkers: fc.integer({ min: 1, max: 3 }),
  removeWorkers: fc.constant(1),
  storeKnowsSha256: fc.boolean(),
  signed: fc.constant(false),
  generations: fc.constant(false),
  inbox: fc.record({ replaces: fc.boolean(), tellsOfWorkers: fc.boolean() }),
  clockOffsetsMs,
  deeds: fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('upload' as const),
          path,
          content: fc.nat(contents.length - 1),
          into: fc.constant('inbox' as const),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('delete' as const), path, into: fc.constant('inbox' as const) }),
      },
      { weight: 1, arbitrary: uploadAny },
      { weight: 1, arbitrary: deleteA },
    ),
    { minLength: 1, maxLength: 10, size: 'max' },
  ),
  mishaps: allMishaps,
  ambush: fc.oneof(
    fc.constant(undefined),
    fc.record({
      at: fc.constantFrom(
        'HEAD inbox/a.rpm',
        'GET inbox/a.rpm',
        'HEAD el9/a.rpm',
        'PUT el9/a.rpm',
        'PUT rejected/a.rpm',
        'DELETE inbox/a.rpm',
        'PUT el9/repodata/repomd.xml if',
      ),
      step: fc.constantFrom('request' as const, 'answer' as const),
      after: fc.nat(3),
      turns: fc.integer({ min: 5, max: 150 }),
      end: ambushEnd,
    }),
  ),
  turns: fc.array(turn, { maxLength: 300, size: 'max' }),
})

const name = fc.constantFrom('s', 't')
const back = fc.nat(3)
const rollBack = fc.record({ kind: fc.constant('roll back' as const), back })
const takeSnapshot = fc.record({ kind: fc.constant('take snapshot' as const), name, back })
const dayMs = 24 * hour

/** People go back to older generations, forward again, and give them names, while others publish and clean up. */
const rollbacks: fc.Arbitrary<Scenario> = fc.record({
  addWorkers: fc.integer({ min: 1, max: 3 }),
  removeWorkers: fc.constant(1),
  storeKnowsSha256: fc.constant(true),
  signed: fc.boolean(),
  generations: fc.constant(true),
  retentionMs: fc.constant(dayMs),
  clockOffsetsMs,
  history: fc
    .tuple(
      fc.array(uploadAny, { minLength: 2, maxLength: 4, size: 'max' }),
      fc.array(fc.oneof(rollBack, takeSnapshot, takeSnapshot), { maxLength: 2, size: 'max' }),
      uploadAny,
    )
    .map(([uploads, people, upload]): Deed[] => [...uploads, ...people, upload]),
  deeds: fc.array(
    fc.oneof<fc.MaybeWeightedArbitrary<Deed>[]>(
      { weight: 4, arbitrary: uploadAny },
      { weight: 1, arbitrary: deleteA },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constantFrom('clean up' as const, 'clean up' as const, 'look again' as const),
          afterMs: fc.constantFrom(0, 100_000, dayMs / 2, dayMs + hour, 2 * dayMs),
        }),
      },
      { weight: 3, arbitrary: rollBack },
      { weight: 2, arbitrary: fc.constant({ kind: 'resume' as const }) },
      { weight: 3, arbitrary: takeSnapshot },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop snapshot' as const), name }) },
    ),
    { minLength: 4, maxLength: 18, size: 'max' },
  ),
  mishaps: allMishaps,
  ambush: fc.oneof(
    fc.constant(undefined),
    fc.record({
      at: fc.constantFrom(
        'GET el9/mirrorlist',
        'PUT el9/mirrorlist',
        'PUT el9/snapshots/',
        'DELETE el9/snapshots/',
        'PUT el9/generations/',
        'DELETE el9/generations/',
        'LIST el9/generations/',
        'PUT el9/repodata/repomd.xml if',
      ),
      step: fc.constantFrom('request' as const, 'answer' as const),
      after: fc.nat(5),
      turns: fc.integer({ min: 5, max: 150 }),
      end: ambushEnd,
    }),
  ),
  turns: fc.array(turn, { minLength: 100, maxLength: 400, size: 'max' }),
})

/** Packages have to be signed, and some of them are not. */
const policies: fc.Arbitrary<Scenario> = anything.map((scenario) => ({ ...scenario, trusts: 'signed' as const }))

/** Each has seeds of its own: that one grows moves none of another's. */
export const scenarios = {
  repositories: anyRepository(),
  inboxes,
  policies,
  rollbacks,
} as const satisfies Readonly<Record<string, fc.Arbitrary<Scenario>>>

export type ScenarioKind = keyof typeof scenarios

export const scenarioKinds = Object.keys(scenarios) as readonly ScenarioKind[]

function anyRepository(): fc.Arbitrary<Scenario> {
  return fc.oneof(
    { weight: 4, arbitrary: anything },
    { weight: 3, arbitrary: slowPublishers },
    { weight: 2, arbitrary: slowCleanUps },
    { weight: 2, arbitrary: slowSigners },
    { weight: 2, arbitrary: slowFollowers },
  )
}
