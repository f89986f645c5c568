import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { S3Store } from '../src/index.ts'
import { type OddServer, reply, startOddServer } from './odd-server.ts'

let server: OddServer
let store: S3Store
beforeEach(async () => {
  server = await startOddServer()
  store = server.store
})
afterEach(() => server.close())

const ok = { etag: '"abc"', 'last-modified': 'Tue, 01 Jan 2030 00:00:00 GMT' }

describe('the clock of a server', () => {
  const date = 'Tue, 01 Jan 2030 12:34:56 GMT'
  const time = new Date('2030-01-01T12:34:56Z')

  it.each([
    ['the object is there', reply(200, { ...ok, date })],
    ['it is not', reply(404, { date })],
    ['it may not be read', reply(403, { date })],
  ])('is read from the Date of a HEAD where %s', async (_, answer) => {
    server.answer(answer)
    expect(await store.clock({ near: 'dir/a' })).toEqual(time)
    // The SDK asks twice where the answer is an error and its clock is off: it may have been the signature's time.
    expect([...new Set(server.requests)]).toEqual(['HEAD /bucket/dir/a'])
  })

  it('is that of the answer which counts, where one before it was a fault', async () => {
    server.answer(reply(503, { date: 'Tue, 01 Jan 2019 00:00:00 GMT' }), reply(404, { date }))
    expect(await store.clock()).toEqual(time)
  })

  it('is not known where the server says none, or nonsense', async () => {
    server.answer((request, response) => {
      response.sendDate = false
      return reply(404)(request, response)
    })
    await expect(store.clock()).rejects.toMatchObject({
      name: 'StoreError',
      code: 'FAILED',
      message: expect.stringContaining('no Date'),
    })
    server.answer(reply(200, { ...ok, date: 'noon' }))
    await expect(store.clock()).rejects.toMatchObject({
      name: 'StoreError',
      code: 'FAILED',
      message: expect.stringContaining('"noon"'),
    })
  })

  it('is not taken from a server that fails', async () => {
    server.answer(reply(503, { date }))
    await expect(store.clock()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
