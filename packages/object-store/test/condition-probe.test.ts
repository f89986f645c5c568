import { describe, expect, it } from 'vitest'
import { MemoryStore, type ObjectStore, type PutCondition, probeConditions, StoreError } from '../src/index.ts'
import { keysOf } from './texts.ts'

const random = () => 0.5

/** A memory store of which one condition misbehaves. */
class HalfStore extends MemoryStore {
  readonly #broken: PutCondition['if']
  readonly #behaviour: 'ignored' | 'unsupported' | 'never holds'

  constructor(broken: PutCondition['if'], behaviour: 'ignored' | 'unsupported' | 'never holds') {
    super()
    this.#broken = broken
    this.#behaviour = behaviour
  }

  override async put(...[key, body, condition, options]: Parameters<ObjectStore['put']>) {
    if (condition.if !== this.#broken) return super.put(key, body, condition, options)
    if (this.#behaviour === 'ignored') return super.put(key, body, { if: 'always' }, options)
    if (this.#behaviour === 'never holds') return { kind: 'conflict' as const }
    throw new StoreError('UNSUPPORTED', 'no such header', { store: this.name, key })
  }
}

describe('the probe of conditions', () => {
  it.each([
    { title: 'both', store: new MemoryStore(), expected: { kind: 'honoured' } },
    {
      title: 'none',
      store: new MemoryStore({ conditions: 'ignored' }),
      expected: { kind: 'ignored', which: 'if absent' },
    },
    {
      title: 'none, and says so',
      store: new MemoryStore({ conditions: 'unsupported' }),
      expected: { kind: 'unsupported', which: 'if absent' },
    },
    {
      title: 'only if absent',
      store: new HalfStore('unchanged', 'ignored'),
      expected: { kind: 'ignored', which: 'if unchanged' },
    },
    {
      title: 'only if unchanged',
      store: new HalfStore('absent', 'ignored'),
      expected: { kind: 'ignored', which: 'if absent' },
    },
    {
      title: 'only if absent, and says so',
      store: new HalfStore('unchanged', 'unsupported'),
      expected: { kind: 'unsupported', which: 'if unchanged', reason: 'no such header' },
    },
    {
      title: 'If-Match, but never finds it true',
      store: new HalfStore('unchanged', 'never holds'),
      expected: { kind: 'unsupported', which: 'if unchanged' },
    },
    {
      title: 'If-None-Match, but never finds it true',
      store: new HalfStore('absent', 'never holds'),
      expected: { kind: 'unsupported', which: 'if absent' },
    },
  ])('finds out that a store honours $title, and leaves nothing behind', async ({ store, expected }) => {
    expect(await probeConditions(store, 'el9/', { random })).toMatchObject(expected)
    expect(await keysOf(store, '')).toEqual([])
  })

  it('finds a store that checks If-Match only where an object is', async () => {
    const store = new (class extends MemoryStore {
      override async put(...[key, body, condition, options]: Parameters<ObjectStore['put']>) {
        const free = condition.if === 'unchanged' && (await this.head(key)) === undefined
        return super.put(key, body, free ? { if: 'always' } : condition, options)
      }
    })()
    expect(await probeConditions(store, '', { random })).toEqual({ kind: 'ignored', which: 'if unchanged' })
    expect(await keysOf(store, '')).toEqual([])
  })

  it.each([1, 2, 4, 5, 6, 7])(
    'takes no offence at a refusal that passes, as a 409 does (before put %i)',
    async (at) => {
      let puts = 0
      const store = new (class extends MemoryStore {
        override async put(...parameters: Parameters<ObjectStore['put']>) {
          return ++puts === at ? { kind: 'conflict' as const } : super.put(...parameters)
        }
      })()
      expect(await probeConditions(store, '', { random })).toEqual({ kind: 'honoured' })
      expect(await keysOf(store, '')).toEqual([])
    },
  )

  it('takes no offence at a write that took effect while its answer was lost', async () => {
    const store = new (class extends MemoryStore {
      override async put(...parameters: Parameters<ObjectStore['put']>) {
        await super.put(...parameters)
        return { kind: 'conflict' as const }
      }
    })()
    expect(await probeConditions(store, '', { random })).toEqual({ kind: 'honoured' })
    expect(await keysOf(store, '')).toEqual([])
  })

  it('leaves nothing behind where it fails', async () => {
    let puts = 0
    const store = new (class extends MemoryStore {
      override async put(...parameters: Parameters<ObjectStore['put']>) {
        if (++puts === 2) throw new StoreError('UNAVAILABLE', 'gone', { store: 'memory' })
        return super.put(...parameters)
      }
    })()
    await expect(probeConditions(store, '', { random })).rejects.toThrow('gone')
    expect(await keysOf(store, '')).toEqual([])
  })
})
