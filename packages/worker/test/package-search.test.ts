/**
 * The search of the endpoint, by HTTP: what may be asked, and what it is to the worker beside it. What it finds is told in
 * repository/test/search-packages.test.ts.
 */
import { MemoryStore } from '@repokeeper/object-store'
import { type PackageHit, parseRootPattern, type SearchReport } from '@repokeeper/repository'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WorkerEvents } from '../src/events.ts'
import { KeptStores } from '../src/kept-stores.ts'
import { KnownRepositories } from '../src/known-repositories.ts'
import { OpsServer } from '../src/ops-server.ts'
import { PackageSearch, type SearchPackages } from '../src/package-search.ts'
import { latch } from './bench.ts'
import { ManualClock } from './manual-clock.ts'

const named = new Map([['packages', [parseRootPattern('el9'), parseRootPattern('any/*')]]])
const nothingFound: SearchReport = { revision: '7', packages: 12, found: 0, hits: [] }
const hit: PackageHit = {
  ...{ nevra: 'foo-1.0-1.noarch', location: 'foo.rpm', base: undefined, size: 10, summary: 'Foo' },
  ...{ built: 1_700_000_000, modified: 999_999_999_999_999 },
  ...{ requires: { first: ['bash'], count: 1 }, provides: { first: [], count: 0 } },
}

type Asked = Parameters<SearchPackages>

/** An endpoint whose searches are `search`'s to answer. */
async function open(search: (asked: Asked) => Promise<SearchReport | undefined>, roots = named) {
  const events = new WorkerEvents()
  const clock = new ManualClock()
  const known = new KnownRepositories(events, { date: () => new Date(), history: { runs: () => [] }, roots })
  const asked: Asked[] = []
  const packages = new PackageSearch({
    known,
    stores: new KeptStores((bucket) => new MemoryStore({ name: `s3://${bucket}` })),
    clock,
    search: async (...parameters) => {
      asked.push(parameters)
      return await search(parameters)
    },
  })
  const server = await OpsServer.open(
    { host: '127.0.0.1', port: 0 },
    {
      ready: async () => ({ ok: true, reasons: [] }),
      metrics: async () => ({ contentType: 'text/plain', text: '' }),
      history: () => [],
      scheduledJobs: () => [],
      status: async () => ({}),
      packages: (parameters, gone) => packages.answer(parameters, gone),
      page: undefined,
    },
  )
  onTestFinished(async () => {
    await server.close()
    await packages.close()
  })
  const ask = (query: Record<string, string> | string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${server.address.port}/packages?${new URLSearchParams(query)}`, init)
  const told = async (query: Record<string, string> | string) => {
    const answer = await ask(query)
    const body: unknown = await answer.json()
    return { status: answer.status, body }
  }
  return { events, clock, known, asked, packages, server, ask, told }
}

const el9 = 's3://packages/el9/'

describe('the search of the endpoint', () => {
  it('tells in JSON what was found, and how many more there are', async () => {
    const { told, asked } = await open(async () => ({ revision: '7', packages: 12, found: 3, hits: [hit] }))
    expect(await told({ repository: el9, q: ' Foo  bar', limit: '1' })).toEqual({
      status: 200,
      body: {
        ...{ repository: el9, query: ' Foo  bar', revision: '7', packages: 12, found: 3, more: 2 },
        hits: [
          {
            ...{ nevra: 'foo-1.0-1.noarch', location: 'foo.rpm', base: null, size: 10, summary: 'Foo' },
            ...{ builtAt: '2023-11-14T22:13:20.000Z', modifiedAt: null },
            ...{ requires: { first: ['bash'], count: 1 }, provides: { first: [], count: 0 } },
          },
        ],
      },
    })
    const [[location, options] = []] = asked
    expect([location?.store.name, location?.root]).toEqual(['s3://packages', 'el9/'])
    expect(options).toMatchObject({ words: ' Foo  bar', hitsMax: 1 })
  })

  it.each(['libtide++', 'a&b=c#d', '%2e%2e%00', '<script>"\'', 'ünïcode 😀', '[a-z]* ?', '\u0000\n\\'])(
    'looks for %j as it was typed',
    async (words) => {
      const { told, asked } = await open(async () => nothingFound)
      expect((await told({ repository: el9, q: words })).status).toBe(200)
      expect(asked[0]?.[1]).toMatchObject({ words, hitsMax: 20 })
    },
  )

  it.each([
    ['', ['repository: name one', 'q: give the words']],
    [{ repository: el9 }, ['q: give the words to look for']],
    [{ repository: el9, q: ' \t\n ' }, ['q: give the words to look for']],
    [{ repository: el9, q: 'x'.repeat(201) }, ['q: it is longer than 200 characters']],
    [{ repository: el9, q: 'a b c d e f g h i j k' }, ['q: it has more than 10 words']],
    [{ repository: el9, q: 'x', limit: '0' }, ['limit: expected a whole number from 1 to 100']],
    [{ repository: el9, q: 'x', limit: '101' }, ['limit: expected']],
    [{ repository: el9, q: 'x', limit: '1e1' }, ['limit: expected']],
    [{ repository: el9, q: 'x', limit: '' }, ['limit: expected']],
    [{ repository: el9, q: 'x', offset: '1' }, ['offset: there is no such parameter']],
    [`repository=${el9}&q=x&q=y`, ['q: give it once']],
    [`repository=${el9}&repository=${el9}&q=&limit=-1`, ['q: give the words', 'limit:', 'repository: give it once']],
  ])('says everything that is wrong with %j', async (query, problems) => {
    const { told, asked } = await open(async () => nothingFound)
    const { status, body } = await told(query)
    expect(status).toBe(400)
    expect(body).toMatchObject({ problems: problems.map((problem) => expect.stringContaining(problem)) })
    expect(asked).toEqual([])
  })

  it.each([
    's3://packages/el8/',
    's3://packages/el9/x86_64/',
    's3://packages/el9/../secret/',
    's3://packages/./el9/',
    's3://packages//el9/',
    's3://packages/el9%2f',
    's3://Packages/el9/',
    's3://other/el9/',
    's3://packages/any/*/',
    's3://packages/any/thing/',
    's3://packages/',
    's3://',
    'packages/el9/',
    '/etc',
    'file:///etc',
    '',
    '__proto__',
  ])('knows no repository %j, and looks nowhere', async (repository) => {
    const { told, asked } = await open(async () => nothingFound)
    expect(await told({ repository, q: 'x' })).toMatchObject({ status: 404, body: { error: expect.any(String) } })
    expect(asked).toEqual([])
  })

  it('knows what the worker was given by name, and what it has published or looked at', async () => {
    const { told, events } = await open(async () => nothingFound)
    const seen = { repository: '', batch: 'b', bucket: 'packages', revision: '3', packages: 4 }
    events.emit('repository', { ...seen, kind: 'published', root: 'any/a/', bytesSent: 1, milliseconds: 1 })
    events.emit('repository', { ...seen, kind: 'snapshot read', root: '' })
    for (const repository of [el9, 's3://packages/el9', 's3://packages/any/a/', 's3://packages/', 's3://packages']) {
      expect(await told({ repository, q: 'x' }), repository).toMatchObject({ status: 200 })
    }
  })

  it('counts what it has looked at, unless the worker has published meanwhile', async () => {
    const meanwhile = latch()
    const { told, events, known, asked } = await open(async ([, { words }]) => {
      if (words === 'slow') await meanwhile.opened
      return nothingFound
    })
    await told({ repository: el9, q: 'x' })
    expect(known.find(el9)).toMatchObject({ packages: 12, revision: '7', publishedAt: null })
    const slow = told({ repository: el9, q: 'slow' })
    await vi.waitFor(() => expect(asked).toHaveLength(2))
    const published = { kind: 'published', repository: '', bucket: 'packages', root: 'el9/', revision: '8' } as const
    events.emit('repository', { ...published, packages: 13, bytesSent: 1, milliseconds: 1 })
    meanwhile.open()
    expect(await slow).toMatchObject({ body: { packages: 12, revision: '7' } })
    expect(known.find(el9)).toMatchObject({ packages: 13, revision: '8', publishedAt: expect.any(String) })
  })

  it('says where nothing is published, and what keeps it from reading, without a secret', async () => {
    let isBroken = false
    const { told } = await open(async () => {
      if (isBroken) throw new Error('no answer from https://me:secret@s3/')
      return undefined
    })
    const question = { repository: el9, q: 'x' }
    const nothing = { error: `nothing is published in ${el9}` }
    expect(await told(question)).toEqual({ status: 404, body: nothing })
    isBroken = true
    expect(await told(question)).toEqual({ status: 500, body: { error: 'no answer from https://s3/' } })
  })

  it('answers HEAD without a body, and nothing that would change something', async () => {
    const { ask, asked } = await open(async () => nothingFound)
    const question = { repository: el9, q: 'x' }
    const head = await ask(question, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await ask(question, { method: 'POST' })).status).toBe(405)
    expect(asked).toHaveLength(1)
  })
})

describe('searches at the same time', () => {
  const question = { repository: el9, q: 'x' }

  it('go one after the other, a few wait, and the others are told when to come again', async () => {
    const done = latch()
    let atOnce = 0
    let mostAtOnce = 0
    const { ask, asked } = await open(async () => {
      atOnce += 1
      mostAtOnce = Math.max(mostAtOnce, atOnce)
      await done.opened
      atOnce -= 1
      return nothingFound
    })
    const turnedAway: Response[] = []
    const answers = Array.from({ length: 7 }, async () => {
      const answer = await ask(question)
      if (answer.status === 503) turnedAway.push(answer)
      return answer
    })
    // Those that may not wait are answered at once, whichever they are.
    await vi.waitFor(() => expect(turnedAway).toHaveLength(2))
    const [first] = turnedAway
    expect(first?.headers.get('retry-after')).toBe('2')
    expect(await first?.json()).toEqual({ error: 'others are searching already' })
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    done.open()
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([200, 200, 200, 200, 200, 503, 503])
    expect(mostAtOnce).toBe(1)
  })

  it('end when whoever asked is gone; the next one begins when the work has ended, and who waited and left is passed over', async () => {
    const ended = latch()
    const { ask, asked, told } = await open(async ([, { givenUp }]) => {
      if (asked.length > 1) return nothingFound
      await new Promise((resolve) => givenUp.addEventListener('abort', resolve))
      await ended.opened
      throw givenUp.reason
    })
    const [leaving, waiting] = [new AbortController(), new AbortController()]
    const first = ask(question, { signal: leaving.signal })
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    const second = ask({ ...question, q: 'never' }, { signal: waiting.signal })
    const third = told(question)
    waiting.abort()
    await expect(second).rejects.toThrow()
    leaving.abort()
    await expect(first).rejects.toThrow()
    await vi.waitFor(() => expect(asked[0]?.[1].givenUp.aborted).toBe(true))
    expect(asked).toHaveLength(1)
    // What was fetched may be another's as well.
    expect(asked[0]?.[2].signal.aborted).toBe(false)
    ended.open()
    expect(await third).toMatchObject({ status: 200 })
    expect(asked.map(([, { words }]) => words)).toEqual(['x', 'x'])
  })

  it('have a minute, waiting included', async () => {
    const ended = latch()
    const { clock, asked, told } = await open(async () => {
      await ended.opened
      return nothingFound
    })
    const first = told(question)
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    await clock.pass(60_000)
    expect(await first).toMatchObject({ status: 503, body: { error: expect.stringContaining('within 60 s') } })
    ended.open()
    expect(await told(question)).toMatchObject({ status: 200 })
  })

  it('are given up with all that they fetch when the worker ends, which waits for them', async () => {
    let over = false
    const { asked, told, packages } = await open(async ([, , { signal }]) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      over = true
      return undefined
    })
    const answer = told(question)
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    await packages.close()
    expect(over).toBe(true)
    expect(await answer).toMatchObject({ status: 500, body: { error: 'the worker has ended' } })
  })
})
