import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { sentence } from '../src/answer.ts'
import { AnswerRoom } from '../src/answer-room.ts'

it('has long answers wait for others to be read, and short ones never', async () => {
  const room = new AnswerRoom(250_000)
  const long = sentence(207, 'x'.repeat(100_000))
  const short = sentence(200, 'x')
  const [first, second, third] = [new PassThrough(), new PassThrough(), new PassThrough()]
  expect([room.admit(long, first), room.admit(long, second)]).toEqual([long, long])
  expect(room.admit(long, third)).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } })
  expect(room.admit(short, third)).toBe(short)
  first.destroy()
  await once(first, 'close')
  expect(room.admit(long, third)).toBe(long)
  expect(room.admit(long, new PassThrough())).toMatchObject({ status: 503 })
})
