import type { Mutation } from './mutations.ts'

const use = 'repository/src/generation-use.ts'
const directories = 'repository/src/generation-directories.ts'
const claim = 'repository/src/generation-claim.ts'

/** Ways to break what people do with generations, and what a clean-up leaves to them. */
export const brokenRollbacks: readonly Mutation[] = [
  {
    name: 'who begins to use a generation does not look whether it is going',
    because: 'clients are sent to what a clean-up is taking away',
    seed: 40,
    patches: [
      {
        file: claim,
        find: 'return now === undefined || now.getTime() - lastModified.getTime() < goingMs',
        replace: 'return now === lastModified',
      },
      {
        file: use,
        find: 'repomd !== undefined && faults.length === 0',
        replace: 'repomd !== undefined && faults.length >= 0',
      },
    ],
  },
  {
    name: 'a clean-up does not look who has begun to use a generation',
    because: 'clients are sent to what it is taking away',
    seed: 215,
    patches: [
      {
        file: directories,
        find: 'const isUsed = objects.some(isNew) || ',
        replace: 'const isUsed = objects.every(isNew) || ',
      },
    ],
  },
  {
    name: 'a clean-up spares no snapshots',
    because: 'a name that was to stay leads nowhere',
    seed: 10,
    patches: [
      {
        file: 'repository/src/generation-holders.ts',
        find: 'return new Set([...(named === undefined ? [] : [named]), ...snapshots.values()])',
        replace: 'return new Set(named === undefined || snapshots.size < 0 ? [] : [named])',
      },
    ],
  },
  {
    name: 'a snapshot goes, and nobody is told of its clients',
    because: 'what they are installing from goes at once, for it was superseded long ago',
    seed: 60,
    patches: [
      {
        file: use,
        find: 'if (id !== undefined) await markLeft(',
        replace: 'if (id === name) await markLeft(',
      },
    ],
  },
  {
    name: 'a resumed mirrorlist is left where it was until the next publish',
    because: 'clients do not see what is published, and nobody has asked for that',
    seed: 28,
    patches: [
      { file: use, find: '    await keepGeneration(location, context)\n', replace: '' },
      {
        file: 'repository/src/generations.ts',
        find: '      if (named?.isPinned === true) return true\n',
        replace: '      if (named !== undefined) return true\n',
      },
    ],
  },
  {
    name: 'a publish follows although the mirrorlist is pinned',
    because: 'a person has sent clients back, and they come forward again',
    patches: [
      {
        file: 'repository/src/generations.ts',
        find: '      if (named?.isPinned === true) return true\n',
        replace: '',
      },
    ],
  },
]
