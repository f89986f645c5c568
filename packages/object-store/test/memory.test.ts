import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../src/index.ts'
import { describeStore } from './contract.ts'
import { bytesOf, digest } from './texts.ts'

describeStore(
  'a memory store',
  async () => {
    let ahead = 0
    const advance = (milliseconds: number) => {
      ahead += milliseconds
    }
    const store = new MemoryStore({ clock: () => new Date(Date.now() + ahead) })
    return { store, another: () => store, advance, close: () => store.close() }
  },
  { emptySegments: true, vouchesForPromised: true, streams: false, runs: 200 },
)

describe('options of a memory store', () => {
  it('takes the time from its clock', async () => {
    const store = new MemoryStore({ clock: () => new Date(1_700_000_000_123) })
    await store.put('a', bytesOf('1'), { if: 'always' })
    expect((await store.head('a'))?.lastModified.getTime()).toBe(1_700_000_000_123)
  })

  it.each([
    { sha256: 'always', plain: digest('x'), promised: digest('x') },
    { sha256: 'promised', plain: undefined, promised: digest('x') },
    { sha256: 'never', plain: undefined, promised: undefined },
  ] as const)('sha256 "$sha256" says whose digest head knows', async ({ sha256, plain, promised }) => {
    const store = new MemoryStore({ sha256 })
    await store.put('plain', bytesOf('x'), { if: 'always' })
    await store.put('promised', bytesOf('x'), { if: 'always' }, { sha256: digest('x') })
    expect((await store.head('plain'))?.sha256).toBe(plain)
    expect((await store.head('promised'))?.sha256).toBe(promised)
  })
})
