import { expect, it } from 'vitest'
import { type Lock, Locks } from '../src/locks.ts'

function open() {
  let now = 0
  const locks = new Locks(() => now, { locksMax: 20, locksOfOneMax: 10 })
  const take = (root: string, more: Partial<Lock> = {}) =>
    locks.take({ root, depth: '0', owner: undefined, user: undefined, holder: 'a', secondsLeft: 60, ...more })
  const roots = (found: readonly Lock[]) => found.map(({ root }) => root)
  const goOn = (seconds: number): void => {
    now += seconds * 1000
  }
  return { locks, take, roots, goOn }
}

it('gives a path to one at a time, until its time is over', () => {
  const { locks, take, goOn } = open()
  expect(take('x.rpm').kind).toBe('locked')
  expect(take('x.rpm', { holder: 'b' }).kind).toBe('taken')
  goOn(59)
  expect(locks.covering('x.rpm')).toMatchObject([{ secondsLeft: 1 }])
  goOn(2)
  expect(locks.covering('x.rpm')).toEqual([])
  expect(take('x.rpm').kind).toBe('locked')
})

it('renews from the moment when it is asked to', () => {
  const { locks, take, goOn } = open()
  const taken = take('x.rpm')
  goOn(50)
  if (taken.kind === 'locked') locks.refresh(taken.lock, 60)
  goOn(50)
  expect(locks.covering('x.rpm')).toHaveLength(1)
})

it('closes all below a folder with depth infinity, and only what lies in it with depth 0', () => {
  const { locks, take, roots } = open()
  take('deep', { depth: 'infinity' })
  take('flat')
  expect(roots(locks.binding('deep/a/x.rpm'))).toEqual(['deep'])
  expect(roots(locks.binding('deep/'))).toEqual(['deep'])
  expect(roots(locks.binding('flat/x.rpm'))).toEqual(['flat'])
  expect(roots(locks.covering('flat/x.rpm'))).toEqual([])
  expect(roots(locks.binding('flat/a/x.rpm'))).toEqual([])
  expect(roots(locks.binding('deeper/x.rpm'))).toEqual([])
})

it('gives no lock on what holds another, nor below one', () => {
  const { take } = open()
  take('a/b/x.rpm')
  expect(take('a', { depth: 'infinity' })).toMatchObject({ kind: 'taken', by: { root: 'a/b/x.rpm' } })
  expect(take('', { depth: 'infinity' }).kind).toBe('taken')
  expect(take('a').kind).toBe('locked')
  expect(take('c', { depth: 'infinity' }).kind).toBe('locked')
  expect(take('c/y.rpm')).toMatchObject({ kind: 'taken', by: { root: 'c' } })
  expect(take('ab/y.rpm').kind).toBe('locked')
})

it('gives one who takes many no more, and others still', () => {
  const { take, goOn } = open()
  const kinds = Array.from({ length: 12 }, (_, index) => take(`${index}.rpm`).kind)
  expect(kinds).toEqual([...Array(10).fill('locked'), 'too many', 'too many'])
  expect(take('other.rpm', { holder: 'b' }).kind).toBe('locked')
  goOn(61)
  expect(take('more.rpm').kind).toBe('locked')
})

it('gives all of them together no more than may be', () => {
  const { take, locks } = open()
  for (let index = 0; index < 20; index += 1) take(`${index}.rpm`, { holder: `${index % 5}` })
  expect(take('more.rpm', { holder: 'new' }).kind).toBe('too many')
  locks.releaseRoot('7.rpm')
  expect(take('more.rpm', { holder: 'new' }).kind).toBe('locked')
})

it('ends with what it was on, but not with what lay in it', () => {
  const { locks, take, roots } = open()
  take('a', { depth: 'infinity' })
  locks.releaseRoot('a/x.rpm')
  expect(roots(locks.covering('a/x.rpm'))).toEqual(['a'])
  locks.releaseRoot('a/')
  expect(locks.covering('a/x.rpm')).toEqual([])
})
