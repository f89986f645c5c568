import { describe, expect, it } from 'vitest'
import { emptyRepomd, formatRepomd, type NamedDocument, nextRevision, parseRepomd, recordOf } from '../src/index.ts'

const written = (kind: 'primary' | 'filelists' | 'other'): NamedDocument => ({
  kind,
  packages: 1,
  sha256: 'a'.repeat(64),
  size: 10,
  openSha256: 'b'.repeat(64),
  openSize: 20,
  href: `repodata/new-${kind}.xml.gz`,
  timestamp: 1_700_000_000,
})
const documents = { primary: written('primary'), filelists: written('filelists'), other: written('other') }

const data = (type: string, more = ''): string =>
  `<data type="${type}"><checksum type="sha256">${'c'.repeat(64)}</checksum>` +
  `<location href="repodata/${type}.xml"/><timestamp>1</timestamp><size>3</size>${more}</data>`

const repomd = (inside: string): Buffer =>
  Buffer.from(`<?xml version="1.0"?>\n<repomd xmlns="http://linux.duke.edu/metadata/repo">${inside}</repomd>`)

const types = (bytes: Buffer): string[] => parseRepomd(bytes).records.map(({ type }) => type)

describe('the next repomd.xml', () => {
  it('names the three documents first, then what is not ours by type, each once', () => {
    const old = parseRepomd(
      repomd(data('updateinfo') + data('group') + data('primary') + data('modules') + data('x-own')),
    )
    const { bytes, dropped } = formatRepomd(old, '7', documents)

    expect(types(bytes)).toEqual(['primary', 'filelists', 'other', 'group', 'modules', 'updateinfo', 'x-own'])
    expect(recordOf(parseRepomd(bytes), 'primary')).toMatchObject({ href: 'repodata/new-primary.xml.gz', size: 10 })
    expect(dropped).toEqual([])
  })

  it('drops what a change makes stale, and names it', () => {
    const stale = ['primary_db', 'filelists_db', 'other_db', 'primary_zck', 'filelists-ext', 'prestodelta']
    const old = parseRepomd(repomd(stale.map((type) => data(type)).join('') + data('group_zck')))
    const { bytes, dropped } = formatRepomd(old, '7', documents)

    expect(dropped).toEqual(stale)
    expect(types(bytes)).toEqual(['primary', 'filelists', 'other', 'group_zck'])
  })

  it('carries over what stands beside the records, and unknown elements inside them', () => {
    const tags =
      '<repoid type="sha256">id</repoid><tags><content>binary</content><distro cpeid="cpe:/o">F&amp;38</distro></tags>'
    const own = '<header-size>9</header-size><own a="&lt;1&gt;">text <b>c</b></own>'
    const { bytes } = formatRepomd(parseRepomd(repomd(tags + data('group', own))), '7', documents)

    for (const piece of ['<repoid type="sha256">id</repoid>', '<distro cpeid="cpe:/o">F&amp;38</distro>']) {
      expect(bytes.toString()).toContain(piece)
    }
    expect(bytes.toString()).toContain('<own a="&lt;1&gt;">text <b>c</b></own>')
  })

  it('stays the same when it is carried over again and again', () => {
    const first = formatRepomd(parseRepomd(repomd(`<revision>1</revision>${data('group')}`)), '7', documents).bytes
    expect(formatRepomd(parseRepomd(first), '7', documents).bytes.toString()).toBe(first.toString())
  })

  it('has records of its own default namespace where the old one used a prefix', () => {
    const old = parseRepomd(
      Buffer.from(
        `<r:repomd xmlns:r="http://linux.duke.edu/metadata/repo" xmlns:o="urn:o"><r:data type="group">` +
          `<r:location href="g.xml"/><o:own/></r:data></r:repomd>`,
      ),
    )
    const text = formatRepomd(old, '7', documents).bytes.toString()
    expect(text).toContain('<location href="g.xml"/>')
    expect(text).toContain('xmlns:o="urn:o"')
    expect(text).toContain('<o:own/>')
  })
})

describe('the revision', () => {
  it.each([
    ['there is none', undefined, 1000, '1000'],
    ['the last one is older', '999', 1000, '1000'],
    ['the last one is of the same second', '1000', 1000, '1001'],
    ['the last one is from the future', '5000', 1000, '5001'],
    ['the last one is no number', 'f38-rc2', 1000, '1000'],
  ])('goes up where %s', (_, revision, now, next) => {
    expect(nextRevision({ ...emptyRepomd, revision }, now)).toBe(next)
  })
})

describe('what is read', () => {
  it('is the same with CDATA, comments, single quotes and references', () => {
    const text = `<repomd xmlns='http://linux.duke.edu/metadata/repo'><!-- <data/> --><revision><![CDATA[12]]></revision>
      <data type='primary'><checksum type='sha'>${'AB'.repeat(20)}</checksum><location href='repodata/a&amp;b&#x2e;gz'/></data></repomd>`
    const { revision, records } = parseRepomd(Buffer.from(text))
    expect(revision).toBe('12')
    expect(records).toMatchObject([{ href: 'repodata/a&b.gz', checksum: { type: 'sha', hex: 'ab'.repeat(20) } }])
  })

  it.each<[string, BufferEncoding, string]>([
    ['UTF-8', 'utf8', '\ufeff<?xml version="1.0"?>'],
    ['UTF-16', 'utf16le', '\ufeff<?xml version="1.0" encoding="UTF-16"?>'],
    ['ISO-8859-1', 'latin1', "<?xml version='1.0' encoding='iso-8859-1'?>"],
  ])('is the same in %s, with entities of its own', (_, encoding, declaration) => {
    const text = `${declaration}<!DOCTYPE repomd [<!ENTITY n "r&#x65;po">]>
      <r:repomd xmlns:r="http://linux.duke.edu/metadata/repo"><r:repoid>é &n;</r:repoid></r:repomd>`
    const { bytes } = formatRepomd(parseRepomd(Buffer.from(text, encoding)), '7', documents)
    expect(bytes.toString()).toContain('<repoid>é repo</repoid>')
    expect(bytes.toString()).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<repomd /)
  })

  it('is refused where its bytes are not UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('<repomd><revision>'),
      Buffer.from([0xff]),
      Buffer.from('</revision></repomd>'),
    ])
    const cut = Buffer.concat([Buffer.from('<repomd/>'), Buffer.from([0xc3])])
    for (const one of [bytes, cut]) {
      expect(() => parseRepomd(one)).toThrowError(expect.objectContaining({ code: 'BROKEN_XML' }))
    }
  })

  it.each([
    ['nothing', '', 'BROKEN_XML'],
    ['cut off', '<repomd><data type="primary">', 'BROKEN_XML'],
    ['two roots', '<repomd/><repomd/>', 'BROKEN_XML'],
    ['text alone', 'hello', 'BROKEN_XML'],
    ['a page', '<html><body>not found</body></html>', 'UNEXPECTED_CONTENT'],
    ['a record of primary without a place', '<repomd><data type="primary"/></repomd>', 'UNEXPECTED_CONTENT'],
    ['an external entity', '<!DOCTYPE repomd [<!ENTITY a SYSTEM "file:///etc/passwd">]><repomd/>', 'NOT_PATCHABLE'],
    ['an entity that nobody defined', '<repomd><revision>&a;</revision></repomd>', 'BROKEN_XML'],
    ['a prefix that nobody declared', '<repomd><a:b/></repomd>', 'BROKEN_XML'],
    ['a control character', '<repomd>\u0001</repomd>', 'BROKEN_XML'],
  ])('is refused: %s', (_, text, code) => {
    expect(() => parseRepomd(Buffer.from(text))).toThrowError(expect.objectContaining({ name: 'DocumentError', code }))
  })

  it('is refused where a document is named twice', () => {
    const twice = parseRepomd(repomd(data('primary') + data('primary')))
    expect(() => recordOf(twice, 'primary')).toThrow('names primary 2 times')
  })
})
