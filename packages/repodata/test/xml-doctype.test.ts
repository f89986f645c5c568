import { describe, expect, it } from 'vitest'
import { parseXmlTree, textOfElement } from '../src/xml-tree.ts'

/** The text of a document with this DOCTYPE and this content. */
function textOf(doctype: string, content: string): string {
  return textOfElement(parseXmlTree(Buffer.from(`<!DOCTYPE x ${doctype}><x>${content}</x>`), 'it'))
}

describe('an entity of the document', () => {
  it.each([
    ['stands for its text', '[<!ENTITY a "b">]', '&a;&a;', 'bb'],
    [
      'may have single quotes, comments and instructions around it',
      "[ <!-- ]> --><?p ]>?> <!ENTITY a 'b>\"'> ] ",
      '&a;',
      'b>"',
    ],
    ['may hold other entities, even later ones', '[<!ENTITY a "1&b;3"><!ENTITY b "2">]', '&a;', '123'],
    ['may hold references to characters', '[<!ENTITY a "&#233;&#x1f43b;&#38;#60;&#38;#38;">]', '&a;', 'é🐻<&'],
    ['may hold the predefined ones', '[<!ENTITY a "&lt;&amp;">]', '&a;', '<&'],
    ['counts as it was declared first', '[<!ENTITY a "1"><!ENTITY a "2">]', '&a;', '1'],
    ['may have any name', '[<!ENTITY constructor "1"><!ENTITY __proto__ "2">]', '&constructor;&__proto__;', '12'],
    ['does not change the predefined ones', '[<!ENTITY lt "&#38;#60;">]', '&lt;', '<'],
    [
      'stands beside declarations of elements',
      '[<!ELEMENT x (#PCDATA)><!NOTATION n SYSTEM "n>"><!ENTITY a "b">]',
      '&a;',
      'b',
    ],
    [
      'may lie beside an external subset, which is not fetched',
      'SYSTEM "http://127.0.0.1:1/x.dtd" [<!ENTITY a "b">]',
      '&a;',
      'b',
    ],
    ['may lie beside a public one', 'PUBLIC "-//x" "x.dtd"', '', ''],
  ])('%s', (_, doctype, content, text) => {
    expect(textOf(doctype, content)).toBe(text)
  })

  it('is resolved in attributes as well', () => {
    const tree = parseXmlTree(
      Buffer.from(`<!DOCTYPE x [<!ENTITY a "&#60;b&#34;">]><x y="&a;"/>`.replace('&#60;', '')),
      'it',
    )
    expect(tree.attributes.get('y')).toBe('b"')
  })

  const levels = (text: string): string =>
    `[<!ENTITY a0 "${text}">${Array.from({ length: 15 }, (_, n) => `<!ENTITY a${n + 1} "${`&a${n};`.repeat(10)}">`).join('')}]`

  it.each([
    ['a billion laughs', levels('ha'), '&a15;', 'TOO_LARGE'],
    ['a quadratic blow-up', `[<!ENTITY a "${'x'.repeat(60_000)}">]`, '&a;'.repeat(100), 'TOO_LARGE'],
    ['an entity that holds itself', '[<!ENTITY a "&b;"><!ENTITY b "&a;">]', '&a;', 'TOO_LARGE'],
    ['an external entity', '[<!ENTITY a SYSTEM "file:///etc/passwd">]', '&a;', 'NOT_PATCHABLE'],
    ['a public one', '[<!ENTITY a PUBLIC "-//x" "file:///etc/passwd">]', '&a;', 'NOT_PATCHABLE'],
    ['a parameter entity', '[<!ENTITY % p "x">]', '', 'NOT_PATCHABLE'],
    ['a reference to one', '[%p;]', '', 'NOT_PATCHABLE'],
    ['attributes with defaults', '[<!ATTLIST x y CDATA "z">]', '', 'NOT_PATCHABLE'],
    ['an entity with markup', '[<!ENTITY a "<b/>">]', '&a;', 'NOT_PATCHABLE'],
    ['an entity that is not defined', '[<!ENTITY a "&b;">]', '&a;', 'BROKEN_XML'],
    ['an ampersand alone', '[<!ENTITY a "&#38;">]', '&a;', 'BROKEN_XML'],
    ['a character that XML does not have', '[<!ENTITY a "&#1;">]', '&a;', 'BROKEN_XML'],
    ['half a surrogate', '[<!ENTITY a "&#xd800;">]', '&a;', 'BROKEN_XML'],
    ['a declaration that is none', '[<!ENTITY a>]', '', 'BROKEN_XML'],
    ['no name', '[', ']', 'BROKEN_XML'],
  ])('is refused where it is %s', (_, doctype, content, code) => {
    expect(() => textOf(doctype, content)).toThrowError(expect.objectContaining({ name: 'DocumentError', code }))
  })

  it('that is empty, within empty ones, takes no time', () => {
    expect(textOf(levels(''), '&a15;')).toBe('')
  })
})
