/** Mirrors: whole after a crash at any write, and never the end of what they did not bring. */
import { MemoryStore } from '@repokeeper/object-store'
import type { RepositoryLocation } from '@repokeeper/repository'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { makeKey, readKeyring } from '@repokeeper/signing'
import { describe, expect, it } from 'vitest'
import type { UpstreamPackage } from '../src/index.ts'
import { beforeWrites } from './before-writes.ts'
import { mirror, packagesIn } from './mirror-workbench.ts'
import { locationIn, newDirectory, readAll, Source } from './workbench.ts'

/** Paths of the packages that lie there, listed or not. */
async function filesIn(location: RepositoryLocation): Promise<string[]> {
  return [...(await readAll(location)).keys()].filter((path) => path.endsWith('.rpm'))
}

class Killed extends Error {}

describe('a mirror', () => {
  it('brings what is missing, beside what is there, and nothing the next time', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b', path: 'Packages/b/b.rpm' }])
    const own = new Source(new MemoryStore(), 'el9/')
    await own.change([{ name: 'own' }, { name: 'a' }])
    const target = own.location
    expect(await mirror(source, target)).toMatchObject({ outcomes: ['fetched Packages/b/b.rpm'] })
    const upstream = await packagesIn(source.location)
    expect(await packagesIn(target)).toMatchObject(upstream)
    expect(Object.keys(await packagesIn(target)).toSorted()).toEqual(['Packages/b/b.rpm', 'a-1.0.rpm', 'own-1.0.rpm'])
    const before = await readAll(target)
    expect(await mirror(source, target)).toMatchObject({ outcomes: [] })
    expect(await readAll(target)).toEqual(before)
  })

  it('is whole after a crash at any write, and goes on: everything once, nothing lost', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    const upstream = await packagesIn(source.location)
    let crashes = 0
    for (let crashAt = 0, finished = false; !finished; crashAt += 1) {
      const own = new Source(new MemoryStore(), 'el9/')
      await own.change([{ name: 'own' }])
      const mine = await packagesIn(own.location)
      let writes = 0
      const dying = beforeWrites(own.location.store, () => {
        if (writes === crashAt) throw new Killed()
        writes += 1
      })
      finished = await mirror(source, { ...own.location, store: dying }).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof Killed)) throw error
          return false
        },
      )
      expect(await packagesIn(own.location)).toMatchObject(mine)
      // An upstream that is broken by now takes nothing away.
      const came = await filesIn(own.location)
      const hollow = new Source(new MemoryStore())
      await hollow.change([{ name: 'a' }])
      await hollow.change([], ['a-1.0.rpm'])
      await mirror(hollow, own.location, { prunes: true })
      expect(await filesIn(own.location)).toEqual(came)

      await mirror(source, own.location)
      expect(await packagesIn(own.location)).toEqual({ ...mine, ...upstream })
      // What came before the crash is known to have come.
      const emptied = new Source(new MemoryStore())
      await emptied.change([{ name: 'a' }])
      await mirror(emptied, own.location, { prunes: true, forces: true })
      expect(await packagesIn(own.location)).toMatchObject(mine)
      expect(Object.keys(await packagesIn(own.location)).toSorted()).toEqual(['a-1.0.rpm', 'own-1.0.rpm'])
      crashes = crashAt
    }
    expect(crashes).toBeGreaterThan(10)
  })

  it('puts nothing in the place of another file of the name, but where it is told to', async () => {
    const source = new Source()
    await source.change([{ name: 'a', summary: 'theirs' }, { name: 'b' }])
    const own = new Source(new MemoryStore(), '')
    await own.change([{ name: 'a', summary: 'mine!!' }])
    const mine = await packagesIn(own.location)
    expect(await mirror(source, own.location)).toMatchObject({ outcomes: ['different a-1.0.rpm', 'fetched b-1.0.rpm'] })
    expect(await packagesIn(own.location)).toMatchObject(mine)
    await mirror(source, own.location, { replaces: true })
    expect(await packagesIn(own.location)).toEqual(await packagesIn(source.location))
  })

  it('puts packages below a directory as they lie upstream', async () => {
    const source = new Source()
    await source.change([{ name: 'a', path: 'Packages/a.rpm' }])
    const target = locationIn(new MemoryStore(), 'el9/')
    await mirror(source, target, { directory: 'vendor/' })
    expect(Object.keys(await packagesIn(target))).toEqual(['vendor/Packages/a.rpm'])
    expect(await mirror(source, target, { directory: 'vendor/' })).toMatchObject({ outcomes: [], pruned: [] })
  })

  it('gives up an upstream that gives nothing any more, and leaves the rest to the next run', async () => {
    const source = new Source()
    const names = Array.from({ length: 30 }, (_, number) => `a${number}`)
    await source.change(names.map((name) => ({ name })))
    const { store, root } = source.location
    for (const name of names) await store.delete(`${root}${name}-1.0.rpm`)
    const { outcomes } = await mirror(source, locationIn(new MemoryStore(), 'el9/'))
    const counts = Map.groupBy(outcomes, (outcome) => outcome.replace(/ \S+$/, ''))
    expect([counts.get('failed')?.length, counts.get('not done')?.length]).toEqual([25, 5])
  })

  it('and another run of it at the same moment do no harm to each other', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    const target = locationIn(new MemoryStore(), 'el9/')
    await Promise.all([mirror(source, target), mirror(source, target)])
    expect(await packagesIn(target)).toEqual(await packagesIn(source.location))
    await source.change([], ['c-1.0.rpm'])
    expect(await mirror(source, target, { prunes: true })).toMatchObject({ pruned: ['deleted c-1.0.rpm'] })
  })
})

describe('pruning', () => {
  /** A mirror of `a`, `b`, `c` and `d`, of which upstream then has no `d`; beside it one's own package. */
  async function dropped(): Promise<{ source: Source; target: RepositoryLocation; own: Source }> {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }])
    const own = new Source(new MemoryStore(), 'el9/')
    await own.change([{ name: 'own' }])
    await mirror(source, own.location)
    await source.change([], ['d-1.0.rpm'])
    return { source, target: own.location, own }
  }

  it('is never done unasked, and then takes what upstream has dropped, and nothing else', async () => {
    const { source, target } = await dropped()
    expect(await mirror(source, target)).toMatchObject({ pruned: [] })
    expect(Object.keys(await packagesIn(target))).toContain('d-1.0.rpm')
    expect(await mirror(source, target, { prunes: true })).toMatchObject({ pruned: ['deleted d-1.0.rpm'] })
    const left = Object.keys(await packagesIn(target)).toSorted()
    expect(left).toEqual(['a-1.0.rpm', 'b-1.0.rpm', 'c-1.0.rpm', 'own-1.0.rpm'])
  })

  it('takes what is not chosen any more', async () => {
    const { source, target } = await dropped()
    const selection = { arches: [], newest: undefined, sinceSeconds: undefined }
    const isMeant = ({ name }: UpstreamPackage): boolean => name !== 'c'
    const run = await mirror(source, target, { prunes: true, selection: { ...selection, isMeant } })
    expect(run.pruned.toSorted()).toEqual(['deleted c-1.0.rpm', 'deleted d-1.0.rpm'])
  })

  it('leaves a package that was there before the mirror, though upstream had it too', async () => {
    const source = new Source()
    await source.change([{ name: 'a' }, { name: 'b' }])
    const own = new Source(new MemoryStore(), 'el9/')
    await own.change([{ name: 'a' }])
    await mirror(source, own.location)
    await source.change([], ['a-1.0.rpm'])
    expect(await mirror(source, own.location, { prunes: true })).toMatchObject({ pruned: [] })
  })

  it('leaves a file that somebody has put in the place of the one that came', async () => {
    const { source, target, own } = await dropped()
    await own.change([{ name: 'd', summary: 'mine' }])
    expect(await mirror(source, target, { prunes: true })).toMatchObject({ pruned: ['changed d-1.0.rpm'] })
    expect(await mirror(source, target, { prunes: true })).toMatchObject({ pruned: [] })
    expect(Object.keys(await packagesIn(target))).toContain('d-1.0.rpm')
  })

  it('leaves what another upstream still has, until that drops it, too', async () => {
    const { source, target } = await dropped()
    const other = new Source(new MemoryStore(), 'other/')
    await other.change([{ name: 'd' }, { name: 'e' }])
    await mirror(other, target)
    expect(await mirror(source, target, { prunes: true })).toMatchObject({ pruned: [] })
    await other.change([], ['d-1.0.rpm'])
    expect(await mirror(other, target, { prunes: true })).toMatchObject({ pruned: ['deleted d-1.0.rpm'] })
  })

  it('is not done where upstream has less than half of what it had, nor in a later run, until a person says so', async () => {
    const { source, target } = await dropped()
    await source.change([], ['a-1.0.rpm', 'b-1.0.rpm', 'c-1.0.rpm'])
    for (const prunes of [false, true, true]) {
      const run = await mirror(source, target, { prunes })
      expect(run).toMatchObject({
        pruned: [],
        plan: { doubt: expect.stringMatching(/^of 4 packages .* there are 0 left$/) },
      })
    }
    const run = await mirror(source, target, { prunes: true, forces: true })
    expect(run.pruned).toHaveLength(4)
    expect(Object.keys(await packagesIn(target))).toEqual(['own-1.0.rpm'])
    expect(await mirror(source, target, { prunes: true })).toMatchObject({ plan: { doubt: undefined } })
  })
})

it('a mirror goes into no replica', async () => {
  const source = new Source()
  await source.change([{ name: 'a' }])
  const target = locationIn(new MemoryStore(), 'el9/')
  await source.replicaIn(target, { scratch: await newDirectory() }).update()
  await expect(mirror(source, target)).rejects.toMatchObject({ code: 'IS_A_REPLICA' })
})

it('a record of a mirror that cannot be read holds everything back', async () => {
  const source = new Source()
  await source.change([{ name: 'a' }])
  const target = locationIn(new MemoryStore(), 'el9/')
  await mirror(source, target)
  const [path = ''] = [...(await readAll(target)).keys()].filter((one) => one.includes('/mirror-'))
  await target.store.put(`el9/${path}`, Buffer.from('{"mirror": 1}'), { if: 'always' })
  await expect(mirror(source, target, { prunes: true })).rejects.toMatchObject({ code: 'BROKEN_RECORD' })
})

it('what a mirror brings is what upstream lists, and a wrong one is not stored', async () => {
  const source = new Source()
  await source.change([{ name: 'a' }, { name: 'b' }])
  const { store, root } = source.location
  await store.put(`${root}a-1.0.rpm`, buildPackage({ name: 'a', summary: 'another' }), { if: 'always' })
  const target = locationIn(new MemoryStore(), 'el9/')
  expect(await mirror(source, target)).toMatchObject({ outcomes: ['failed a-1.0.rpm', 'fetched b-1.0.rpm'] })
  expect(Object.keys(await packagesIn(target))).toEqual(['b-1.0.rpm'])
})

it('a mirror takes nothing that is not signed by a key of the keyring', async () => {
  const source = new Source()
  await source.change([{ name: 'a' }])
  const key = await makeKey({ userId: 'Harbour <harbour@example.com>', kind: 'ed25519', now: Date.now() })
  const keyring = readKeyring([{ name: 'key.asc', bytes: Buffer.from(key.publicKey) }], Date.now())
  const target = locationIn(new MemoryStore(), 'el9/')
  await expect(mirror(source, target, { keyring })).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
  expect(await readAll(target)).toEqual(new Map())
})
