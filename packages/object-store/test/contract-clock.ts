import { describe, expect, it } from 'vitest'
import type { Room } from './contract.ts'
import { bytesOf } from './texts.ts'

export function describeClock(room: Room): void {
  describe('the clock', () => {
    it('is the one by which objects are stamped, to the second', async () => {
      await room.put(`${room.at}a`, '1')
      const stamped = (await room.store.head(`${room.at}a`))?.lastModified.getTime() ?? 0
      for (const options of [{}, { near: `${room.at}a` }, { near: `${room.at}none/none` }]) {
        const now = (await room.store.clock(options)).getTime()
        expect(now - stamped).toBeGreaterThan(-1000)
        // Not more than the test itself can have taken.
        expect(now - stamped).toBeLessThan(60_000)
      }
      expect(await room.keys(room.at)).toEqual([`${room.at}a`])
    })

    it('is not asked once the signal is aborted', async () => {
      const reason = new Error('enough')
      await expect(room.store.clock({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    })

    it('goes with the storage, not with this machine', async () => {
      const before = (await room.store.clock()).getTime()
      const dayMs = 24 * 3600 * 1000
      room.under.advance(dayMs)
      const later = room.under.another()
      const outcome = await later.put(`${room.at}a`, bytesOf('1'), { if: 'always' })
      expect(outcome.kind).toBe('stored')
      const stamped = (await later.head(`${room.at}a`))?.lastModified.getTime() ?? 0
      const now = (await later.clock()).getTime()
      await later.close()
      expect(now - before).toBeGreaterThanOrEqual(dayMs)
      expect(now - stamped).toBeGreaterThan(-1000)
    })
  })
}
