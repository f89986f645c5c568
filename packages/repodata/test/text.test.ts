import * as fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { describe, expect, it } from 'vitest'
import { compareLocations, parseLocation } from '../src/index.ts'
import { cleanText, escapeAttribute, escapeText } from '../src/text.ts'

describe('text of a header', () => {
  it.each<[string, Uint8Array, string, boolean]>([
    ['ASCII stays', Buffer.from('plain\ttext\n'), 'plain\ttext\n', false],
    ['UTF-8 stays', Buffer.from('žluťoučký 🐴'), 'žluťoučký 🐴', false],
    ['invalid UTF-8 is Latin-1 as a whole', Buffer.from([0xc3, 0xa9, 0xe9]), 'Ãé'.replace('\u00a9', ''), false],
    ['in Latin-1, 0x80 to 0xBF go', Buffer.from([0x61, 0x80, 0xbf, 0xff]), 'aÿ', false],
    ['control characters go, and it is said', Buffer.from('a\u0001b\u001bc\r'), 'abc\r', true],
    ['what XML cannot hold goes', Buffer.from('a\uffffb\ufffe'), 'ab', true],
  ])('%s', (_, bytes, text, dropped) => {
    expect(cleanText(bytes)).toEqual({ text, dropped })
  })

  it('comes back from XML as it was written, whatever bytes the header had', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string({ unit: 'binary' }), (bytes, string) => {
        for (const raw of [bytes, Buffer.from(string)]) {
          const { text } = cleanText(raw)
          const xml = `<a b="${escapeAttribute(text)}">${escapeText(text)}</a>`
          const parser = new SaxesParser()
          let found = ''
          let attribute: string | undefined
          parser.on('error', (error) => {
            throw error
          })
          parser.on('text', (piece) => {
            found += piece
          })
          parser.on('opentag', (tag) => {
            attribute = String(tag.attributes.b)
          })
          parser.write(xml).close()
          expect([found, attribute]).toEqual([text, text])
        }
      }),
    )
  })
})

describe('a location', () => {
  it.each(['a.rpm', 'Packages/b/bear-4.1-1.noarch.rpm', 'with space + % ~ ^.rpm', 'ä/🦀.rpm', '...rpm', 'a..b/c.rpm'])(
    'may be %j',
    (text) => {
      expect(parseLocation(text)).toBe(text)
    },
  )

  it.each([
    '',
    '/a.rpm',
    'a//b.rpm',
    '../a.rpm',
    'a/../b.rpm',
    './a.rpm',
    'a/.',
    'http://x/a.rpm',
    'a\nb.rpm',
    'a\u0000',
    '\ud800',
  ])('may not be %j: a client could be led astray', (text) => {
    expect(parseLocation(text)).toBeUndefined()
  })

  it('is ordered by its bytes as UTF-8, as object stores order keys', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareLocations(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
  })
})
