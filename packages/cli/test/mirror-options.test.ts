/** What command line and file say of mirrors: all that is wrong is told before anything is done. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { namedBy } from '../src/match-packages.ts'
import { readJobs } from '../src/mirror-options.ts'

const now = Date.UTC(2026, 10, 29, 12)

async function fileOf(yaml: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-mirrors-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'mirrors.yaml'), yaml)
  return join(directory, 'mirrors.yaml')
}

const nothing = {
  ...{ keys: [], include: [], exclude: [], arches: [], newest: undefined, sinceSeconds: undefined, directory: '' },
  ...{ replace: false, prune: false, packagesOnly: false, keepUpstreamMetadata: false },
}

describe('the command line', () => {
  it('names upstreams, and what they go to comes last', async () => {
    const jobs = await readJobs(
      ['a', 'b', 'repo'],
      { metalink: ['https://x'], include: ['y*'], since: '2026-11-01' },
      now,
    )
    expect(jobs.map(({ upstream, repository }) => ({ ...upstream, repository }))).toEqual([
      { kind: 'any', place: 'a', repository: 'repo' },
      { kind: 'any', place: 'b', repository: 'repo' },
      { kind: 'metalink', place: 'https://x', repository: 'repo' },
    ])
    expect(jobs[0]).toMatchObject({ ...nothing, include: ['y*'], sinceSeconds: Date.UTC(2026, 10, 1) / 1000 })
  })

  it.each<[string, string[], Record<string, unknown>, RegExp]>([
    ['no upstream', ['x'], {}, /name one or more upstreams/],
    ['a copy of a part', ['quay', 'x'], { keepUpstreamMetadata: true, newest: 1 }, /an exact copy has all packages/],
    ['a copy of two', ['quay', 'dock', 'x'], { keepUpstreamMetadata: true }, /an exact copy of one upstream/],
    ['a time that is none', ['quay', 'x'], { since: 'often' }, /--since often is no time/],
    ['a day that is none', ['quay', 'x'], { since: '2026-13-01' }, /is no time/],
    ['a file beside upstreams', ['quay', 'x'], { config: 'mirrors.yaml' }, /--config names upstreams/],
    ['a file that is not there', [], { config: '/nowhere/mirrors.yaml' }, /mirrors\.yaml cannot be read/],
    ['a place in repodata', ['quay', 'x'], { to: 'repodata' }, /packages cannot lie there/],
  ])('cannot say %s', async (_, places, values, message) => {
    await expect(readJobs(places, values, now)).rejects.toThrow(message)
  })
})

describe('a file of mirrors', () => {
  it('says for each what the options do', async () => {
    const config = await fileOf(`
- upstream: https://a.example.org/el9
  to: s3://bucket/el9
  key: a.asc
  include: [x, 'y*']
  arch: [x86_64, noarch]
  newest: 2
  since: 1d
  directory: vendor
  prune: true
- {mirrorlist: https://b.example.org/list, to: ./el9, keepUpstreamMetadata: true}
`)
    expect(await readJobs([], { config }, now)).toEqual([
      {
        ...nothing,
        ...{ upstream: { kind: 'any', place: 'https://a.example.org/el9' }, repository: 's3://bucket/el9' },
        ...{ keys: ['a.asc'], include: ['x', 'y*'], arches: ['x86_64', 'noarch'], newest: 2, directory: 'vendor/' },
        ...{ sinceSeconds: now / 1000 - 86_400, prune: true },
      },
      {
        ...nothing,
        ...{ upstream: { kind: 'mirrorlist', place: 'https://b.example.org/list' }, repository: './el9' },
        keepUpstreamMetadata: true,
      },
    ])
  })

  it('is told all that is wrong with it at once', async () => {
    const config = await fileOf(
      '- {upstream: quay, to: x, newest: 0}\n- to: x\n- {upstream: quay, to: x, keep: true}\n- {upstream: quay}\n- {upstream: quay, to: 7}\n',
    )
    const failure = await readJobs([], { config }, now).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'WRONG_USE', message: `${config} cannot be used:` })
    expect((failure as { details: string[] }).details).toEqual([
      expect.stringMatching(/^\[0\] newest: .*>=1/),
      '[1]: name one of upstream, mirrorlist and metalink',
      expect.stringMatching(/^\[2\]: there is no keep; there are upstream, /),
      '[3] to: name the repository that it goes to',
      '[4] to: name the repository that it goes to',
    ])
    const times = await fileOf('- {upstream: a, to: x, since: often}\n- {upstream: a, to: x, directory: ../x}\n')
    await expect(readJobs([], { config: times }, now)).rejects.toMatchObject({
      details: [expect.stringMatching(/^\[0\] since: /), expect.stringMatching(/^\[1\] directory: /)],
    })
  })

  it('leaves no room for what is chosen beside it', async () => {
    const config = await fileOf('- {upstream: a, to: x}')
    await expect(readJobs([], { config, packagesOnly: true }, now)).rejects.toThrow(/leave out --packages-only/)
  })

  it.each([
    ['no YAML', 'a: [', /is not YAML/],
    ['no list', 'upstream: quay\n', /cannot be used/],
    ['nothing', '', /cannot be used/],
  ])('is not %s', async (_, yaml, message) => {
    const config = await fileOf(yaml)
    await expect(readJobs([], { config }, now)).rejects.toThrow(message)
  })
})

describe('a pattern of what is taken', () => {
  const nginx = { name: 'nginx', epoch: '2', version: '1.9', release: '3.el9', arch: 'x86_64' }
  it.each<[string, boolean]>([
    ['nginx', true],
    ['ngin?', true],
    ['nginx.x86_64', true],
    ['nginx-2:1.9-3.el9', true],
    ['nginx-2:1.*.x86_64', true],
    ['*', true],
    ['nginx-mod*', false],
    ['*.noarch', false],
    ['ngin', false],
  ])('%s means nginx-2:1.9-3.el9.x86_64: %s', (pattern, means) => {
    expect(namedBy([pattern])(nginx)).toBe(means)
    expect(namedBy(['other', pattern])(nginx)).toBe(means)
  })
})
