import { describe, expect, it } from 'vitest'
import { MemoryStore, type ObjectStore } from '../src/index.ts'
import type { Room } from './contract.ts'
import { bytesOf, digest } from './texts.ts'
import { withClients } from './with-clients.ts'

export function describeCopies(room: Room): void {
  describe('copies', () => {
    const source = async (key: string, content: string, from: ObjectStore = room.store) => {
      await from.put(key, bytesOf(content), { if: 'always' }, { sha256: digest(content) })
      const head = await from.head(key)
      if (head === undefined) throw new Error(`${key} was put`)
      return { ...head, store: from }
    }

    it('stores the bytes of the source, and leaves the source', async () => {
      const from = await source(`${room.at}from`, 'hello')
      const outcome = await room.store.copy(from, `${room.at}below/to`, { if: 'absent' })
      if (outcome.kind !== 'stored') throw new Error(outcome.kind)
      expect(await room.read(`${room.at}below/to`)).toBe('hello')
      expect(await room.read(`${room.at}from`)).toBe('hello')
      const head = await room.store.head(`${room.at}below/to`)
      expect(head).toMatchObject({ etag: outcome.etag, size: 5 })
      if (room.traits.vouchesForPromised) expect(head?.sha256).toBe(digest('hello'))
    })

    it('obeys the condition on the target', async () => {
      const from = await source(`${room.at}from`, 'new')
      const etag = await room.put(`${room.at}to`, 'old')
      expect(await room.store.copy(from, `${room.at}to`, { if: 'absent' })).toEqual({ kind: 'conflict' })
      expect(await room.store.copy(from, `${room.at}to`, { if: 'unchanged', etag: from.etag })).toEqual({
        kind: 'conflict',
      })
      expect(await room.store.copy(from, `${room.at}none`, { if: 'unchanged', etag })).toEqual({ kind: 'conflict' })
      expect(await room.read(`${room.at}to`)).toBe('old')
      expect(await room.store.copy(from, `${room.at}to`, { if: 'unchanged', etag })).toMatchObject({ kind: 'stored' })
      expect(await room.read(`${room.at}to`)).toBe('new')
      await room.put(`${room.at}to`, 'other')
      expect(await room.store.copy(from, `${room.at}to`, { if: 'always' })).toMatchObject({ kind: 'stored' })
      expect(await room.read(`${room.at}to`)).toBe('new')
    })

    it('copies this version of the source or nothing', async () => {
      for (const content of ['was', '']) {
        const from = await source(`${room.at}from`, content)
        await room.put(`${room.at}from`, 'is now')
        expect(await room.store.copy(from, `${room.at}to`, { if: 'absent' })).toEqual({ kind: 'changed' })
        await room.store.delete(`${room.at}from`)
        expect(await room.store.copy(from, `${room.at}to`, { if: 'absent' })).toEqual({ kind: 'changed' })
        expect(await room.store.head(`${room.at}to`)).toBeUndefined()
      }
    })

    it('finds the source by whatever name it has', async () => {
      for (const name of ['gtk+-2.0 ~1.rpm', 'percent%41.rpm', 'č/日本.rpm']) {
        const from = await source(`${room.at}${name}`, name)
        expect(await room.store.copy(from, `${room.at}copies/${name}`, { if: 'absent' }), name).toMatchObject({
          kind: 'stored',
        })
        expect(await room.read(`${room.at}copies/${name}`)).toBe(name)
      }
    })

    it('takes bytes from any other store, and refuses those that are not what it said', async () => {
      const other = new MemoryStore()
      const from = await source('x', 'from elsewhere', other)
      expect(await room.store.copy(from, `${room.at}x`, { if: 'absent' })).toMatchObject({ kind: 'stored' })
      expect(await room.read(`${room.at}x`)).toBe('from elsewhere')
      const false_ = { ...from, sha256: digest('something else') }
      await expect(room.store.copy(false_, `${room.at}y`, { if: 'absent' })).rejects.toMatchObject({
        code: 'BAD_DIGEST',
      })
      expect(await room.store.head(`${room.at}y`)).toBeUndefined()
    })

    it('lets one of many copies to one name win', async () => {
      const from = await source(`${room.at}from`, 'x')
      const outcomes: string[] = []
      await withClients(room.under, 5, async (client) => {
        outcomes.push((await client.copy({ ...from, store: client }, `${room.at}to`, { if: 'absent' })).kind)
      })
      expect(outcomes.toSorted()).toEqual([...Array(4).fill('conflict'), 'stored'])
    })
  })
}
