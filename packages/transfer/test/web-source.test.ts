/** A repository behind a web server: what is asked of it, and what becomes of an answer that breaks off. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MemoryStore, readBody } from '@repokeeper/object-store'
import { afterEach, describe, expect, it } from 'vitest'
import { Replica, type RepositorySource, realTime, webSource } from '../src/index.ts'
import { locationIn, never, newDirectory, readFile, readWhole, Source } from './workbench.ts'

let server: Server | undefined
afterEach(() => {
  server?.close()
  server?.closeAllConnections()
  server = undefined
})

/** A web server that answers so. @returns its address */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<URL> {
  server = createServer(answer)
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/el9`)
}

async function bytesOf(source: RepositorySource, path: string): Promise<string> {
  const answer = await source.open(path)
  if (answer.kind !== 'found') throw new Error(answer.kind)
  return Buffer.from(await readBody(answer.body, 2 ** 20)).toString()
}

const text = 'abcdefghijklmnopqrstuvwxyz'

describe('an answer that breaks off', () => {
  it('is taken up where it ended, if it is still that version', async () => {
    const asked: (string | undefined)[] = []
    const base = await serve(({ headers: { range, 'if-range': ifRange } }, response) => {
      asked.push(range === undefined ? undefined : `${range} ${ifRange}`)
      const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
      const headers = { etag: '"one"', 'content-length': text.length - start }
      const part = { ...headers, 'content-range': `bytes ${start}-${text.length - 1}/${text.length}` }
      if (range === undefined) response.writeHead(200, headers)
      else response.writeHead(206, part)
      response.write(text.slice(start, start + 10), () => {
        if (start + 10 >= text.length) response.end()
        else response.destroy()
      })
    })
    const source = webSource(base, { pauseMs: 1 })
    expect(await bytesOf(source, 'x.rpm')).toBe(text)
    expect(asked).toEqual([undefined, 'bytes=10- "one"', 'bytes=20- "one"'])
    await source.close()
  })

  it.each([
    ['that has another version by now', ['"one"', '"two"']],
    ['that does not say which version it is', []],
  ])('is an error with a server %s', async (_, etags) => {
    let answers = 0
    const base = await serve((_request, response) => {
      const etag = etags[answers]
      answers += 1
      response.writeHead(200, { ...(etag === undefined ? {} : { etag }), 'content-length': text.length })
      response.write(text.slice(0, 10), () => response.destroy())
    })
    const source = webSource(base, { pauseMs: 1 })
    await expect(bytesOf(source, 'x.rpm')).rejects.toMatchObject({ name: 'WebError', code: 'CUT_OFF' })
    await source.close()
  })

  it('is an error where nothing more comes, however often one asks', async () => {
    let answers = 0
    const base = await serve((_request, response) => {
      answers += 1
      response.writeHead(answers === 1 ? 200 : 206, {
        etag: '"one"',
        'content-length': 16,
        'content-range': 'bytes 10-25/26',
      })
      if (answers === 1) response.write(text.slice(0, 10), () => response.destroy())
      else response.flushHeaders()
      if (answers > 1) setImmediate(() => response.destroy())
    })
    const source = webSource(base, { pauseMs: 1 })
    await expect(bytesOf(source, 'x.rpm')).rejects.toMatchObject({ code: 'CUT_OFF' })
    expect(answers).toBe(3)
    await source.close()
  })
})

describe('a range', () => {
  async function rangeOf(base: URL): Promise<string> {
    const source = webSource(base, { pauseMs: 1 })
    try {
      const answer = await source.open('x.rpm', { range: { start: 10, end: 15 } })
      if (answer.kind !== 'found') throw new Error(answer.kind)
      return Buffer.from(await readBody(answer.body, 2 ** 20)).toString()
    } finally {
      await source.close()
    }
  }

  it.each<[string, (response: ServerResponse) => void]>([
    ['that gives it', (response) => part(response).end('klmno')],
    ['that gives more than was asked for, without end', (response) => void part(response).write('klmnopqrs')],
    ['that knows none, without waiting for the rest', (response) => void response.writeHead(200).write(text)],
    ['that knows none, and gives it in pieces', (response) => pieces(response.writeHead(200), [...text])],
  ])('is those bytes alone with a server %s', async (_, answer) => {
    const asked: (string | undefined)[] = []
    const base = await serve(({ headers }, response) => {
      asked.push(headers.range)
      answer(response)
    })
    expect(await rangeOf(base)).toBe('klmno')
    expect(asked).toEqual(['bytes=10-14'])
  })

  it('is an error with a server that gives another one', async () => {
    const base = await serve((_request, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-4/${text.length}` }).end('abcde')
    })
    await expect(rangeOf(base)).rejects.toMatchObject({ code: 'REFUSED' })
  })

  function part(response: ServerResponse): ServerResponse {
    return response.writeHead(206, { 'content-range': `bytes 10-14/${text.length}` })
  }

  /** Each once the one before was sent. */
  function pieces(response: ServerResponse, [piece, ...more]: readonly string[]): void {
    if (piece === undefined) response.end()
    else response.write(piece, () => pieces(response, more))
  }
})

describe('a replica of a web server', () => {
  it('asks for two things at most while nothing has changed, and is the source', async () => {
    const source = new Source(new MemoryStore(), '')
    await source.change([{ name: 'c++', path: 'Packages/c++ é%41.rpm' }])
    const asked: string[] = []
    const base = await serve(async ({ url = '', headers }, response) => {
      asked.push(`${headers['if-none-match'] ?? ''} ${url}`)
      const got = await source.location.store.get(decodeURIComponent(url.replace('/el9/', '')))
      if (got.kind !== 'found') return void response.writeHead(404).end()
      const { etag, size } = got.head
      if (headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end()
      response.writeHead(200, { etag, 'content-length': size }).end(await readBody(got.body, 2 ** 20))
    })
    const target = locationIn(new MemoryStore())
    const web = webSource(base)
    const scratch = await newDirectory()
    const replica = new Replica(web, target, {
      ...{ keyring: undefined, concurrency: 2, retentionMs: 0, bytesPerSecond: 2 ** 30, scratch },
      ...{ checksAll: false, takesOver: false, copiesInStore: true, generations: { kind: 'as found' } },
      ...{ time: realTime, onEvent: () => {}, signal: never },
    })
    expect(await replica.update()).toMatchObject({ kind: 'whole', fetched: 1 })
    expect(await readWhole(target)).toEqual(await readWhole(source.location))
    expect(await readFile(target, 'Packages/c++ é%41.rpm')).toBeDefined()
    expect(asked).toContain(' /el9/Packages/c%2B%2B%20%C3%A9%2541.rpm')
    asked.length = 0
    expect(await replica.update()).toEqual({ kind: 'unchanged' })
    expect(asked).toEqual([
      expect.stringMatching(/^"\S+" \/el9\/repodata\/repomd\.xml$/),
      ' /el9/repodata/repomd.xml.asc',
    ])
    await web.close()
  })
})
