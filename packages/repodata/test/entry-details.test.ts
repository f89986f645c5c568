import { describe, expect, test } from 'vitest'
import {
  detailLimits,
  readChangelogDetails,
  readFileDetails,
  readPrimaryDetails,
  type ScannedEntry,
} from '../src/index.ts'
import { isPlain } from '../src/tag-bytes.ts'

function entryOf(text: string): ScannedEntry {
  const bytes = Buffer.from(text)
  return { kind: 'entry', bytes, plain: isPlain(bytes), at: 0 }
}

/** The same entry with a comment in it goes through the real parser. */
const ways = [
  ['as bytes', (text: string) => entryOf(text)],
  ['by the parser', (text: string) => entryOf(text.replace('</package>', '<!-- <file>/none</file> --></package>'))],
] as const

const primary = `<package type="rpm">
  <name>foo</name><arch>x86_64</arch><version epoch="0" ver="1.0" rel="1"/>
  <checksum type="sha256" pkgid="YES">${'a'.repeat(64)}</checksum>
  <summary>Tea &amp; biscuits</summary>
  <description>One &lt;two&gt;
three</description>
  <packager/><url>https://example.org/?a=1&amp;b=2</url>
  <time file="2" build="1331831374"/><size package="1846" installed="42" archive="296"/>
  <location href="foo.rpm"/>
  <format>
    <rpm:license>MIT</rpm:license><rpm:vendor>Us</rpm:vendor><rpm:group>Tools</rpm:group>
    <rpm:sourcerpm>foo-1.0-1.src.rpm</rpm:sourcerpm>
    <rpm:provides><rpm:entry name="foo" flags="EQ" epoch="0" ver="1.0" rel="1"/></rpm:provides>
    <rpm:requires><rpm:entry name="a &lt; b"/><rpm:entry name="glibc" flags="GE" epoch="0" ver="2.17"/></rpm:requires>
    <file>/usr/bin/foo</file>
    <nested><rpm:summary>not this one</rpm:summary></nested>
  </format>
</package>`

describe.each(ways)('details read %s', (_, entry) => {
  test('are what primary says of a package', () => {
    expect(readPrimaryDetails(entry(primary))).toMatchObject({
      facts: { name: 'foo', href: 'foo.rpm', size: 1_846 },
      ...{ summary: 'Tea & biscuits', description: 'One <two>\nthree', url: 'https://example.org/?a=1&b=2' },
      ...{ packager: '', license: 'MIT', vendor: 'Us', group: 'Tools', sourcerpm: 'foo-1.0-1.src.rpm' },
      ...{ built: 1_331_831_374, installed: 42 },
      dependencies: {
        provides: { first: [{ name: 'foo', flags: 'EQ', epoch: '0', version: '1.0', release: '1' }], count: 1 },
        requires: { first: [{ name: 'a < b' }, { name: 'glibc', flags: 'GE', epoch: '0', version: '2.17' }], count: 2 },
      },
    })
  })

  test('are the files, with their kinds', () => {
    const text =
      '<package pkgid="x" name="foo"><version/><file type="dir">/etc/a&amp;b</file><file>/bin/x</file><file/></package>'
    expect(readFileDetails(entry(text))).toMatchObject({
      first: [
        { path: '/etc/a&b', type: 'dir' },
        { path: '/bin/x', type: '' },
        { path: '', type: '' },
      ],
      count: 3,
    })
  })

  test('are the newest changelogs, whatever their order', () => {
    const changelogs = Array.from({ length: 40 }, (_, number) => (number * 7) % 40).map(
      (date) => `<changelog author="Jo &lt;jo@example.org&gt;" date="${date}">- ${date}\n- &lt;&gt;</changelog>`,
    )
    const { first, count } = readChangelogDetails(entry(`<package pkgid="x">${changelogs.join('\n')}</package>`))
    expect(count).toBe(40)
    expect(first.map(({ date }) => date)).toEqual([39, 38, 37, 36, 35, 34, 33, 32, 31, 30])
    expect(first[0]).toEqual({ author: 'Jo <jo@example.org>', date: 39, text: '- 39\n- <>' })
  })

  test('are bounded, and say how many there are', () => {
    const files = '<file>/x</file>'.repeat(5_000)
    const { first, count } = readFileDetails(entry(`<package pkgid="x">${files}</package>`))
    expect({ kept: first.length, count }).toEqual({ kept: detailLimits.files, count: 5_000 })
    const long = primary.replace('Tea', 'Tea'.repeat(100_000))
    expect(readPrimaryDetails(entry(long)).summary.length).toBeLessThanOrEqual(detailLimits.textCharacters + 1)
  })
})
