import { createHash } from 'node:crypto'
import { MemoryStore, type ObjectStore, StoreError } from '@repokeeper/object-store'
import { describe, expect, it } from 'vitest'
import {
  auditRepository,
  collectGarbage,
  keepLeftPledges,
  type RepomdSigner,
  reconcile,
  repairRepository,
  type Signing,
} from '../src/index.ts'
import { intercept, locationIn, newContext, putPackage, read, tickingStore } from './workbench.ts'

const root = 'el9/x86_64/'
const repomd = `${root}repodata/repomd.xml`
const asc = `${repomd}.asc`
const a = `${root}a.rpm`
const b = `${root}b.rpm`

/** Signatures that say what they are of and by whom. */
function signerOf(name: string): RepomdSigner {
  const signatureOf = (bytes: Uint8Array): string => `${name} ${createHash('sha256').update(bytes).digest('hex')}`
  return {
    sign: async (bytes) => Buffer.from(signatureOf(bytes)),
    verify: async (bytes, signature) => Buffer.from(signature).toString() === signatureOf(bytes),
    publicKey: Buffer.from(`the key of ${name}`),
  }
}

const alice = signerOf('alice')
const signing: Signing = { kind: 'signed', signer: alice }

async function isSigned(store: ObjectStore, signer = alice): Promise<boolean> {
  return signer.verify(await read(store, repomd), await read(store, asc))
}

async function publish(store: ObjectStore, key: string, how: Signing = signing): Promise<void> {
  await reconcile(locationIn(store), new Set([key]), await newContext({ signing: how }))
}

/** A store of a process that dies at its first call of which this is true. */
function dyingStore(store: ObjectStore, diesAt: (call: string, key: string) => boolean): ObjectStore {
  let dead = false
  const live = <A extends [string, ...unknown[]], R>(call: string, run: (...args: A) => R) => {
    return (...args: A): R => {
      dead ||= diesAt(call, args[0])
      if (dead) throw new StoreError('UNAVAILABLE', 'killed', { store: 'memory' })
      return run(...args)
    }
  }
  return intercept(store, {
    get: live('GET', (...args) => store.get(...args)),
    head: live('HEAD', (...args) => store.head(...args)),
    put: live('PUT', (...args) => store.put(...args)),
    delete: live('DELETE', (...args) => store.delete(...args)),
  })
}

describe('a repository with a key', () => {
  it('has, after each publish, the signature of what is published, and the key beside it', async () => {
    const store = tickingStore()
    for (const key of [a, b]) {
      await putPackage(store, key, { name: key.at(-5) ?? '' })
      await publish(store, key)
      expect(await isSigned(store)).toBe(true)
    }
    expect((await read(store, `${repomd}.key`)).toString()).toBe('the key of alice')
  })

  it('is left as it is where the signature cannot be made', async () => {
    const store = tickingStore()
    await putPackage(store, a, { name: 'a' })
    await publish(store, a)
    const before = await read(store, repomd)
    await putPackage(store, b, { name: 'b' })
    const broken = { ...alice, sign: () => Promise.reject(new Error('the card was pulled out')) }
    await expect(publish(store, b, { kind: 'signed', signer: broken })).rejects.toThrow('the card was pulled out')
    expect(await read(store, repomd)).toEqual(before)
    expect(await isSigned(store)).toBe(true)
  })

  it('takes another key', async () => {
    const store = tickingStore()
    await putPackage(store, a, { name: 'a' })
    await publish(store, a)
    const bob = signerOf('bob')
    // Nothing has changed but the key.
    await publish(store, a, { kind: 'signed', signer: bob })
    expect(await isSigned(store, bob)).toBe(true)
    expect((await read(store, `${repomd}.key`)).toString()).toBe('the key of bob')
  })

  it('writes the key only where it is another one', async () => {
    const store = tickingStore()
    const puts: string[] = []
    const counting = intercept(store, {
      put(key, ...rest) {
        puts.push(key)
        return store.put(key, ...rest)
      },
    })
    for (const key of [a, b]) {
      await putPackage(store, key, { name: key.at(-5) ?? '' })
      await publish(counting, key)
    }
    expect(puts.filter((key) => key.endsWith('.key'))).toHaveLength(1)
  })

  it('keeps signature and key when it is cleaned up', async () => {
    let seconds = 1_700_000_000
    const store = new MemoryStore({ clock: () => new Date(1000 * seconds++) })
    for (const key of [a, b]) {
      await putPackage(store, key, { name: key.at(-5) ?? '' })
      await publish(store, key)
    }
    seconds += 1_000_000
    const plan = await collectGarbage(locationIn(store), await newContext(), { retentionMs: 1_000, keepGenerations: 1 })
    expect(plan.delete.length).toBeGreaterThan(0)
    expect(await isSigned(store)).toBe(true)
    expect(await store.head(`${repomd}.key`)).toBeDefined()
  })
})

describe('a signed repository, and nobody says with which key', () => {
  it('is not published to', async () => {
    const store = tickingStore()
    await putPackage(store, a, { name: 'a' })
    await publish(store, a)
    const before = await read(store, repomd)
    await putPackage(store, b, { name: 'b' })
    await expect(publish(store, b, { kind: 'unsaid' })).rejects.toMatchObject({
      code: 'SIGNED',
      message: expect.stringMatching(/is signed .*--sign-key.*--unsigned/),
    })
    expect(await read(store, repomd)).toEqual(before)
  })

  it('loses the signature, and keeps the key, where a person says that it is to be unsigned', async () => {
    const store = tickingStore()
    await putPackage(store, a, { name: 'a' })
    await publish(store, a)
    await putPackage(store, b, { name: 'b' })
    await publish(store, b, { kind: 'unsigned' })
    expect(await store.head(asc)).toBeUndefined()
    expect(await store.head(`${repomd}.key`)).toBeDefined()
  })
})

describe('a publisher that dies after its swap, before it has signed', () => {
  async function publishAndDie(): Promise<MemoryStore> {
    let seconds = 1_700_000_000
    const store = new MemoryStore({ clock: () => new Date(1000 * seconds) })
    await putPackage(store, a, { name: 'a' })
    await publish(store, a)
    await putPackage(store, b, { name: 'b' })
    const dying = dyingStore(store, (call, key) => call === 'PUT' && key === asc)
    await expect(publish(dying, b)).rejects.toThrow('killed')
    expect(await isSigned(store)).toBe(false)
    seconds += 100
    return store
  }

  it('is followed by whoever gets its messages again', async () => {
    const store = await publishAndDie()
    await publish(store, b)
    expect(await isSigned(store)).toBe(true)
  })

  it('is followed by whoever looks in its stead', async () => {
    const store = await publishAndDie()
    const context = await newContext({ signing })
    await keepLeftPledges(locationIn(store), context)
    expect(await isSigned(store)).toBe(true)
  })

  it('is followed also where no pledge is left, and that is told', async () => {
    const store = await publishAndDie()
    for await (const { key } of store.list(`${root}repodata/pledge-`)) await store.delete(key)
    const context = await newContext({ signing })
    await keepLeftPledges(locationIn(store), context)
    expect(await isSigned(store)).toBe(true)
    expect(context.events).toContainEqual(expect.objectContaining({ kind: 'signature mended' }))
  })

  it('is found by an audit, and mended by it', async () => {
    const store = await publishAndDie()
    const context = await newContext({ signing })
    const { findings } = await auditRepository(locationIn(store), context)
    expect(findings).toEqual([expect.objectContaining({ kind: 'wrong-signature', mend: 'sign' })])
    const { repairs, after } = await repairRepository(locationIn(store), context)
    expect(repairs).toEqual([{ kind: 'signed' }])
    expect(after.findings).toEqual([])
    expect(await isSigned(store)).toBe(true)
  })
})

it('finds by an audit that a repository is not signed, and cannot say without the key whether it is signed rightly', async () => {
  const store = tickingStore()
  await putPackage(store, a, { name: 'a' })
  await publish(store, a, { kind: 'unsaid' })
  const audit = async (how: Signing) => auditRepository(locationIn(store), await newContext({ signing: how }))
  expect((await audit(signing)).findings).toEqual([expect.objectContaining({ kind: 'unsigned', mend: 'sign' })])
  await publish(store, a)
  expect(await audit(signing)).toMatchObject({ findings: [], notes: [] })
  expect((await audit({ kind: 'unsaid' })).notes).toEqual([expect.objectContaining({ kind: 'unchecked' })])
})

describe('a signature that comes late', () => {
  it('does not replace that of a newer generation', async () => {
    const store = tickingStore()
    await putPackage(store, a, { name: 'a' })
    await putPackage(store, b, { name: 'b' })
    let late = true
    const slow = intercept(store, {
      async put(key, ...rest) {
        if (key === asc && late) {
          late = false
          await publish(store, b)
        }
        return store.put(key, ...rest)
      },
    })
    await publish(slow, a)
    expect(late).toBe(false)
    expect(await isSigned(store)).toBe(true)
  })

  it('comes in the end where an older one came between', async () => {
    const store = tickingStore()
    await putPackage(store, a, { name: 'a' })
    await publish(store, a)
    const older = await read(store, asc)
    await putPackage(store, b, { name: 'b' })
    let between = true
    const slow = intercept(store, {
      async put(key, ...rest) {
        if (key === asc && between) {
          between = false
          // As the publisher before would do, who was slow as well.
          await store.put(asc, Buffer.concat([older, Buffer.from('\n')]), { if: 'always' })
        }
        return store.put(key, ...rest)
      },
    })
    await publish(slow, b)
    expect(between).toBe(false)
    expect(await isSigned(store)).toBe(true)
  })

  it('does not replace one that came between its two looks, at the signature and at repomd.xml', async () => {
    const store = tickingStore()
    await putPackage(store, a, { name: 'a' })
    await publish(store, a)
    const older = await read(store, asc)
    await putPackage(store, b, { name: 'b' })
    let looks: number | undefined
    const look = async (): Promise<void> => {
      if (looks === undefined) return
      looks += 1
      if (looks !== 2) return
      await putPackage(store, `${root}c.rpm`, { name: 'c' })
      await publish(store, `${root}c.rpm`)
    }
    const slow = intercept(store, {
      async put(key, ...rest) {
        if (key === asc && looks === undefined) {
          looks = 0
          await store.put(asc, Buffer.concat([older, Buffer.from('\n')]), { if: 'always' })
        }
        return store.put(key, ...rest)
      },
      async get(key, ...rest) {
        if (key === asc) await look()
        return store.get(key, ...rest)
      },
      async head(key, ...rest) {
        if (key === repomd) await look()
        return store.head(key, ...rest)
      },
    })
    await publish(slow, b)
    expect(looks).toBeGreaterThanOrEqual(2)
    expect(await isSigned(store)).toBe(true)
  })
})
