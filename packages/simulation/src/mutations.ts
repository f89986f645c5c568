/**
 * Ways to break the code that the simulation must notice. Each replaces a piece of a source file, which has to be there
 * exactly once: a mutation that no longer fits the code says so.
 */

import type { ScenarioKind } from './scenario.ts'

/** The environment variable that names a mutation to `mutate.ts`. */
export const mutationVariable = 'REPOKEEPER_MUTATION'

export interface Patch {
  /** Below `packages/`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface Mutation {
  readonly name: string
  /** What goes wrong, for people. */
  readonly because: string
  /** What has to happen for it to show. Default: `repositories`. */
  readonly of?: ScenarioKind
  /** A run in which it showed when this was written: a search that begins here need not go far. Default: 1. */
  readonly seed?: number
  readonly patches: readonly Patch[]
}

const reconcile = 'repository/src/reconcile.ts'
const publish = 'repository/src/publish.ts'
const observe = 'repository/src/observe.ts'
const follower = 'repository/src/repomd-follower.ts'
const generations = 'repository/src/generations.ts'
const admit = 'repository/src/admit-package.ts'
const reconcileInbox = 'repository/src/reconcile-inbox.ts'
const cleanUpPlan = 'repository/src/clean-up-plan.ts'

export const mutations: readonly Mutation[] = [
  {
    name: 'observe before the snapshot',
    because: 'what others published between the look at the bucket and the snapshot is overwritten by an older look',
    seed: 339,
    patches: [
      {
        file: reconcile,
        find: `    const { snapshot, observations } = await look(location, paths, reader, context, { readListed: takesOut })
`,
        replace: `    const { observations: early } = await look(location, paths, reader, context, {})
    const snapshot = await readIndexedSnapshot(location, context)
    const observations = early.map((one) => ({ ...one, listed: snapshot.index.at(one.path) }))
`,
      },
    ],
  },
  {
    name: 'no second look after the swap',
    because: 'a slow worker lists for ever what was deleted while it published',
    seed: 80,
    patches: [
      {
        file: reconcile,
        find: 'const looked = await lookAgain(location, published.observations, context)',
        replace: 'const looked = { changed: new Set<string>(), faults: new Map<string, StoreError>() }',
      },
    ],
  },
  {
    name: 'a second look that failed counts as one',
    because: 'what could not be looked at may have changed',
    seed: 1828,
    patches: [
      { file: reconcile, find: '[...looked.changed, ...looked.faults.keys()]', replace: '[...looked.changed]' },
      {
        file: reconcile,
        find: `      for (const [path, fault] of looked.faults) decide(path, { kind: 'undecided', error: fault })
`,
        replace: '',
      },
    ],
  },
  {
    name: 'unconditional put of repomd.xml',
    because: 'two publishes at once lose the packages of one of them',
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
    name: 'after a lost race the old look at the bucket is used again',
    because: 'what changed meanwhile is overwritten by the older look',
    patches: [
      {
        file: reconcile,
        find: `  for (let conflicts = 0; ; ) {
`,
        replace: `  let kept: readonly Observation[] | undefined
  for (let conflicts = 0; ; ) {
`,
      },
      {
        file: reconcile,
        find: `    const { snapshot, observations } = await look(location, paths, reader, context, { readListed: takesOut })
`,
        replace: `    kept ??= (await look(location, paths, reader, context, {})).observations
    const snapshot = await readIndexedSnapshot(location, context)
    const observations = kept.map((one) => ({ ...one, listed: snapshot.index.at(one.path) }))
`,
      },
    ],
  },
  {
    name: 'delete the message first',
    because: 'a worker that is killed takes the change with it',
    patches: [
      {
        file: 'worker/src/worker.ts',
        find: `    const complete: HeldMessage[] = []
    await Promise.all(
`,
        replace: `    await this.#parts.queue.delete(fresh.map(({ message }) => message))
    const complete: HeldMessage[] = []
    await Promise.all(
`,
      },
    ],
  },
  {
    name: 'delete the message before the second look',
    because: 'a worker that is killed before it has looked again leaves what changed meanwhile to nobody',
    seed: 432,
    patches: [
      {
        file: reconcile,
        find: `      const looked = await lookAgain(location, published.observations, context)
`,
        replace: `      void lookAgain(location, published.observations, context)
        .then(({ changed }) =>
          changed.size === 0 ? undefined : reconcile(location, new Set([...changed].map((path) => root + path)), context),
        )
        .catch(() => {})
      const looked = { changed: new Set<string>(), faults: new Map<string, StoreError>() }
`,
      },
    ],
  },
  {
    name: 'delete refused messages',
    because: 'a package that cannot be read is reported nowhere',
    patches: [
      {
        file: 'worker/src/settle.ts',
        find: `    return { kind: 'refused', afterSeconds: backOffSeconds(message.receiveCount, refusedDelay, random) }
`,
        replace: `    return { kind: 'delete' }
`,
      },
    ],
  },
  {
    name: 'delete messages whose publish failed',
    because: 'a fault of the store loses the change',
    patches: [
      {
        file: 'worker/src/settle.ts',
        find: '  if (message.faults.length > 0) {',
        replace: '  if (message.faults.length > 9) {',
      },
      {
        file: 'worker/src/publisher.ts',
        find: '    if (once || this.#windows !==',
        replace: '    if (Number.NaN !== 0 || once || this.#windows !==',
      },
    ],
  },
  {
    name: "trust the event's name",
    because: 'a removal that comes late takes away what was uploaded since',
    patches: [
      {
        file: observe,
        find: `    const head = await location.store.head(\`\${location.root}\${path}\`, withSignal(context))
    if (head === undefined) return { kind: 'absent', path, listed }
`,
        replace: `    const head = await location.store.head(\`\${location.root}\${path}\`, withSignal(context))
    const said = (globalThis as { said?: Map<string, string> }).said?.get(path)
    if (head === undefined || said?.startsWith('ObjectRemoved')) return { kind: 'absent', path, listed }
`,
      },
      {
        file: 'repository/src/change.ts',
        find: 'export function interpretMessage(body: string): Interpretation {\n',
        replace: `export function interpretMessage(body: string): Interpretation {
  const found = /"eventName":"([^"]+)".*"key":"[^"]*%2F([^"]+)"/.exec(body)
  const world = globalThis as { said?: Map<string, string> }
  world.said ??= new Map()
  if (found !== null) world.said.set(found[2] ?? '', found[1] ?? '')
`,
      },
    ],
  },
  {
    name: 'header and digest of two versions of an object',
    because: 'a package replaced while it is read is listed with the digest of one file and the header of another',
    seed: 126,
    patches: [
      {
        file: 'repository/src/read-ranges.ts',
        find: 'const got = await store.get(key, { ...(signal && { signal }), range, ifMatch: etag })',
        replace: 'const got = await store.get(key, { ...(signal && { signal }), range })',
      },
      {
        file: 'repository/src/read-ranges.ts',
        find: "  return bytes.length === length ? bytes : 'changed'\n",
        replace: '  return bytes\n',
      },
    ],
  },
  {
    name: 'repomd.xml before the documents',
    because: 'clients read a repomd.xml whose documents are not there yet',
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
    name: 'clean-up by the age of a document',
    because: 'a document that was published long ago and superseded just now is taken from those who are reading it',
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
  {
    name: 'the signature is put over whatever is there',
    because: 'the signature of an older generation comes after that of a newer one, and stays',
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
    patches: [
      {
        file: generations,
        find: '    await writeDirectory(location, id, repomd, prepared, context)\n    return textOf(id)\n',
        replace:
          '    void writeDirectory(location, id, repomd, prepared, context).catch(() => {})\n    return textOf(id)\n',
      },
    ],
  },
  {
    name: 'the mirrorlist names a generation before it is published',
    because: 'the swap may be lost to another, and clients have seen what never was',
    patches: [
      {
        file: publish,
        find: '  await beforeSwap()\n',
        replace:
          '  if (mirrorlist !== undefined) await location.store.put(mirrorlist.follower.key, mirrorlist.bytes, { if: "always" })\n  await beforeSwap()\n',
      },
    ],
  },
  {
    name: 'a generation goes as soon as another took its place',
    because: 'a client that has just read the mirrorlist finds nothing where it is sent',
    patches: [
      {
        file: cleanUpPlan,
        find: "return afterRetention('generation', claimedAt === undefined ? superseded : laterOf(superseded, claimedAt), input)",
        replace:
          "return superseded === undefined ? { why: 'not superseded' } : { kind: 'generation', since: superseded }",
      },
    ],
  },
  {
    name: 'an inbox is emptied before its package stands elsewhere',
    because: 'a worker that dies between the two has lost the package',
    of: 'inboxes',
    patches: [
      {
        file: admit,
        find: '  const copied = await copyTo(',
        replace: '  await takeOut(store, head, context)\n  const copied = await copyTo(',
      },
    ],
  },
  {
    name: 'whatever lies in the inbox by now is deleted',
    because: 'what was uploaded while the one before it was moved is lost',
    of: 'inboxes',
    patches: [
      {
        file: admit,
        find: '{ ifMatch: etag, ...withSignal(context) })\n  return kind',
        replace: 'withSignal(context))\n  return kind',
      },
    ],
  },
  {
    name: 'a package of an inbox is put over whatever is there',
    because: 'what was uploaded to the repository meanwhile is lost',
    of: 'inboxes',
    seed: 225,
    patches: [
      {
        file: admit,
        find: "context.singleWriter ? { if: 'always' } : condition",
        replace: "context.singleWriter || condition.if !== undefined ? { if: 'always' } : condition",
      },
    ],
  },
  {
    name: 'the message of a package that was moved already is settled at once',
    because: 'who moved it may have died before it was listed, and nobody else is told',
    of: 'inboxes',
    patches: [
      {
        file: reconcileInbox,
        find: '      if (place.target.startsWith(location.root)) targets',
        replace:
          "      if (admission.kind === 'gone') return void rejected.add(key)\n      if (place.target.startsWith(location.root)) targets",
      },
    ],
  },
  {
    name: 'nobody looks where a rejected package was meant to go',
    because: 'what stands in its way may be a copy of which the worker died before it was listed',
    of: 'inboxes',
    seed: 225,
    patches: [
      {
        file: reconcileInbox,
        find: '      if (place.target.startsWith(location.root)) targets',
        replace: "      if (admission.kind !== 'rejected' && place.target.startsWith(location.root)) targets",
      },
    ],
  },
  {
    name: 'the reason of a rejected package comes after it',
    because: 'a worker that dies between the two leaves it without one',
    of: 'inboxes',
    patches: [
      {
        file: admit,
        find: '  const key = rejectedKey(head.key, inbox)\n',
        replace:
          "  const key = rejectedKey(head.key, inbox)\n  if ((await copyTo(store, head, key, { if: 'always' }, context)) !== 'stored') return 'changed'\n",
      },
    ],
  },
  {
    name: 'what is not signed is let in',
    because: 'the policy is not asked',
    of: 'policies',
    patches: [
      {
        file: 'repository/src/package-policy.ts',
        find: "return policy.kind === 'signed' ? policy.verifier : undefined",
        replace: "return policy.kind === 'signed' && policy.verifier === undefined ? policy.verifier : undefined",
      },
    ],
  },
]
