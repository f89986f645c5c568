import { describe, expect, it } from 'vitest'
import { readBody } from '../src/index.ts'
import type { Room } from './contract.ts'
import { bytesOf, pieces, text } from './texts.ts'

/** What was put comes back: whole, in ranges, and of the version that is asked for. */
export function describeReading(room: Room): void {
  describe('put and get', () => {
    it('gives back the bytes, with the head that head gives', async () => {
      const etag = await room.put(`${room.at}a`, 'hello')
      const outcome = await room.store.get(`${room.at}a`)
      if (outcome.kind !== 'found') throw new Error(outcome.kind)
      expect(text(await readBody(outcome.body, 100))).toBe('hello')
      expect(outcome.head).toMatchObject({ key: `${room.at}a`, etag, size: 5 })
      const { sha256: _, ...head } = (await room.store.head(`${room.at}a`)) ?? {}
      expect(outcome.head).toMatchObject(head)
      expect(etag).toMatch(/^"[^"]+"$/)
    })

    it('says absent of a key that is not there, and of one that is only the beginning of others', async () => {
      await room.put(`${room.at}a/b`, '1')
      for (const key of [`${room.at}none`, `${room.at}none/none`, `${room.at}a`, `${room.at}a/b/c`]) {
        expect(await room.store.get(key), key).toEqual({ kind: 'absent' })
        expect(await room.store.head(key), key).toBeUndefined()
      }
    })

    it('stores empty objects', async () => {
      await room.put(`${room.at}empty`, '')
      await room.store.put(`${room.at}streamed`, { size: 0, open: () => pieces([]) }, { if: 'always' })
      for (const key of [`${room.at}empty`, `${room.at}streamed`]) {
        expect((await room.store.head(key))?.size).toBe(0)
        expect(await room.read(key)).toBe('')
        expect(await room.read(key, { range: { start: 0, end: 10 } })).toBe('')
      }
    })

    it('keeps bytes apart from the buffers that it was given', async () => {
      const buffer = bytesOf('before')
      await room.store.put(`${room.at}a`, buffer, { if: 'always' })
      buffer.fill(0)
      expect(await room.read(`${room.at}a`)).toBe('before')
    })

    it('says when an object was written', async () => {
      const before = Date.now()
      await room.put(`${room.at}a`, '1')
      const written = (await room.store.head(`${room.at}a`))?.lastModified.getTime()
      // S3 knows whole seconds.
      expect(written).toBeGreaterThanOrEqual(Math.floor(before / 1000) * 1000)
      expect(written).toBeLessThanOrEqual(Date.now())
    })

    it('gives another ETag to other bytes, also of the same size and within one tick of the clock', async () => {
      const seen = new Set<string>()
      for (let round = 0; round < 20; round++) seen.add(await room.put(`${room.at}a`, String(round).padStart(8)))
      expect(seen.size).toBe(20)
    })

    it('does not mind who else reads while an object is replaced: a body is of one version', async () => {
      const size = 3_000_000
      await room.store.put(`${room.at}a`, Buffer.alloc(size, 1), { if: 'always' })
      const outcome = await room.store.get(`${room.at}a`)
      if (outcome.kind !== 'found') throw new Error(outcome.kind)
      const iterator = outcome.body[Symbol.asyncIterator]()
      const first = await iterator.next()
      await room.store.put(`${room.at}a`, Buffer.alloc(size, 2), { if: 'always' })
      const values = new Set<number | undefined>(first.value)
      let bytes = first.done ? 0 : first.value.length
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        bytes += next.value.length
        for (const value of next.value) values.add(value)
      }
      expect([...values]).toEqual([1])
      expect(bytes).toBe(size)
    })
  })

  describe('ranges', () => {
    const content = '0123456789'
    it.each([
      { start: 0, end: 10, expected: content },
      { start: 0, end: 1, expected: '0' },
      { start: 3, end: 7, expected: '3456' },
      { start: 9, end: 10, expected: '9' },
      { start: 4, end: 1000, expected: '456789' },
      { start: 4, end: 4, expected: '' },
      { start: 0, end: 0, expected: '' },
      { start: 10, end: 20, expected: '' },
      { start: 500, end: 501, expected: '' },
      { start: 0, end: Number.MAX_SAFE_INTEGER, expected: content },
    ])(
      'bytes $start to $end of ten are "$expected", and the size is that of the whole',
      async ({ start, end, expected }) => {
        await room.put(`${room.at}a`, content)
        const outcome = await room.store.get(`${room.at}a`, { range: { start, end } })
        if (outcome.kind !== 'found') throw new Error(outcome.kind)
        expect(outcome.head.size).toBe(10)
        expect(text(await readBody(outcome.body, 100))).toBe(expected)
      },
    )

    it('of an absent object are absent, even empty ones', async () => {
      for (const end of [0, 5]) {
        expect(await room.store.get(`${room.at}none`, { range: { start: 0, end } })).toEqual({ kind: 'absent' })
      }
    })

    it.each([
      { start: -1, end: 3 },
      { start: 3, end: 2 },
      { start: 0.5, end: 2 },
      { start: 0, end: Number.NaN },
    ])('are refused where they are none: $start to $end', async (range) => {
      await expect(room.store.get(`${room.at}a`, { range })).rejects.toThrow(RangeError)
    })
  })

  describe('versions', () => {
    it('reads only the version that is asked for', async () => {
      const first = await room.put(`${room.at}a`, 'one')
      expect(await room.read(`${room.at}a`, { ifMatch: first })).toBe('one')
      const second = await room.put(`${room.at}a`, 'two')
      expect(await room.store.get(`${room.at}a`, { ifMatch: first })).toEqual({ kind: 'changed' })
      expect(await room.store.get(`${room.at}a`, { ifMatch: first, range: { start: 1, end: 2 } })).toEqual({
        kind: 'changed',
      })
      expect(await room.store.get(`${room.at}a`, { ifMatch: first, range: { start: 50, end: 60 } })).toEqual({
        kind: 'changed',
      })
      expect(await room.store.get(`${room.at}a`, { ifMatch: first, range: { start: 0, end: 0 } })).toEqual({
        kind: 'changed',
      })
      expect(await room.read(`${room.at}a`, { ifMatch: second, range: { start: 1, end: 3 } })).toBe('wo')
    })

    it('says unchanged of the version that is known already', async () => {
      const first = await room.put(`${room.at}a`, 'one')
      expect(await room.store.get(`${room.at}a`, { ifNoneMatch: first })).toEqual({ kind: 'unchanged' })
      await room.put(`${room.at}a`, 'two')
      expect(await room.read(`${room.at}a`, { ifNoneMatch: first })).toBe('two')
    })

    it('says absent of an object that is gone, whatever the condition', async () => {
      const etag = await room.put(`${room.at}a`, 'one')
      await room.store.delete(`${room.at}a`)
      expect(await room.store.get(`${room.at}a`, { ifMatch: etag })).toEqual({ kind: 'absent' })
      expect(await room.store.get(`${room.at}a`, { ifNoneMatch: etag })).toEqual({ kind: 'absent' })
    })
  })
}
