import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Batches, type BatchWindows } from '../src/batch.ts'
import { parseRepositoryRoot, placeId, type RepositoryPlace } from '../src/roots.ts'

const windows: BatchWindows = { quietMs: 2_000, longestWaitMs: 20_000, keysMax: 1_000 }
const el9: RepositoryPlace = { bucket: 'packages', root: parseRepositoryRoot('el9') }
const el8: RepositoryPlace = { bucket: 'packages', root: parseRepositoryRoot('el8') }
const elsewhere: RepositoryPlace = { bucket: 'others', root: parseRepositoryRoot('el9') }

describe('the windows of a batch', () => {
  it('close it when nothing came for the quiet window', () => {
    const batches = new Batches(windows)
    batches.add(el9, 'el9/a.rpm', 'm1', 1_000)
    batches.add(el9, 'el9/b.rpm', 'm2', 2_500)
    expect(batches.wakeAt()).toBe(4_500)
    expect(batches.takeDue(4_499)).toBeUndefined()
    const batch = batches.takeDue(4_500)
    expect([...(batch?.keys ?? [])]).toEqual([
      ['el9/a.rpm', new Set(['m1'])],
      ['el9/b.rpm', new Set(['m2'])],
    ])
    expect(batches.isEmpty).toBe(true)
    expect(batches.wakeAt()).toBeUndefined()
  })

  it('close it after the longest wait although changes go on coming', () => {
    const batches = new Batches(windows)
    for (let now = 0; now < 20_000; now += 1_000) {
      expect(batches.takeDue(now)).toBeUndefined()
      batches.add(el9, `el9/${now}.rpm`, `m${now}`, now)
    }
    expect(batches.wakeAt()).toBe(20_000)
    expect(batches.takeDue(20_000)?.keys.size).toBe(20)
  })

  it('close it at once when it is full, and the next change opens another', () => {
    const batches = new Batches({ ...windows, keysMax: 2 })
    for (const [index, key] of ['a', 'b', 'c'].entries()) batches.add(el9, key, `m${index}`, 100)
    expect([...(batches.takeDue(100)?.keys.keys() ?? [])]).toEqual(['a', 'b'])
    expect(batches.takeDue(100)).toBeUndefined()
    expect([...(batches.takeDue(2_100)?.keys.keys() ?? [])]).toEqual(['c'])
  })

  it('are not prolonged by a message that is delivered again', () => {
    const batches = new Batches(windows)
    batches.add(el9, 'a', 'm1', 0)
    batches.add(el9, 'a', 'm1', 1_999)
    expect(batches.wakeAt()).toBe(2_000)
  })

  it('are those of one repository: others do not wait for it', () => {
    const batches = new Batches(windows)
    batches.add(el9, 'a', 'm1', 0)
    batches.add(el8, 'a', 'm1', 1_500)
    batches.add(elsewhere, 'a', 'm1', 1_600)
    const takenAt = (now: number) => {
      const batch = batches.takeDue(now)
      return batch === undefined ? undefined : placeId(batch)
    }
    expect([takenAt(2_000), takenAt(2_000)]).toEqual(['packages/el9/', undefined])
    expect([takenAt(9_000), takenAt(9_000)]).toEqual(['packages/el8/', 'others/el9/'])
  })
})

describe('a repository that is being published', () => {
  it('goes on gathering and wakes nobody until it is free', () => {
    const batches = new Batches(windows)
    batches.add(el9, 'a', 'm1', 0)
    batches.add(el8, 'b', 'm2', 5_000)
    const free = (place: RepositoryPlace) => place.root !== el9.root
    expect(batches.wakeAt(free)).toBe(7_000)
    expect(batches.takeDue(6_000, free)).toBeUndefined()
    batches.add(el9, 'c', 'm3', 6_000)
    expect([...(batches.takeDue(6_000, () => false)?.keys.keys() ?? [])]).toEqual([])
    batches.add(el9, 'd', 'm4', 21_000)
    expect([...(batches.takeDue(21_000)?.keys.keys() ?? [])]).toEqual(['b'])
    expect([...(batches.takeDue(21_000)?.keys.keys() ?? [])]).toEqual(['a', 'c', 'd'])
  })
})

describe('whatever comes, in whatever order', () => {
  const places = [el9, el8, elsewhere]
  const step = fc.oneof(
    fc.record({
      do: fc.constant('add' as const),
      place: fc.constantFrom(...places),
      key: fc.nat(7).map((index) => `k${index}`),
      message: fc.nat(9).map((index) => `m${index}`),
    }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.nat(90) }),
  )

  it('no key is lost, none is gathered twice for one message, no batch is too big or too late', () => {
    const small = { quietMs: 50, longestWaitMs: 200, keysMax: 3 }
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const batches = new Batches(small)
        const added = new Set<string>()
        const taken = new Set<string>()
        let now = 0
        const takeAllDue = () => {
          for (let due = batches.takeDue(now); due !== undefined; due = batches.takeDue(now)) {
            expect(due.keys.size).toBeGreaterThan(0)
            expect(due.keys.size).toBeLessThanOrEqual(small.keysMax)
            for (const [key, messages] of due.keys) {
              expect(messages.size).toBeGreaterThan(0)
              for (const message of messages) taken.add(`${placeId(due)} ${key} ${message}`)
            }
          }
        }
        for (const next of steps) {
          if (next.do === 'add') {
            batches.add(next.place, next.key, next.message, now)
            added.add(`${placeId(next.place)} ${next.key} ${next.message}`)
          } else {
            // A caller that comes when it is asked to never finds a batch that has waited longer than it may.
            const end = now + next.ms
            for (let wake = batches.wakeAt(); wake !== undefined && wake <= end; wake = batches.wakeAt()) {
              now = Math.max(now, wake)
              const before = batches.wakeAt()
              takeAllDue()
              expect(batches.wakeAt()).not.toBe(before)
            }
            now = end
          }
        }
        for (const rest of batches.takeAll()) {
          expect(now - rest.openedAt).toBeLessThan(small.longestWaitMs)
          for (const [key, messages] of rest.keys)
            for (const message of messages) taken.add(`${placeId(rest)} ${key} ${message}`)
        }
        expect(taken).toEqual(added)
        expect(batches.isEmpty).toBe(true)
      }),
    )
  })
})
