import { describe, expect, it } from 'vitest'
import { type ObjectStore, type PutBody, parseETag, readBody } from '../src/index.ts'
import type { Room } from './contract.ts'
import { bytesOf, pieces, text } from './texts.ts'
import { withClients } from './with-clients.ts'

/** Writes hold to their condition, whoever else writes. */
export function describeConditions(room: Room): void {
  describe('conditions', () => {
    it('if absent: stores the first, not the second, and again after a delete', async () => {
      const absent = { if: 'absent' } as const
      expect((await room.store.put(`${room.at}a`, bytesOf('one'), absent)).kind).toBe('stored')
      expect(await room.store.put(`${room.at}a`, bytesOf('two'), absent)).toEqual({ kind: 'conflict' })
      expect(await room.read(`${room.at}a`)).toBe('one')
      await room.store.delete(`${room.at}a`)
      expect((await room.store.put(`${room.at}a`, bytesOf('three'), absent)).kind).toBe('stored')
    })

    it('if unchanged: replaces that version and no other', async () => {
      const first = await room.put(`${room.at}a`, 'one')
      const outcome = await room.store.put(`${room.at}a`, bytesOf('two'), { if: 'unchanged', etag: first })
      if (outcome.kind !== 'stored') throw new Error(outcome.kind)
      expect(outcome.etag).toBe((await room.store.head(`${room.at}a`))?.etag)
      expect(await room.store.put(`${room.at}a`, bytesOf('3'), { if: 'unchanged', etag: first })).toEqual({
        kind: 'conflict',
      })
      expect(await room.read(`${room.at}a`)).toBe('two')
    })

    it('if unchanged: an object that is gone, or never was, is a conflict and stays absent', async () => {
      const etag = await room.put(`${room.at}a`, 'one')
      await room.store.delete(`${room.at}a`)
      for (const key of [`${room.at}a`, `${room.at}never/was`]) {
        expect(await room.store.put(key, bytesOf('two'), { if: 'unchanged', etag })).toEqual({ kind: 'conflict' })
        expect(await room.store.head(key)).toBeUndefined()
      }
    })

    it('hold for streamed bodies too', async () => {
      const body: PutBody = { size: 4, open: () => pieces(['st', 're']) }
      expect((await room.store.put(`${room.at}a`, body, { if: 'absent' })).kind).toBe('stored')
      expect(await room.store.put(`${room.at}a`, body, { if: 'absent' })).toEqual({ kind: 'conflict' })
      const etag = parseETag('0123456789abcdef0123456789abcdef')
      expect(await room.store.put(`${room.at}a`, body, { if: 'unchanged', etag })).toEqual({ kind: 'conflict' })
    })

    it('delete with ifMatch spares another version, and does not mind one that is gone', async () => {
      const first = await room.put(`${room.at}a`, 'one')
      const second = await room.put(`${room.at}a`, 'two')
      expect(await room.store.delete(`${room.at}a`, { ifMatch: first })).toEqual({ kind: 'conflict' })
      expect(await room.read(`${room.at}a`)).toBe('two')
      expect(await room.store.delete(`${room.at}a`, { ifMatch: second })).toEqual({ kind: 'deleted' })
      expect(await room.store.head(`${room.at}a`)).toBeUndefined()
      expect(await room.store.delete(`${room.at}a`, { ifMatch: second })).toEqual({ kind: 'deleted' })
    })

    it('delete of what is not there is no error', async () => {
      expect(await room.store.delete(`${room.at}none/at/all`)).toEqual({ kind: 'deleted' })
    })
  })

  describe('races', () => {
    it('5 writers that each add 1 ten times by compare-and-swap total 50', async () => {
      await room.put(`${room.at}count`, '0')
      const writer = async (client: ObjectStore) => {
        for (let added = 0; added < 10; ) {
          const outcome = await client.get(`${room.at}count`)
          if (outcome.kind !== 'found') throw new Error(outcome.kind)
          const next = String(Number(text(await readBody(outcome.body, 100))) + 1)
          const condition = { if: 'unchanged', etag: outcome.head.etag } as const
          if ((await client.put(`${room.at}count`, bytesOf(next), condition)).kind === 'stored') added++
        }
      }
      await withClients(room.under, 5, writer)
      expect(await room.read(`${room.at}count`)).toBe('50')
    })

    it('of 12 writers if absent exactly one stores', async () => {
      const outcomes: string[] = []
      await withClients(room.under, 12, async (client, number) => {
        const outcome = await client.put(`${room.at}once`, bytesOf(`writer ${number}`), { if: 'absent' })
        outcomes.push(`${outcome.kind} ${number}`)
      })
      const stored = outcomes.filter((outcome) => outcome.startsWith('stored'))
      expect(stored).toHaveLength(1)
      expect(`stored ${(await room.read(`${room.at}once`)).slice('writer '.length)}`).toBe(stored[0])
    })
  })
}
