import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatEvr, formatNevra, nevra, parseEvr, parseNevra, parsePackage, RpmError, Tag } from '../src/index.ts'
import { buildPackage, encodeHeader, string } from '../src/testing/index.ts'
import { rawPackage } from './raw-package.ts'

const word = fc.stringMatching(/^[A-Za-z0-9+_~^]+(\.[A-Za-z0-9+_~^]+)*$/)

const nevras = fc.record({
  name: fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('-')),
  epoch: fc.option(fc.nat().map(String), { nil: undefined }),
  version: word,
  release: word,
  arch: fc.constantFrom('noarch', 'x86_64', 'src', 'ppc64le'),
})

describe('NEVRA', () => {
  it('is the same after formatting and parsing', () => {
    fc.assert(
      fc.property(nevras, (value) => {
        expect(parseNevra(formatNevra(value))).toEqual(value)
      }),
    )
  })

  it.each([
    ['rpm-4.18.0-1.x86_64', { name: 'rpm', epoch: undefined, version: '4.18.0', release: '1', arch: 'x86_64' }],
    ['a-b-1-c-0:2-3.el9.noarch', { name: 'a-b-1-c', epoch: '0', version: '2', release: '3.el9', arch: 'noarch' }],
    ['libfoo2.0-1^git-1~a.src', { name: 'libfoo2.0', epoch: undefined, version: '1^git', release: '1~a', arch: 'src' }],
  ])('reads %s', (text, expected) => {
    expect(parseNevra(text)).toEqual(expected)
  })

  it.each([
    '',
    'rpm',
    'rpm-1',
    'rpm-1-1',
    'rpm-1.x86_64',
    '-1-1.noarch',
    'rpm--1.noarch',
    'rpm-1-.noarch',
    'rpm-1-1.',
    'rpm-1:-1.noarch',
  ])('does not take %j for one', (text) => {
    expect(parseNevra(text)).toBeUndefined()
  })

  it.each([
    { title: 'without an epoch', spec: { name: 'a' }, expected: 'a-1.0-1.noarch' },
    { title: 'with epoch 0', spec: { name: 'a', epoch: 0 }, expected: 'a-0:1.0-1.noarch' },
    { title: 'with the highest epoch', spec: { name: 'a', epoch: 0xffffffff }, expected: 'a-4294967295:1.0-1.noarch' },
    { title: 'of a source package', spec: { name: 'a', arch: 'x86_64', source: true }, expected: 'a-1.0-1.src' },
  ])('comes from a header $title', ({ spec, expected }) => {
    expect(formatNevra(nevra(parsePackage(buildPackage(spec)).header))).toBe(expected)
  })

  it('needs a name, version, release and architecture', () => {
    const header = encodeHeader([string(Tag.NAME, 'a'), string(Tag.VERSION, '1')], Tag.HEADERIMMUTABLE)
    const pkg = parsePackage(rawPackage({ header }))
    expect(() => nevra(pkg.header)).toThrow(RpmError)
    expect(() => nevra(pkg.header)).toThrow('the header has no RELEASE (tag 1002)')
  })
})

describe('EVR', () => {
  it.each([
    ['1.0', { epoch: undefined, version: '1.0', release: undefined }],
    ['1.0-2', { epoch: undefined, version: '1.0', release: '2' }],
    ['3:1.0-2', { epoch: '3', version: '1.0', release: '2' }],
    [':1.0-2', { epoch: '0', version: '1.0', release: '2' }],
    ['1-2-3', { epoch: undefined, version: '1-2', release: '3' }],
    ['a:1-2', { epoch: undefined, version: 'a:1', release: '2' }],
    ['', { epoch: undefined, version: '', release: undefined }],
  ])('reads %j', (text, expected) => {
    expect(parseEvr(text)).toEqual(expected)
  })

  it('is the same text after parsing and formatting, but for an empty epoch', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(formatEvr(parseEvr(text))).toBe(text.startsWith(':') ? `0${text}` : text)
      }),
    )
  })
})
