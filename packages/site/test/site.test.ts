import { describe, expect, test } from 'vitest'
import { isMarked, isSitePath, markBytesMax } from '../src/index.ts'
import { fileNameOf } from '../src/site-paths.ts'
import { filesOf, packageOf, siteOf } from './sample.ts'

const many = Array.from({ length: 2_000 }, (_, number) => packageOf(`${'abcl'[number % 4]}ib${number * 7919}`))

describe('a site', () => {
  test('is the same bytes for the same packages, in whatever order they come', async () => {
    const versions = ['1.0', '1.2', '1.10'].map((version) => packageOf('foo', { facts: { version } }))
    const packages = [...many.slice(0, 300), ...versions]
    expect(await siteOf(packages.toReversed())).toEqual(await siteOf(packages))
  })

  test('has a page for each name, which its lists lead to by plain links', async () => {
    const site = await siteOf(many)
    const lists = [...site].filter(([path]) => path.startsWith('list/'))
    const linked = new Set<string>()
    for (const [, text] of lists)
      for (const [, href] of text.matchAll(/href="\.\.\/(package\/[^"]+)"/g)) linked.add(href ?? '')
    expect(linked.size).toBe(many.length)
    for (const path of linked) expect(site.has(path), path).toBe(true)
    // And to each list: from the front page to the first of each letter, and from page to page.
    const reachable = new Set<string>()
    const follow = (path: string): void => {
      if (reachable.has(path)) return
      reachable.add(path)
      for (const [, href] of (site.get(path) ?? '').matchAll(/href="(?:\.\.\/)?(list\/[^"]+)"/g)) follow(href ?? '')
    }
    follow('index.html')
    for (const [path] of lists) expect(reachable.has(path), path).toBe(true)
  })

  test('has every name in its search index once, in files that none of many has to read whole', async () => {
    const site = await siteOf(many)
    const read = (path: string) => JSON.parse(site.get(path) ?? '').entries
    const shards: [string, string][] = read('search/shards.json')
    const entries = shards.flatMap(([, path]) => read(path) as string[][])
    expect(entries.map(([name]) => name).toSorted()).toEqual(many.map(({ facts }) => facts.name).toSorted())
    expect(entries[0]).toEqual(['aib0', '1.0-1', 'What aib0 is for'])
  })

  test('changes in few files where one package comes', async () => {
    const before = await siteOf(many)
    const after = await siteOf([...many, packageOf('bibelot')])
    const changed = [...after].filter(([path, text]) => before.get(path) !== text).map(([path]) => path)
    expect(changed).toContain('package/bibelot.html')
    expect(changed).toContain('index.html')
    expect(changed.length).toBeLessThan(8)
  })

  test('ends with the front page, and knows all of its files as its own', async () => {
    const files = await filesOf(many, { baseUrl: 'https://example.org/' })
    expect(files.at(-1)?.path).toBe('index.html')
    expect(files.filter(({ path }) => !isSitePath(path))).toEqual([])
    expect(['notes.html', 'package/x.txt', 'a/list/b.html', 'x.rpm'].filter(isSitePath)).toEqual([])
  })
})

describe('a file of a site', () => {
  test('bears the mark of its place, and of no other', async () => {
    const files = await filesOf(many, { baseUrl: 'https://example.org/' })
    const kinds = ['index.html', 'package/a.html', 'style.css', 'site.js', 'search/a.json', 'packages.repo', 'b.repo']
    const kindOf = (path: string) =>
      kinds.find((kind) => kind === path) ?? (path.endsWith('.json') ? 'search/a.json' : 'package/a.html')
    for (const { path, bytes } of files) {
      const beginning = bytes.subarray(0, markBytesMax).toString()
      expect(isMarked(path, beginning), path).toBe(true)
      expect(
        kinds.filter((kind) => isMarked(kind, beginning)),
        path,
      ).toEqual([kindOf(path)])
    }
  })

  test('bears it before whatever a package says', async () => {
    const text = 'long '.repeat(10_000)
    const site = await siteOf([packageOf('foo', { summary: text })], { title: text, toRoot: '../'.repeat(100) })
    for (const [path, page] of site) expect(isMarked(path, page.slice(0, markBytesMax)), path).toBe(true)
  })
})

describe('the page of a package', () => {
  test('has its versions in the order of rpm, the newest first', async () => {
    const versions = [{ version: '1.9' }, { version: '1.10' }, { version: '1.10~rc1' }, { version: '0.1', epoch: '1' }]
    const site = await siteOf(versions.map((facts) => packageOf('foo', { facts })))
    const page = site.get('package/foo.html') ?? ''
    const shown = [...page.matchAll(/<th scope="row"><a [^>]*>([^<]*)</g)].map(([, nevra]) => nevra)
    expect(shown).toEqual(['1:0.1', '1.10', '1.10~rc1', '1.9'].map((version) => `foo-${version}-1.noarch`))
    expect(site.get('index.html')).toContain('<span class="version">1:0.1-1</span>')
  })

  test('has the newest of a name that has thousands, in full the first ten', async () => {
    const builds = Array.from({ length: 1_000 }, (_, number) =>
      packageOf('nightly', { facts: { version: `1.${(number * 7) % 1_000}` } }),
    )
    const page = (await siteOf(builds)).get('package/nightly.html') ?? ''
    const shown = [...page.matchAll(/<th scope="row">(?:<a [^>]*>)?nightly-1\.([0-9]+)-/g)].map(([, number]) =>
      Number(number),
    )
    expect(shown).toEqual(Array.from({ length: 200 }, (_, number) => 999 - number))
    expect(page).toContain('and 800 older ones')
    expect(page.match(/class="version"/g)).toHaveLength(10)
  })

  test('leaves no empty line where a package has no summary', async () => {
    const site = await siteOf([packageOf('foo', { summary: '' })])
    expect(site.get('package/foo.html')).not.toMatch(/<p[^>]*><\/p>/)
  })

  test('says of what is long how much is left out', async () => {
    const files = { first: [{ path: '/a', type: '' }], count: 1_234_567 }
    const page = (await siteOf([packageOf('foo', { files })])).get('package/foo.html')
    expect(page).toContain('1,234,567')
    expect(page).toContain('and 1,234,566 more')
  })

  test.each([
    ['foo.rpm', 'href="../../foo.rpm"'],
    ['./a b/c+d.rpm', 'href="../../a%20b/c%2Bd.rpm"'],
    ['a"><script>.rpm', 'href="../../a%22%3E%3Cscript%3E.rpm"'],
  ])('leads to the package at %s', async (href, link) => {
    expect((await siteOf([packageOf('foo', { facts: { href } })])).get('package/foo.html')).toContain(link)
  })

  test.each(['../../elsewhere.rpm', 'https://evil.example/x.rpm', 'a/%2e%2e/b.rpm', '/etc/passwd'])(
    'leads nowhere for %s, which lies outside of the repository',
    async (href) => {
      expect((await siteOf([packageOf('foo', { facts: { href } })])).get('package/foo.html')).not.toContain(
        'class="download"',
      )
    },
  )

  test.each(['javascript:alert(1)', 'data:text/html,x', ' https://example.org', 'ftp://example.org/', 'https://'])(
    'makes no link of the URL %j',
    async (url) => {
      const page = (await siteOf([packageOf('foo', { url })])).get('package/foo.html') ?? ''
      expect([...page.matchAll(/href="(?![.#]|data:image)([^"]*)"/g)]).toEqual([])
    },
  )

  test('quotes a name that a shell would read otherwise', async () => {
    const page = (await siteOf([packageOf("it's;reboot")])).get('package/it~27s~3breboot.html')
    expect(page).toContain('dnf install &#39;it&#39;\\&#39;&#39;s;reboot&#39;')
  })
})

test('what metadata says is text on every page, and no markup', async () => {
  const text = '<script>"\'&</script>\u202e\u0007'
  const list = { first: [{ name: text, flags: 'EQ', version: text }], count: 1 }
  const odd = packageOf(text, {
    ...{ summary: text, description: text, license: text, url: text, vendor: text, packager: text, group: text },
    ...{ sourcerpm: text, dependencies: { requires: list, provides: list } },
    files: { first: [{ path: text, type: text }], count: 1 },
    changelogs: { first: [{ author: text, date: 1, text }], count: 1 },
    facts: { version: text, release: text, arch: text, href: text },
  })
  const site = await siteOf([odd, ...many.slice(0, 200)], { title: text })
  for (const [path, page] of site) {
    if (!path.endsWith('.html')) continue
    expect(page.match(/<script/g), path).toHaveLength(1)
    expect(page, path).not.toMatch(/[\u202e\u0007]/)
    expect(page, path).not.toContain(`"'&<`)
    expect(page, path).not.toMatch(/>"|"'/)
  }
})

test.each([
  ['gtk+-3.0_x', 'gtk+-3.0_x'],
  ['..', '~2e.'],
  ['.hidden', '~2ehidden'],
  ['a/../../b', 'a~2f..~2f..~2fb'],
  ['a~2fb', 'a~7e2fb'],
  ['größe', 'gr~c3~b6~c3~9fe'],
])('the name %s has the file %s', (name, file) => {
  expect(fileNameOf(name)).toBe(file)
})

test('long names have short files, each its own', () => {
  const files = ['x', 'y'].map((end) => fileNameOf(`${'long'.repeat(200)}${end}`))
  expect(new Set(files).size).toBe(2)
  for (const file of files) expect(file.length).toBeLessThan(200)
})

describe('how to install', () => {
  test('is a .repo file where it is known where clients find the repository', async () => {
    const site = await siteOf([packageOf('foo')], {
      title: 'My\n[evil] packages',
      id: 'mine',
      baseUrl: 'https://example.org/el9/$basearch/',
      gpgKey: 'https://example.org/key',
    })
    expect(site.get('mine.repo')?.split('\n')).toEqual([
      ...['# Made by repokeeper site.', '[mine]'],
      ...['name=My [evil] packages', 'baseurl=https://example.org/el9/$basearch/', 'enabled=1'],
      ...['gpgcheck=1', 'gpgkey=https://example.org/key', ''],
    ])
    expect(site.get('index.html')).toContain('sudo zypper addrepo --refresh https://example.org/el9/$basearch/ mine')
  })

  test('names the mirrorlist of a repository that has one, in the file and on the page', async () => {
    const baseUrl = 'https://example.org/el9/'
    const site = await siteOf([packageOf('foo')], { id: 'mine', baseUrl, hasMirrorlist: true })
    for (const path of ['mine.repo', 'index.html']) {
      expect(site.get(path), path).toContain('mirrorlist=https://example.org/el9/mirrorlist\nenabled=1')
      expect(site.get(path), path).not.toContain('baseurl=')
    }
  })

  test('has a place to fill in where it is not', async () => {
    const site = await siteOf([packageOf('foo')])
    expect([...site.keys()].filter((path) => path.endsWith('.repo'))).toEqual([])
    expect(site.get('index.html')).toContain('<span data-base>https://YOUR-SERVER/</span>')
  })
})
