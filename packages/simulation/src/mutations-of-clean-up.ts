import type { Mutation } from './mutations.ts'

const cleanUpPlan = 'repository/src/clean-up-plan.ts'

/** Ways to break what a clean-up spares. */
export const brokenCleanUp: readonly Mutation[] = [
  {
    name: 'clean-up by the age of a document',
    because: 'a document that was published long ago and superseded just now is taken from those who are reading it',
    seed: 22,
    patches: [
      {
        file: cleanUpPlan,
        find: `  unnamedSince({ name, lastModified }: RepodataObject): Date | undefined {
`,
        replace: `  unnamedSince({ name, lastModified }: RepodataObject): Date | undefined {
    if (name !== '') return lastModified
`,
      },
    ],
  },
  {
    name: 'clean-up counts from when a generation was published',
    because: 'one that stood for a day would go as soon as it is superseded',
    seed: 22,
    patches: [
      {
        file: 'repository/src/known-generation.ts',
        find: 'supersededAt: firstAfter(generation, ordered, from, at) }',
        replace: 'supersededAt: firstAfter(generation, ordered, from, at) && generation.publishedAt }',
      },
    ],
  },
  {
    name: 'clean-up takes what nothing names yet',
    because: 'a slow publish names documents that are gone',
    seed: 22,
    patches: [
      {
        file: cleanUpPlan,
        find: 'if (naming.length === 0) return this.supersededSince(lastModified)',
        replace: 'if (naming.length === 0) return lastModified',
      },
    ],
  },
  {
    name: 'clean-up by the clock of this machine',
    because: 'a clock that is ahead takes what was superseded a moment ago',
    seed: 117,
    patches: [
      {
        file: 'repository/src/retention.ts',
        find: 'const now = await store.clock({ near: repomdKey(root), ...withSignal(context) })',
        replace: 'const now = (context as RepositoryContext).now()',
      },
    ],
  },
  {
    name: 'a generation goes as soon as another took its place',
    because: 'a client that has just read the mirrorlist finds nothing where it is sent',
    seed: 22,
    patches: [
      {
        file: cleanUpPlan,
        find: "return afterRetention('generation', used.reduce<Date | undefined>(laterOf, superseded), input)",
        replace:
          "return superseded === undefined ? { why: 'not superseded' } : { kind: 'generation', since: superseded }",
      },
    ],
  },
]
