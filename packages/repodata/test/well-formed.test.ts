import * as fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { describe, expect, it } from 'vitest'
import { isWellFormedEntry } from '../src/well-formed.ts'

const own = 'http://linux.duke.edu/metadata/common'
const rpm = 'http://linux.duke.edu/metadata/rpm'

const look = (entry: string | Buffer): boolean => isWellFormedEntry(Buffer.from(entry), own, true)

function isWellFormed(entry: Buffer): boolean {
  const parser = new SaxesParser({ xmlns: true, additionalNamespaces: { '': own, rpm } })
  parser.on('error', (error) => {
    throw error
  })
  try {
    parser.write(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(entry)).close()
    return true
  } catch {
    return false
  }
}

const entry =
  '<package type="rpm"><name>b&amp;&#233;\u00e9\uff21</name><arch/>\n <version epoch=\'0\' ver="1&gt;"/>' +
  `<location xml:base="a" href="b"/><format xmlns="${own}"><rpm:provides><rpm:entry name="x"/></rpm:provides></format></package >`

describe('the quick look at an entry', () => {
  it('is content with what tools write', () => {
    expect(look(entry)).toBe(true)
    expect(look(`<package xmlns="${own}" xmlns:rpm="${rpm}"/>`)).toBe(true)
  })

  it('never is where a parser is not, whatever was done to it', async () => {
    const bytes = Buffer.from(entry)
    const mark = fc.constantFrom(
      ...'<>/&;"\'= !?-[]:ax#0\n\u0001\u00e9',
      ']]>',
      '<a>',
      '</a>',
      '<a/>',
      '\ufffe',
      'xmlns',
      'rpm:',
    )
    const edits = fc.array(
      fc.record({
        at: fc.nat(bytes.length),
        cut: fc.nat(3),
        put: fc.oneof(
          mark.map((text) => Buffer.from(text)),
          fc.uint8Array({ maxLength: 2 }),
        ),
      }),
      { minLength: 1, maxLength: 3 },
    )
    fc.assert(
      fc.property(edits, (list) => {
        let edited: Buffer = bytes
        for (const { at, cut, put } of list)
          edited = Buffer.concat([edited.subarray(0, at), put, edited.subarray(at + cut)])
        if (look(edited)) expect(isWellFormed(edited), edited.toString()).toBe(true)
      }),
      { numRuns: 20_000 },
    )
  })

  it.each([
    ['an attribute that stands twice', '<package a="1" b="2" a="3"/>'],
    ['an attribute without a space before it', '<package a="1"b="2"/>'],
    ['a comment', '<package><!-- x --></package>'],
    ['CDATA', '<package><![CDATA[x]]></package>'],
    ['another prefix', '<package><x:a/></package>'],
    ['another default namespace', '<package xmlns="urn:x"/>'],
    ['another namespace for rpm', '<package xmlns:rpm="urn:x"/>'],
    ['a declaration of another prefix', '<package xmlns:x="urn:x"/>'],
    ['a name that is not ASCII', '<package><é/></package>'],
    ['very many levels', `<package>${'<a>'.repeat(40)}${'</a>'.repeat(40)}</package>`],
  ])('leaves %s to a parser', (_, text) => {
    expect(look(text)).toBe(false)
  })

  it('leaves rpm: to a parser where it may mean something else', () => {
    expect(isWellFormedEntry(Buffer.from('<package><rpm:a/></package>'), own, false)).toBe(false)
    expect(isWellFormedEntry(Buffer.from(`<package xmlns:rpm="${rpm}"/>`), own, false)).toBe(false)
  })
})
