import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { globExpression, isGlob } from '../src/glob.ts'

describe('a pattern', () => {
  test.each([
    ['foo-*', 'foo-1.0-1.noarch', true],
    ['foo-*', 'xfoo-1.0', false],
    ['foo-?.0', 'foo-1.0', true],
    ['foo-?.0', 'foo-10.0', false],
    ['*', 'Packages/x.rpm', false],
    ['Packages/*.rpm', 'Packages/x.rpm', true],
    ['Packages/*.rpm', 'Packages/b/x.rpm', false],
    ['[fb]oo', 'boo', true],
    ['[!fb]oo', 'boo', false],
    ['[!fb]oo', 'zoo', true],
    ['[!f]oo', '/oo', false],
    ['[a-c]1', 'b1', true],
    ['[z-a]1', 'b1', false],
    ['[]x]', ']', true],
    ['[x', '[x', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['libtide++-*', 'libtide++-2.0~rc1-1', true],
    ['a.c', 'abc', false],
    ['1.2^2026*', '1.2^20261101', true],
    ['***', 'anything', true],
    ['', '', true],
  ])('%s on %s: %s', (pattern, text, expected) => {
    expect(globExpression(pattern).test(text)).toBe(expected)
  })

  test('without special characters matches itself and nothing else', () => {
    const plain = fc.string().filter((text) => !isGlob(text) && !text.includes('\\'))
    fc.assert(
      fc.property(plain, plain, (pattern, text) => {
        expect(globExpression(pattern).test(pattern)).toBe(true)
        expect(globExpression(pattern).test(text)).toBe(pattern === text)
      }),
    )
  })

  test('of any characters is an expression', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (pattern) => globExpression(pattern) instanceof RegExp))
    fc.assert(
      fc.property(fc.stringMatching(/^[[\]!^\\*?a-z/-]*$/), (pattern) => globExpression(pattern) instanceof RegExp),
    )
  })
})
