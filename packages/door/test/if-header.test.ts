import { expect, it } from 'vitest'
import { parseIf, tokensIn } from '../src/if-header.ts'

const token = (value: string, not = false) => ({ not, kind: 'token', value })
const etag = (value: string, not = false) => ({ not, kind: 'etag', value })

it.each<[string, unknown]>([
  // The examples of RFC 4918, sections 10.4.6 to 10.4.9.
  [
    '(<urn:uuid:1> ["I am an ETag"]) (["I am another ETag"])',
    [{ conditions: [token('urn:uuid:1'), etag('"I am an ETag"')] }, { conditions: [etag('"I am another ETag"')] }],
  ],
  ['(Not <urn:uuid:1> <urn:uuid:2>)', [{ conditions: [token('urn:uuid:1', true), token('urn:uuid:2')] }]],
  [
    '(<urn:uuid:1>) (Not <DAV:no-lock>)',
    [{ conditions: [token('urn:uuid:1')] }, { conditions: [token('DAV:no-lock', true)] }],
  ],
  [
    '</x.rpm>\n(<urn:uuid:1> [W/"a"]) (["b"]) <http://h/y.rpm> (Not["c"])',
    [
      { resource: '/x.rpm', conditions: [token('urn:uuid:1'), etag('W/"a"')] },
      { resource: '/x.rpm', conditions: [etag('"b"')] },
      { resource: 'http://h/y.rpm', conditions: [etag('"c"', true)] },
    ],
  ],
])('%s', (header, lists) => {
  expect(parseIf(header)).toEqual(lists)
})

it.each([
  '',
  ' ',
  '()',
  '(',
  '(<a>',
  '<a>',
  '(a)',
  '(<>)',
  '(<a b>)',
  '(["a)',
  '([a])',
  '((<a>))',
  '(<a>) x',
  '(<a>) </x> (<b>)',
  '(not)',
  `(${'<'.repeat(10_000)}`,
  ' '.repeat(16_000),
])('%s is misspelt', (header) => {
  expect(parseIf(header)).toBeUndefined()
})

it('counts each token that stands there as submitted', () => {
  expect([...tokensIn(parseIf('(<a> Not <b> ["c"]) (<a>)') ?? [])]).toEqual(['a', 'b'])
})
