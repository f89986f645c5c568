import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ETag, parseETag, readBody } from '../src/index.ts'
import type { Room } from './contract.ts'
import { byBytes, bytesOf } from './texts.ts'

/** Which keys there are, and that operations on them do what they would do on a map. */
export function describeModel(room: Room): void {
  describe('keys', () => {
    const bad = ['', '/a', '..', '.', 'a/../b', './a', 'a/.', 'a\0b', '\ud800', 'x'.repeat(1025), 'é'.repeat(513)]
    it.each(bad)('%j is BAD_KEY for every operation', async (key) => {
      const refused = { name: 'StoreError', code: 'BAD_KEY' }
      await expect(room.store.get(key)).rejects.toMatchObject(refused)
      await expect(room.store.head(key)).rejects.toMatchObject(refused)
      await expect(room.store.put(key, bytesOf('x'), { if: 'always' })).rejects.toMatchObject(refused)
      await expect(room.store.delete(key)).rejects.toMatchObject(refused)
    })

    it(`${room.traits.emptySegments ? 'may' : 'must not'} have empty segments`, async () => {
      for (const key of [`${room.at}a//b`, `${room.at}c/`]) {
        const storing = room.store.put(key, bytesOf(key), { if: 'always' })
        if (room.traits.emptySegments) {
          expect((await storing).kind).toBe('stored')
          expect(await room.read(key)).toBe(key)
        } else await expect(storing).rejects.toMatchObject({ code: 'BAD_KEY' })
      }
      expect(await room.keys(room.at)).toEqual(room.traits.emptySegments ? [`${room.at}a//b`, `${room.at}c/`] : [])
    })
  })

  it('does what a simple model does, in any sequence of operations', async () => {
    let run = 0
    const names = ['a', 'b/c', 'b.c', 'd e+f%2F', '\uff61', '\u{1f4e6}']
    const name = fc.constantFrom(...names)
    const value = fc.string({ maxLength: 12 })
    const step = fc.oneof(
      fc.record({
        do: fc.constant('put' as const),
        name,
        value,
        condition: fc.constantFrom('always', 'absent', 'current', 'old'),
      }),
      fc.record({ do: fc.constant('delete' as const), name, condition: fc.constantFrom('always', 'current', 'old') }),
      fc.record({ do: fc.constant('get' as const), name, start: fc.nat(14), length: fc.nat(14) }),
      fc.record({ do: fc.constant('list' as const), after: fc.option(name) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const base = `${room.at}${++run}/`
        const model = new Map<string, { bytes: Uint8Array; etag: ETag }>()
        const never = parseETag('ffffffffffffffffffffffffffffffff')
        let replaced = never
        for (const op of steps) {
          if (op.do === 'list') {
            const after = op.after ?? ''
            const expected = [...model.keys()].filter((key) => byBytes(key, after) > 0).sort(byBytes)
            expect(await room.keys(base, { startAfter: base + after })).toEqual(expected.map((key) => base + key))
            continue
          }
          const key = base + op.name
          const current = model.get(op.name)
          if (op.do === 'get') {
            const outcome = await room.store.get(key, { range: { start: op.start, end: op.start + op.length } })
            expect(outcome.kind).toBe(current === undefined ? 'absent' : 'found')
            if (outcome.kind !== 'found' || current === undefined) continue
            expect(outcome.head).toMatchObject({ etag: current.etag, size: current.bytes.length })
            const expected = current.bytes.subarray(op.start, op.start + op.length)
            expect(Buffer.from(await readBody(outcome.body, 100))).toEqual(Buffer.from(expected))
            continue
          }
          // The same bytes again may be the same version, so "old" must not be the current one by chance.
          const stale = replaced === current?.etag ? never : replaced
          const etag = op.condition === 'current' ? (current?.etag ?? never) : stale
          if (op.do === 'put') {
            const bytes = bytesOf(op.value)
            const outcome = await room.store.put(
              key,
              bytes,
              op.condition === 'always' || op.condition === 'absent' ? { if: op.condition } : { if: 'unchanged', etag },
            )
            const holds =
              op.condition === 'always' ||
              (op.condition === 'absent' ? current === undefined : op.condition === 'current' && current !== undefined)
            expect(outcome.kind).toBe(holds ? 'stored' : 'conflict')
            if (outcome.kind !== 'stored') continue
            if (current !== undefined) replaced = current.etag
            model.set(op.name, { bytes, etag: outcome.etag })
          } else {
            const spared = op.condition === 'old' && current !== undefined
            const outcome = await room.store.delete(key, op.condition === 'always' ? {} : { ifMatch: etag })
            expect(outcome.kind).toBe(spared ? 'conflict' : 'deleted')
            if (!spared) model.delete(op.name)
          }
        }
      }),
      { numRuns: room.traits.runs },
    )
  })
}
