import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMirrorList } from '../src/mirror-list.ts'

const parse = (text: string) => {
  const list = parseMirrorList(Buffer.from(text))
  return list && { ...list, bases: list.bases.map(({ href }) => href) }
}

/** As MirrorManager writes it. */
const version3 = `<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" type="dynamic" xmlns:mm0="http://fedorahosted.org/mirrormanager">
 <files>
  <file name="repomd.xml">
   <mm0:timestamp>1700000000</mm0:timestamp>
   <size>4711</size>
   <verification><hash type="md5">aa</hash><hash type="sha256">BB</hash></verification>
   <mm0:alternates><mm0:alternate>
    <size>4712</size><verification><hash type="sha512">cc</hash></verification>
   </mm0:alternate></mm0:alternates>
   <resources maxconnections="1">
    <url protocol="rsync" type="rsync" location="DE" preference="100">rsync://a.example.org/el9/repodata/repomd.xml</url>
    <url protocol="https" type="https" location="DE" preference="99">https://second.example.org/el9/repodata/repomd.xml</url>
    <url protocol="https" type="https" location="DE" preference="100">https://first.example.org/el9/repodata/repomd.xml</url>
    <url protocol="https" type="https" location="DE" preference="98">https://other.example.org/el9/elsewhere.xml</url>
   </resources>
  </file>
 </files>
</metalink>`

const rfc5854 = `<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="repomd.xml">
  <size>12</size><hash type="sha-256">dd</hash>
  <url priority="2">http://b.example.org/repodata/repomd.xml</url><url priority="1">http://a.example.org/repodata/repomd.xml</url>
</file></metalink>`

describe('a list of mirrors', () => {
  it('is read as MirrorManager writes a metalink: the preferred first, with repomd.xml of today and of the days before', () => {
    expect(parse(version3)).toEqual({
      kind: 'metalink',
      bases: ['https://first.example.org/el9/', 'https://second.example.org/el9/'],
      repomds: [
        { size: 4711, digest: { type: 'sha256', hex: 'bb' } },
        { size: 4712, digest: { type: 'sha512', hex: 'cc' } },
      ],
    })
  })

  it('is read as RFC 5854 has a metalink', () => {
    expect(parse(rfc5854)).toEqual({
      kind: 'metalink',
      bases: ['http://a.example.org/', 'http://b.example.org/'],
      repomds: [{ size: 12, digest: { type: 'sha256', hex: 'dd' } }],
    })
  })

  it('is read as addresses, one a line, without comments and what is not of the web', () => {
    const text = '# repo = el9\n\nhttps://a.example.org/el9/\r\nftp://b.example.org/el9/\nhttp://c.example.org/el9\n'
    expect(parse(text)).toEqual({
      kind: 'mirrorlist',
      bases: ['https://a.example.org/el9/', 'http://c.example.org/el9'],
      repomds: [],
    })
  })

  it.each([
    ['a page for people', '<!DOCTYPE html><html><body>https://a.example.org/</body></html>'],
    ['nothing', '# no mirrors\n'],
    ['words', 'no mirrors for this architecture\n'],
    ['a metalink of something else', version3.replace('name="repomd.xml"', 'name="image.iso"')],
    ['a metalink without addresses', '<metalink><file name="repomd.xml"/></metalink>'],
    ['a broken metalink', version3.slice(0, 500)],
  ])('is not %s', (_, text) => {
    expect(parse(text)).toBeUndefined()
  })

  it('has addresses of the web alone, or is none, whatever bytes come', () => {
    const bytes = Buffer.from(version3)
    const cut = fc.tuple(fc.nat(bytes.length), fc.nat(bytes.length), fc.uint8Array({ maxLength: 20 }))
    const changed = cut.map(([a, b, put]) => {
      return Buffer.concat([bytes.subarray(0, Math.min(a, b)), put, bytes.subarray(Math.max(a, b))])
    })
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 200 })), (some) => {
        const list = parseMirrorList(some)
        for (const { protocol } of list?.bases ?? []) expect(['http:', 'https:']).toContain(protocol)
        expect(list?.bases).not.toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
