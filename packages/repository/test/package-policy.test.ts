import { randomBytes } from 'node:crypto'
import { MemoryStore, type ObjectStore } from '@repokeeper/object-store'
import { parsePackage, Tag } from '@repokeeper/rpm-parser'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { describe, expect, it } from 'vitest'
import {
  type AuditOptions,
  auditRepository,
  type PackageVerifier,
  type ReconcileOptions,
  rebuildRepository,
  reconcile,
  repairRepository,
} from '../src/index.ts'
import { intercept, locationIn, newContext, putPackage, readPublished, tickingStore } from './workbench.ts'

const root = 'el9/x86_64/'
const keyOf = (name: string): string => `${root}${name}.rpm`

/** Believes packages by their names; those that begin with "old-" only once all of the payload was shown. */
class NameVerifier implements PackageVerifier {
  readonly #believed: readonly string[]
  /** Names, as often as they were asked for, and what was shown of their payloads. */
  readonly asked: string[] = []
  readonly payloads = new Map<string, Buffer>()

  constructor(...believed: readonly string[]) {
    this.#believed = believed
  }

  begin(rpm: ReturnType<typeof parsePackage>): ReturnType<PackageVerifier['begin']> {
    const name = rpm.header.string(Tag.NAME) ?? ''
    this.asked.push(name)
    this.payloads.set(name, Buffer.alloc(0))
    const isOld = name.startsWith('old-')
    const wholeVerdict = () =>
      this.#believed.includes(name)
        ? ({ kind: 'signed', by: { keyId: 'a1', userId: 'Alice' } } as const)
        : ({ kind: 'refused', code: 'UNKNOWN_KEY', reason: 'of key b2', signatures: [{ keyId: 'b2' }] } as const)
    const headerVerdict = () =>
      isOld
        ? ({ kind: 'refused', code: 'PAYLOAD_NEEDED', reason: 'not read', signatures: [] } as const)
        : wholeVerdict()
    return {
      payloadNeeded: isOld,
      update: (bytes) =>
        void this.payloads.set(name, Buffer.concat([this.payloads.get(name) ?? Buffer.alloc(0), bytes])),
      headerVerdict,
      wholeVerdict,
    }
  }
}

/** What nothing compresses. */
const files = [{ path: '/a', content: randomBytes(300_000) }]

const reason =
  'of key b2; add that key to the keyring if it is to be believed, or sign the package with one that is in it'
const signedBy = (...believed: string[]) => {
  const verifier = new NameVerifier(...believed)
  return { verifier, parts: { packagePolicy: { kind: 'signed', verifier } as const } }
}

async function publish(
  store: ObjectStore,
  names: readonly string[],
  parts: Parameters<typeof newContext>[0] = {},
  options: ReconcileOptions = {},
) {
  const context = await newContext(parts)
  const report = await reconcile(locationIn(store), new Set(names.map(keyOf)), context, options)
  return { ...report, events: context.events }
}

async function put(store: ObjectStore, ...names: readonly string[]): Promise<void> {
  for (const name of names) await putPackage(store, keyOf(name), { name })
}

async function listed(store: ObjectStore): Promise<string[]> {
  return [...(await readPublished(locationIn(store))).packages.keys()]
}

const stores: readonly [string, () => MemoryStore][] = [
  ['whose digest the store knows', () => tickingStore({ sha256: 'always' })],
  ['that are streamed for their digest', () => tickingStore({ sha256: 'never' })],
]

describe.each(stores)('with a policy, of packages %s', (_, newStore) => {
  it('one that is not believed is refused by name with key and remedy, and the rest of its batch is published', async () => {
    const store = newStore()
    await put(store, 'good', 'stranger')
    const { verdicts, events } = await publish(store, ['good', 'stranger'], signedBy('good').parts)
    expect(await listed(store)).toEqual(['good.rpm'])
    expect(verdicts.get(keyOf('stranger'))).toEqual({ kind: 'refused', code: 'UNKNOWN_KEY', reason })
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'refused', path: 'stranger.rpm', code: 'UNKNOWN_KEY', reason }),
    )
  })

  it('one that takes the place of a listed one and is refused takes its entry out: nobody has those bytes any more', async () => {
    const store = newStore()
    await put(store, 'good', 'other')
    await publish(store, ['good', 'other'], signedBy('good', 'other').parts)
    await putPackage(store, keyOf('good'), { name: 'stranger' })
    const { verdicts } = await publish(store, ['good'], signedBy('good', 'other').parts)
    expect(verdicts.get(keyOf('good'))).toMatchObject({ kind: 'refused', code: 'UNKNOWN_KEY' })
    expect(await listed(store)).toEqual(['other.rpm'])
  })

  it('one that is listed stays with the same bytes, whatever another worker believes', async () => {
    const store = newStore()
    await put(store, 'good', 'stranger')
    await publish(store, ['good', 'stranger'])
    await publish(store, ['good', 'stranger'], signedBy().parts)
    expect(await listed(store)).toEqual(['good.rpm', 'stranger.rpm'])
    // The same bytes again have another time, and are read.
    await put(store, 'stranger')
    const { verdicts } = await publish(store, ['stranger'], signedBy('good').parts)
    expect(verdicts.get(keyOf('stranger'))?.kind).toBe('refused')
    expect(await listed(store)).toEqual(['good.rpm', 'stranger.rpm'])
  })

  it('one that is listed and refused goes where that is asked for, and one that is believed is left as it is', async () => {
    const store = newStore()
    await put(store, 'good', 'stranger')
    await publish(store, ['good', 'stranger'])
    await publish(store, ['good', 'stranger'], signedBy('good').parts, { takesOut: true })
    expect(await listed(store)).toEqual(['good.rpm'])
    expect(await store.head(keyOf('stranger'))).toBeDefined()
  })

  it('what one keyring has refused another is asked about anew, with the same cache on disk', async () => {
    const store = newStore()
    await put(store, 'late')
    const context = await newContext(signedBy().parts)
    await reconcile(locationIn(store), new Set([keyOf('late')]), context)
    expect(await store.head(`${root}repodata/repomd.xml`)).toBeUndefined()
    await reconcile(locationIn(store), new Set([keyOf('late')]), { ...context, ...signedBy('late').parts })
    expect(await listed(store)).toEqual(['late.rpm'])
    const { verifier, parts } = signedBy()
    await putPackage(store, keyOf('late'), { name: 'late', version: '2' })
    await reconcile(locationIn(store), new Set([keyOf('late')]), { ...context, ...parts })
    expect(verifier.asked).toEqual(['late'])
    expect(await listed(store)).toEqual([])
  })

  it('one whose signature is over the payload is shown all of it, and no byte of the header', async () => {
    const store = newStore()
    const bytes = buildPackage({ name: 'old-one', files })
    await store.put(keyOf('old-one'), bytes, { if: 'always' })
    const { verifier, parts } = signedBy('old-one')
    await publish(inPieces(store), ['old-one'], parts)
    expect(await listed(store)).toEqual(['old-one.rpm'])
    const payload = Buffer.from(bytes).subarray(parsePackage(bytes).headerRange.end)
    expect(verifier.payloads.get('old-one')?.equals(payload)).toBe(true)
  })

  it('a rebuild leaves out what is refused, and says so', async () => {
    const store = newStore()
    await put(store, 'good', 'stranger')
    await publish(store, ['good', 'stranger'])
    const report = await rebuildRepository(locationIn(store), await newContext(signedBy('good').parts))
    expect(report.refused).toEqual([{ path: 'stranger.rpm', code: 'UNKNOWN_KEY', reason }])
    expect(await listed(store)).toEqual(['good.rpm'])
  })
})

/** A store whose bodies come as from a network. */
function inPieces(store: ObjectStore): ObjectStore {
  async function* cut(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      for (let at = 0; at < chunk.length; at += 1_000) yield chunk.subarray(at, at + 1_000)
    }
  }
  return intercept(store, {
    async get(key, options) {
      const got = await store.get(key, options)
      return got.kind === 'found' ? { ...got, body: cut(got.body) } : got
    },
  })
}

/** What was asked of a store, as ranges; the whole is 0 to the end. */
function watched(store: ObjectStore): { readonly store: ObjectStore; readonly bytesOf: Map<string, number> } {
  const bytesOf = new Map<string, number>()
  return {
    bytesOf,
    store: intercept(store, {
      async get(key, options) {
        const got = await store.get(key, options)
        if (got.kind !== 'found') return got
        const { start = 0, end = got.head.size } = options?.range ?? {}
        bytesOf.set(key, (bytesOf.get(key) ?? 0) + end - start)
        return got
      },
    }),
  }
}

describe('of a package whose digest the store knows', () => {
  it('the payload is read only where its signature is over it', async () => {
    const { store, bytesOf } = watched(tickingStore({ sha256: 'always' }))
    for (const name of ['new-one', 'old-one']) await putPackage(store, keyOf(name), { name, files })
    await publish(store, ['new-one', 'old-one'], signedBy('new-one', 'old-one').parts)
    const { size } = (await store.head(keyOf('old-one'))) ?? { size: 0 }
    expect(bytesOf.get(keyOf('new-one'))).toBeLessThan(100_000)
    expect(bytesOf.get(keyOf('old-one'))).toBeGreaterThanOrEqual(size)
    expect(await listed(store)).toEqual(['new-one.rpm', 'old-one.rpm'])
  })

  it('one whose payload ends early is not judged by what came of it', async () => {
    const inner = tickingStore({ sha256: 'always' })
    let cuts = 0
    const store = intercept(inner, {
      async get(key, options) {
        const { start = 0, end = 0 } = options?.range ?? {}
        const isPayload = key === keyOf('old-one') && start > 0 && end - start > 100_000
        if (!isPayload || cuts > 0) return inner.get(key, options)
        cuts += 1
        return inner.get(key, { ...options, range: { start, end: end - 1_000 } })
      },
    })
    const bytes = buildPackage({ name: 'old-one', files })
    await inner.put(keyOf('old-one'), bytes, { if: 'always' })
    const { verifier, parts } = signedBy('old-one')
    await publish(store, ['old-one'], parts)
    expect(cuts).toBe(1)
    expect(verifier.asked).toEqual(['old-one', 'old-one'])
    expect(await listed(inner)).toEqual(['old-one.rpm'])
  })

  it('one that is replaced while its payload is read is looked at anew', async () => {
    const inner = tickingStore({ sha256: 'always' })
    let isReplaced = false
    const store = intercept(inner, {
      async get(key, options) {
        if (key === keyOf('old-one') && (options?.range?.start ?? 0) > 0 && !isReplaced) {
          isReplaced = true
          await putPackage(inner, key, { name: 'old-one', version: '2', files })
        }
        return inner.get(key, options)
      },
    })
    await putPackage(inner, keyOf('old-one'), { name: 'old-one', files })
    await publish(store, ['old-one'], signedBy('old-one').parts)
    expect((await readPublished(locationIn(store))).documents.primary).toContain('ver="2"')
  })
})

describe('an audit of signatures', () => {
  async function letIn(...names: readonly string[]): Promise<MemoryStore> {
    const store = tickingStore({ sha256: 'always' })
    await put(store, ...names)
    await publish(store, names)
    return store
  }
  const audit = async (store: ObjectStore, options: AuditOptions) =>
    auditRepository(locationIn(store), await newContext(), options)

  it.each([false, true])(
    'finds what would not be let in, and counts by whom the others are (deep: %s)',
    async (deep) => {
      const store = await letIn('good', 'better', 'stranger')
      const { findings, signers, notes } = await audit(store, { deep, signatures: new NameVerifier('good', 'better') })
      expect(findings).toEqual([
        {
          ...{ kind: 'untrusted-package', path: 'stranger.rpm', code: 'UNKNOWN_KEY', keyIds: ['b2'], problem: reason },
          ...{ mend: 'take-out', remedy: expect.stringContaining('leaves the file in the bucket') },
        },
      ])
      expect(signers).toEqual([{ keyId: 'a1', userId: 'Alice', packages: 2 }])
      expect(notes).toEqual([])
    },
  )

  it('says nothing of signatures where it is not asked, not in a deep one of somebody with a policy either', async () => {
    const store = await letIn('stranger')
    const context = await newContext(signedBy().parts)
    const report = await auditRepository(locationIn(store), context, { deep: true })
    expect(report).toMatchObject({ findings: [], notes: [] })
    expect('signers' in report).toBe(false)
  })

  it('takes an unlisted package that the policy refuses for no drift', async () => {
    const store = await letIn('good')
    await put(store, 'stranger')
    const context = await newContext(signedBy('good').parts)
    const { findings, notes } = await auditRepository(locationIn(store), context, {})
    expect(findings).toEqual([])
    expect(notes).toEqual([{ kind: 'unusable', path: 'stranger.rpm', reason: `UNKNOWN_KEY: ${reason}` }])
  })

  it('reads headers and no payload, and says once where one would be needed', async () => {
    const { store, bytesOf } = watched(await letIn('good', 'old-one', 'old-two'))
    const verifier = new NameVerifier('good')
    const { findings, notes } = await audit(store, { signatures: verifier })
    expect(findings).toEqual([])
    const unread = 'of this and 1 more package the signature is over the payload, which was not read: --deep does'
    expect(notes).toEqual([{ kind: 'unchecked', path: 'old-one.rpm', reason: unread }])
    expect([...verifier.payloads.values()].map(({ length }) => length)).toEqual([0, 0, 0])
    expect(bytesOf.size).toBeGreaterThan(0)
    const deep = await audit(store, { deep: true, signatures: verifier })
    expect(deep.findings.map(({ path }) => path)).toEqual(['old-one.rpm', 'old-two.rpm'])
  })

  it.each(['stranger-with-a-longer-name', 'like'])('does not take for listed what took its place: %s', async (name) => {
    // Every object has the same time: a listing tells them apart by their size alone.
    const store = new MemoryStore({ clock: () => new Date(0), sha256: 'always' })
    await put(store, 'good')
    await publish(store, ['good'])
    await putPackage(store, keyOf('good'), { name })
    const { findings } = await audit(store, { signatures: new NameVerifier('good') })
    expect(findings.map(({ kind }) => kind)).toEqual(['changed'])
  })

  it('repairs by taking out of the metadata what it found, and nothing else; the files stay', async () => {
    const store = await letIn('good', 'stranger')
    await put(store, 'unlisted')
    const signatures = new NameVerifier('good', 'unlisted')
    const { repairs, after } = await repairRepository(locationIn(store), await newContext(), { signatures })
    expect(repairs).toMatchObject([
      { kind: 'reconciled', packages: 1 },
      { kind: 'taken-out', packages: 1 },
    ])
    expect(after.findings).toEqual([])
    expect(await listed(store)).toEqual(['good.rpm', 'unlisted.rpm'])
    expect(await store.head(keyOf('stranger'))).toBeDefined()
  })
})
