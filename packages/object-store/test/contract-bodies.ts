import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { discardBody, type PutBody, StoreError } from '../src/index.ts'
import type { Room } from './contract.ts'
import { bytesOf, digest, pieces } from './texts.ts'

/** Bodies pass through, are what was promised, and may be given up at any point. */
export function describeBodies(room: Room): void {
  describe('bodies', () => {
    it(`takes 64 MiB in and gives them out${room.traits.streams ? ', in memory that does not grow with them' : ''}`, async () => {
      const chunkBytes = 1 << 20
      const count = 64
      const baseline = heldBytes()
      let most = 0
      const sent = createHash('sha256')
      const body: PutBody = {
        size: count * chunkBytes,
        async *open() {
          for (let index = 0; index < count; index++) {
            if (index % 8 === 0) most = Math.max(most, heldBytes())
            const bytes = new Uint8Array(chunkBytes).fill(index)
            sent.update(bytes)
            yield bytes
          }
        },
      }
      const progress: number[] = []
      await room.store.put(`${room.at}big`, body, { if: 'always' }, { onProgress: (bytes) => progress.push(bytes) })
      expect(progress.at(-1)).toBe(count * chunkBytes)
      expect(progress).toEqual([...progress].sort((a, b) => a - b))
      const received = createHash('sha256')
      const outcome = await room.store.get(`${room.at}big`)
      if (outcome.kind !== 'found') throw new Error(outcome.kind)
      let unmeasured = 0
      for await (const bytes of outcome.body) {
        received.update(bytes)
        unmeasured += bytes.length
        if (unmeasured < 8 * chunkBytes) continue
        unmeasured = 0
        most = Math.max(most, heldBytes())
      }
      expect(received.digest('hex')).toBe(sent.digest('hex'))
      if (room.traits.streams) expect(most - baseline).toBeLessThan((count * chunkBytes) / 2)
      await room.store.delete(`${room.at}big`)
    })

    it('can be given up, read or unread', async () => {
      await room.store.put(`${room.at}a`, Buffer.alloc(2_000_000), { if: 'always' })
      for (let round = 0; round < 3; round++) {
        const unread = await room.store.get(`${room.at}a`)
        if (unread.kind !== 'found') throw new Error(unread.kind)
        await discardBody(unread.body)
        const started = await room.store.get(`${room.at}a`)
        if (started.kind !== 'found') throw new Error(started.kind)
        for await (const _ of started.body) break
        expect(await started.body[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined })
      }
    })

    it.each([
      { title: 'whole', body: bytesOf('content') },
      { title: 'streamed', body: { size: 7, open: () => pieces(['con', 'tent']) } },
    ])('a $title body with another digest than promised is BAD_DIGEST and leaves nothing behind', async ({ body }) => {
      const sha256 = digest('something else')
      await expect(room.store.put(`${room.at}a`, body, { if: 'always' }, { sha256 })).rejects.toMatchObject({
        name: 'StoreError',
        code: 'BAD_DIGEST',
      })
      expect(await room.store.head(`${room.at}a`)).toBeUndefined()
      await room.put(`${room.at}b`, 'before')
      await expect(room.store.put(`${room.at}b`, body, { if: 'always' }, { sha256 })).rejects.toThrow(StoreError)
      expect(await room.read(`${room.at}b`)).toBe('before')
      const good = { sha256: digest('content') }
      expect((await room.store.put(`${room.at}b`, body, { if: 'always' }, good)).kind).toBe('stored')
      if (room.traits.vouchesForPromised) expect((await room.store.head(`${room.at}b`))?.sha256).toBe(good.sha256)
    })

    it.each([
      { title: 'shorter', size: 8 },
      { title: 'longer', size: 6 },
      { title: 'longer than nothing', size: 0 },
    ])('a source $title than announced fails and leaves nothing behind', async ({ size }) => {
      const body = { size, open: () => pieces(['con', 'tent']) }
      await expect(room.store.put(`${room.at}a`, body, { if: 'always' })).rejects.toMatchObject({ code: 'FAILED' })
      expect(await room.store.head(`${room.at}a`)).toBeUndefined()
    })
  })

  describe('abort', () => {
    const reason = new Error('enough')

    it('before the start: every operation rejects with the reason', async () => {
      const etag = await room.put(`${room.at}a`, '1')
      const signal = AbortSignal.abort(reason)
      await expect(room.store.get(`${room.at}a`, { signal })).rejects.toBe(reason)
      await expect(room.store.head(`${room.at}a`, { signal })).rejects.toBe(reason)
      await expect(room.store.put(`${room.at}a`, bytesOf('2'), { if: 'always' }, { signal })).rejects.toBe(reason)
      await expect(room.store.delete(`${room.at}a`, { signal, ifMatch: etag })).rejects.toBe(reason)
      await expect(room.keys(room.at, { signal })).rejects.toBe(reason)
      expect(await room.read(`${room.at}a`)).toBe('1')
    })

    it('in the middle of a put, also of a source that hangs: nothing is stored', async () => {
      const controller = new AbortController()
      const body: PutBody = {
        size: 10,
        async *open() {
          yield bytesOf('12345')
          await setImmediate()
          controller.abort(reason)
          await new Promise<never>(() => {})
        },
      }
      await expect(room.store.put(`${room.at}a`, body, { if: 'always' }, { signal: controller.signal })).rejects.toBe(
        reason,
      )
      expect(await room.store.head(`${room.at}a`)).toBeUndefined()
      expect(await room.keys(room.at)).toEqual([])
    })

    it('in the middle of a body', async () => {
      await room.store.put(`${room.at}a`, Buffer.alloc(8_000_000), { if: 'always' })
      const controller = new AbortController()
      const outcome = await room.store.get(`${room.at}a`, { signal: controller.signal })
      if (outcome.kind !== 'found') throw new Error(outcome.kind)
      const reading = async () => {
        for await (const _ of outcome.kind === 'found' ? outcome.body : []) controller.abort(reason)
      }
      await expect(reading()).rejects.toBe(reason)
    })
  })
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** What buffers hold after everything that is garbage has gone. */
function heldBytes(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}
