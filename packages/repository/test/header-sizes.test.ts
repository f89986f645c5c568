import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { HeaderSizes } from '../src/header-sizes.ts'

const repository = 's3://packages/el9/'

it('of packages as distributions have them 64 KiB are asked for first', () => {
  expect(new HeaderSizes().firstBytes(repository)).toBe(64 * 1024)
})

it('a repository whose headers are all of one size soon has them in one request, and no more than the next step above', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3_000, max: 4_000_000 }), (headerEnd) => {
      const sizes = new HeaderSizes()
      for (let number = 0; number < 100; number += 1) sizes.note(repository, headerEnd)
      const first = sizes.firstBytes(repository)
      expect(first).toBeGreaterThanOrEqual(headerEnd)
      expect(first).toBeLessThan(headerEnd + 16 * 1024)
    }),
  )
})

it('one large package among many small ones changes nothing, and other repositories are not asked', () => {
  const sizes = new HeaderSizes()
  for (let number = 0; number < 300; number += 1) sizes.note(repository, number === 150 ? 4_000_000 : 20_000)
  expect(sizes.firstBytes(repository)).toBeLessThanOrEqual(64 * 1024)
  for (let number = 0; number < 300; number += 1) sizes.note('s3://packages/large/', 900_000)
  expect(sizes.firstBytes(repository)).toBeLessThanOrEqual(64 * 1024)
})

it('what was long ago is forgotten', () => {
  const sizes = new HeaderSizes()
  for (let number = 0; number < 300; number += 1) sizes.note(repository, 900_000)
  expect(sizes.firstBytes(repository)).toBe(55 * 16 * 1024)
  for (let number = 0; number < 300; number += 1) sizes.note(repository, 10_000)
  expect(sizes.firstBytes(repository)).toBeLessThanOrEqual(64 * 1024)
})
