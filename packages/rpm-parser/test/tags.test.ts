import { describe, expect, it } from 'vitest'
import { declaredType } from '../src/declared-types.ts'
import { SignatureTag, signatureTagName, Tag, tagName } from '../src/index.ts'
import { hasLibrpm, librpmNumbers } from './librpm.ts'

describe('tags', () => {
  it.skipIf(!hasLibrpm)('have the types that librpm declares, for every number that librpm knows', () => {
    const numbers = Array.from({ length: 6000 }, (_, number) => number)
    const theirs = librpmNumbers('types', numbers)
    const known = numbers.filter((number) => theirs[number] !== 0)
    expect(known.map((number) => [number, declaredType(number)])).toEqual(
      known.map((number) => [number, theirs[number]]),
    )
    expect(known.length).toBeGreaterThan(200)
  })

  it('have a number each, and a name for messages', () => {
    expect(new Set(Object.values(Tag)).size).toBe(Object.keys(Tag).length)
    expect(tagName(Tag.SUPPLEMENTFLAGS)).toBe('SUPPLEMENTFLAGS')
    expect(signatureTagName(SignatureTag.SIZE)).toBe('SIZE')
    expect(tagName(1)).toBeUndefined()
  })
})
