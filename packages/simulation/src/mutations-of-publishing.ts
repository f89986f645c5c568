import type { Mutation } from './mutations.ts'

const reconcile = 'repository/src/reconcile.ts'
const publish = 'repository/src/publish.ts'

/** Ways to break the order and the conditions in which documents and repomd.xml are written. */
export const brokenPublishing: readonly Mutation[] = [
  {
    name: 'unconditional put of repomd.xml',
    because: 'two publishes at once lose the packages of one of them',
    seed: 18,
    patches: [
      {
        file: publish,
        find: '  if (singleWriter) return',
        replace: '  if (singleWriter || true) return',
      },
    ],
  },
  {
    name: 'a lost race counts as a publish',
    because: 'the messages of a publish that never landed are deleted',
    seed: 21,
    patches: [
      {
        file: publish,
        find: `  if (outcome.kind === 'conflict') return outcome
  warn(`,
        replace: `  if (outcome.kind === 'conflict') return { kind: 'published', etag: '"x"' as ETag, revision, bytesSent: 0 }
  warn(`,
      },
    ],
  },
  {
    name: 'repomd.xml before the documents',
    because: 'clients read a repomd.xml whose documents are not there yet',
    seed: 39,
    patches: [
      {
        file: publish,
        find: `    const outcome = await store.put(
      key,
`,
        replace: `    const put = (...parameters: Parameters<typeof store.put>) => {
      store.put(...parameters).catch(() => {})
      return { kind: 'stored' as const, etag: '' }
    }
    const outcome = put(
      key,
`,
      },
    ],
  },
  {
    name: 'reuse of a document that clean-up may take',
    because: 'a document of an old generation is named again while it is being deleted',
    seed: 49,
    patches: [
      { file: publish, find: 'documentHref(draft, context.random())', replace: 'documentHref(draft, 0)' },
      { file: publish, find: "    if (outcome.kind === 'conflict') continue\n", replace: '' },
    ],
  },
  {
    name: 'a name that is used twice',
    because: 'a DELETE of a clean-up that arrives late takes the document that was created anew',
    seed: 1086,
    patches: [
      {
        file: publish,
        find: 'documentHref(draft, context.random())',
        replace: 'documentHref(draft, attempt === 0 ? 0 : context.random())',
      },
    ],
  },
  {
    name: 'no pledge to look again',
    because: 'a worker that is killed between the swap and its last look leaves what changed meanwhile to nobody',
    seed: 1015,
    patches: [
      {
        file: 'repository/src/pledge.ts',
        find: `  const bytes = Buffer.from(JSON.stringify({ lookAgainAt: [...paths] }))
`,
        replace: `  if (root !== '') return 'el9/repodata/none'
  const bytes = Buffer.from(JSON.stringify({ lookAgainAt: [...paths] }))
`,
      },
    ],
  },
  {
    name: 'the pledge is taken back before the last look',
    because: 'the same, when it is killed between the two',
    seed: 1015,
    patches: [
      {
        file: reconcile,
        find: `      return { observations, plan, swapped: changes }
`,
        replace: `      await takeBackPledges(location, tally.pledges, context)
      return { observations, plan, swapped: changes }
`,
      },
    ],
  },
]
