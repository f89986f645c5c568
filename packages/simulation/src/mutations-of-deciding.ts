import type { Mutation } from './mutations.ts'

const reconcile = 'repository/src/reconcile.ts'
const observe = 'repository/src/observe.ts'

/** Ways to break how it is decided what is listed, and when a message is done. */
export const brokenDecisions: readonly Mutation[] = [
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
    name: 'after a lost race the old look at the bucket is used again',
    because: 'what changed meanwhile is overwritten by the older look',
    seed: 22,
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
    seed: 18,
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
    seed: 4,
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
    seed: 33,
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
]
