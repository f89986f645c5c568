import type { Mutation } from './mutations.ts'

const reconcile = 'repository/src/reconcile.ts'
const publish = 'repository/src/publish.ts'
const follower = 'repository/src/repomd-follower.ts'
const generations = 'repository/src/generations.ts'

/** Ways to break what follows repomd.xml: its signature, and the mirrorlist with the generations. */
export const brokenFollowers: readonly Mutation[] = [
  {
    name: 'the signature is put over whatever is there',
    because: 'the signature of an older generation comes after that of a newer one, and stays',
    seed: 30,
    patches: [
      {
        file: follower,
        find: "context.singleWriter ? { if: 'always' } : condition",
        replace: "context.singleWriter || condition.if !== undefined ? { if: 'always' } : condition",
      },
    ],
  },
  {
    name: 'whoever is late with a signature tries again without a look at repomd.xml',
    because: 'the signature of an older generation replaces that of a newer one',
    seed: 30,
    patches: [{ file: follower, find: 'if (now?.etag !== etag) return', replace: "if (now?.etag === '') return" }],
  },
  {
    name: 'nobody signs for who died before he signed',
    because: 'clients refuse what was published last, until the next publish',
    seed: 900,
    patches: [
      {
        file: reconcile,
        find: `      // What is published says it already, but who published it may have died before its signature and the mirrorlist followed.
      await keepFollowers(location, context)
`,
        replace: '',
      },
      {
        file: reconcile,
        find: `    await keepFollowers(location, context)
    return []
`,
        replace: `    return []
`,
      },
    ],
  },
  {
    name: 'the directory of a generation is written after the swap',
    because: 'the mirrorlist names what is not there yet',
    seed: 4,
    patches: [
      {
        file: generations,
        find: '    await writeDirectory(location, id, repomd, prepared, context)\n    return textOf(id, there)\n',
        replace:
          '    void writeDirectory(location, id, repomd, prepared, context).catch(() => {})\n    return textOf(id, there)\n',
      },
    ],
  },
  {
    name: 'the mirrorlist names a generation before it is published',
    because: 'the swap may be lost to another, and clients have seen what never was',
    seed: 4,
    patches: [
      {
        file: publish,
        find: '  await beforeSwap()\n',
        replace:
          '  if (mirrorlist !== undefined) await location.store.put(mirrorlist.follower.key, mirrorlist.bytes, { if: "always" })\n  await beforeSwap()\n',
      },
    ],
  },
]
