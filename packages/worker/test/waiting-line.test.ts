import { expect, it } from 'vitest'
import { WaitingLine } from '../src/waiting-line.ts'
import { settleMicrotasks } from './manual-clock.ts'

const { signal } = new AbortController()

it('lets nobody in between who leaves and who is next', async () => {
  const line = new WaitingLine(2)
  const inside: string[] = []
  const come = async (name: string) => {
    const leave = await line.enter(signal)
    inside.push(name)
    return leave
  }
  const leave = await come('first')
  const second = come('second')
  await settleMicrotasks()
  leave?.()
  const third = come('third')
  await settleMicrotasks()
  expect(inside).toEqual(['first', 'second'])
  const leaveSecond = await second
  leaveSecond?.()
  await third
  expect(inside).toEqual(['first', 'second', 'third'])
})

it('turns away whom it has no place for, and does not wait with who has given up', async () => {
  const line = new WaitingLine(1)
  const leave = await line.enter(signal)
  const leaving = new AbortController()
  const second = line.enter(leaving.signal)
  expect(await line.enter(signal)).toBeUndefined()
  leaving.abort(new Error('gone'))
  await expect(second).rejects.toThrow('gone')
  const third = line.enter(signal)
  leave?.()
  expect(await third).toBeTypeOf('function')
  await expect(line.enter(leaving.signal)).rejects.toThrow('gone')
})
