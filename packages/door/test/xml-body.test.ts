import { expect, it } from 'vitest'
import { readXmlBody } from '../src/xml-body.ts'

const now = () => new Date(0)

async function* pieces(text: string | Uint8Array) {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}

it('reads names with their namespaces, and text', async () => {
  const body = '<?xml version="1.0"?><a:x xmlns:a="DAV:" xmlns="b"><y>1<![CDATA[<]]>&amp;ü</y></a:x>'
  expect(await readXmlBody(pieces(body), now)).toEqual({
    kind: 'element',
    element: {
      ...{ namespace: 'DAV:', name: 'x', text: '' },
      children: [{ namespace: 'b', name: 'y', text: '1<&ü', children: [] }],
    },
  })
})

it('tells that there is none', async () => {
  expect(await readXmlBody(pieces(''), now)).toEqual({ kind: 'none' })
})

it.each<[string, string | Uint8Array, number]>([
  ['text', 'hello', 400],
  ['half of it', '<x><y/>', 400],
  ['a prefix that is nobody’s', '<a:x/>', 400],
  ['a prefix that is taken back', '<x xmlns:a=""><a:y/></x>', 400],
  ['a DOCTYPE', '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>', 400],
  ['an entity', '<x>&a;</x>', 400],
  ['a file of this machine', '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', 400],
  ['bytes that are no UTF-8', Buffer.from([0x3c, 0x78, 0x3e, 0xff]), 400],
  ['many elements', `<x>${'<y/>'.repeat(600)}</x>`, 400],
  ['deep elements', '<x>'.repeat(40), 400],
  ['two of them', '<x/><y/>', 400],
  ['more than is read', ' '.repeat(70_000), 413],
])('refuses %s', async (_, body, status) => {
  expect(await readXmlBody(pieces(body), now)).toMatchObject({ kind: 'refused', answer: { status } })
})

it('refuses what trickles', async () => {
  let seconds = 0
  const later = () => new Date(1000 * seconds++)
  expect(await readXmlBody(pieces(`<x>${' '.repeat(200)}</x>`), later)).toMatchObject({ answer: { status: 408 } })
})
