import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { discardBody, parseETag, readBody, S3Store } from '../src/index.ts'
import { errorReply, type OddServer, type Respond, reply, startOddServer } from './odd-server.ts'
import { bytesOf, digest, keysOf, pieces, readFrom } from './texts.ts'

let server: OddServer
let store: S3Store
beforeEach(async () => {
  server = await startOddServer()
  store = server.store
})
afterEach(() => server.close())

const etag = parseETag('abc')
const ok = { etag: '"abc"', 'last-modified': 'Tue, 01 Jan 2030 00:00:00 GMT' }
const streamed = { size: 7, open: () => pieces(['con', 'tent']) }

describe('errors', () => {
  it.each([
    { title: 'a bare 403 to HEAD', answers: [reply(403)], code: 'ACCESS_DENIED', says: /s3:ListBucket/ },
    {
      title: 'a bare 403 to HEAD, with what IAM has to allow,',
      answers: [reply(403)],
      code: 'ACCESS_DENIED',
      says: /s3:GetObject on arn:aws:s3:::[a-z0-9.-]+\/key,/,
    },
    {
      title: 'a 403 in HTML',
      answers: [reply(403, {}, '<html><br>no</html>')],
      code: 'ACCESS_DENIED',
      says: /HTTP 403/,
    },
    {
      title: 'a bare 404 of a bucket that is not there',
      answers: [reply(404)],
      code: 'NO_SUCH_STORE',
      says: /no such bucket/,
    },
    { title: 'a bare 301', answers: [reply(301)], code: 'FAILED', says: /another region/ },
    {
      title: 'a 301 that names the region',
      answers: [reply(301, { 'x-amz-bucket-region': 'eu-west-9' })],
      code: 'FAILED',
      says: /in the region eu-west-9, not in us-east-1; set AWS_REGION=eu-west-9/,
    },
    {
      title: 'a 400 that names the region',
      answers: [reply(400, { 'x-amz-bucket-region': 'eu-west-9' })],
      code: 'FAILED',
      says: /eu-west-9/,
    },
    { title: 'a 503 that stays', answers: [reply(503, {}, 'busy')], code: 'UNAVAILABLE', says: /503/ },
    { title: 'a connection that is torn each time', answers: [tear], code: 'UNAVAILABLE', says: /socket hang up/ },
    { title: '413 in JSON', answers: [reply(413, {}, '{"too":"large"}')], code: 'FAILED', says: /./ },
    { title: 'no ETag', answers: [reply(200, { 'content-length': '3' })], code: 'FAILED', says: /no ETag/ },
  ])('$title is $code', async ({ answers, code, says }) => {
    server.answer(...answers)
    await expect(store.head('key')).rejects.toMatchObject({
      name: 'StoreError',
      code,
      key: code === 'NO_SUCH_STORE' ? undefined : 'key',
    })
    await expect(store.head('key')).rejects.toThrow(says)
  })

  it('a 404 with an empty body is an absent object where the bucket is there', async () => {
    server.answer(reply(404), reply(200))
    expect(await store.get('key')).toEqual({ kind: 'absent' })
    expect(server.requests).toEqual(['GET /bucket/key', 'HEAD /bucket/'])
    server.answer(reply(404))
    expect(await store.head('key')).toBeUndefined()
    expect(server.requests).toEqual(['HEAD /bucket/key'])
  })

  it('a bucket that may not be looked at is taken to be there', async () => {
    server.answer(reply(404), reply(403))
    expect(await store.head('key')).toBeUndefined()
  })

  it('NoSuchBucket is NO_SUCH_STORE for every operation', async () => {
    server.answer(errorReply(404, 'NoSuchBucket'))
    const missing = { code: 'NO_SUCH_STORE' }
    await expect(store.get('key')).rejects.toMatchObject(missing)
    await expect(store.head('key')).rejects.toMatchObject(missing)
    await expect(store.delete('key')).rejects.toMatchObject(missing)
    await expect(keysOf(store, '')).rejects.toMatchObject({
      ...missing,
      message: expect.stringMatching(/: cannot list: there is no such bucket/),
    })
    for (const body of [bytesOf('x'), streamed]) {
      await expect(store.put('key', body, { if: 'always' })).rejects.toMatchObject(missing)
      await expect(store.put('key', body, { if: 'unchanged', etag })).rejects.toMatchObject(missing)
    }
  })

  it('a server that is not there is UNAVAILABLE', async () => {
    await server.close()
    await expect(store.head('key')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    server = await startOddServer()
  })

  it('a server that takes the request and falls silent is UNAVAILABLE', async () => {
    const impatient = await startOddServer({ idleTimeoutSeconds: 0.1, maxAttempts: 1 })
    impatient.answer(() => {})
    await expect(impatient.store.head('key')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(impatient.store.put('key', streamed, { if: 'always' })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await impatient.close()
  })
})

describe('put', () => {
  it.each([
    { title: 'bytes', body: bytesOf('content') },
    { title: 'a stream', body: streamed },
  ])('of $title sends plain headers and nothing chunked', async ({ body }) => {
    const seen: Record<string, unknown>[] = []
    server.answer(async (request, response) => {
      seen.push({ ...request.headers })
      let received = ''
      for await (const chunk of request) received += chunk
      seen.push({ received })
      response.writeHead(200, ok).end()
    })
    await store.put(
      'key',
      body,
      { if: 'absent' },
      { sha256: digest('content'), contentType: 'application/xml', cacheControl: 'no-cache' },
    )
    expect(seen[0]).toMatchObject({
      'content-length': '7',
      'content-type': 'application/xml',
      'cache-control': 'no-cache',
      'if-none-match': '*',
      'x-amz-content-sha256': digest('content'),
      'x-amz-checksum-sha256': createHash('sha256').update('content').digest('base64'),
    })
    const names = Object.keys(seen[0] ?? {})
    for (const name of ['transfer-encoding', 'content-encoding', 'x-amz-trailer', 'x-amz-decoded-content-length']) {
      expect(names).not.toContain(name)
    }
    expect(seen[1]).toEqual({ received: 'content' })
  })

  it.each([
    { status: 412, code: 'PreconditionFailed' },
    { status: 409, code: 'ConditionalRequestConflict' },
    { status: 404, code: 'NoSuchKey' },
  ])('$status $code to If-Match is a conflict, at once', async ({ status, code }) => {
    server.answer(errorReply(status, code))
    for (const body of [bytesOf('x'), streamed]) {
      expect(await store.put('key', body, { if: 'unchanged', etag })).toEqual({ kind: 'conflict' })
    }
    expect(server.requests).toHaveLength(2)
  })

  it('409 to an unconditional write is tried again, then UNAVAILABLE', async () => {
    server.answer(errorReply(409, 'OperationAborted'), reply(200, ok))
    expect((await store.put('key', bytesOf('x'), { if: 'always' })).kind).toBe('stored')
    server.answer(errorReply(409, 'OperationAborted'))
    await expect(store.put('key', bytesOf('x'), { if: 'always' })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it.each([
    { status: 501, code: 'NotImplemented' },
    { status: 400, code: 'InvalidArgument' },
  ])('$status $code to a condition is UNSUPPORTED and says what to do', async ({ status, code }) => {
    server.answer(errorReply(status, code))
    for (const condition of [{ if: 'absent' }, { if: 'unchanged', etag }] as const) {
      const storing = store.put('key', bytesOf('x'), condition)
      await expect(storing).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      await expect(storing).rejects.toThrow(/single writer/)
    }
  })

  it('a server that refuses the checksum gets none, now and later', async () => {
    const picky: Respond = async (request, response) => {
      for await (const _ of request);
      const refused = 'x-amz-checksum-sha256' in request.headers
      response.writeHead(refused ? 501 : 200, ok).end(refused ? '<Error><Code>NotImplemented</Code></Error>' : '')
    }
    server.answer(picky)
    const options = { sha256: digest('content') }
    expect((await store.put('key', streamed, { if: 'absent' }, options)).kind).toBe('stored')
    expect((await store.put('key', streamed, { if: 'absent' }, options)).kind).toBe('stored')
    expect(server.requests).toHaveLength(3)
  })

  it.each(['BadDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch'])(
    '400 %s is BAD_DIGEST',
    async (code) => {
      server.answer(errorReply(400, code))
      await expect(store.put('key', bytesOf('x'), { if: 'always' })).rejects.toMatchObject({ code: 'BAD_DIGEST' })
    },
  )

  it.each([
    { title: 'torn', fail: tear },
    { title: 'answered with 500', fail: errorReply(500, 'InternalError') },
    { title: 'told to slow down', fail: errorReply(503, 'SlowDown') },
    { title: 'told that it took too long', fail: errorReply(400, 'RequestTimeout') },
  ])('a stream that is $title is opened again', async ({ fail }) => {
    let opened = 0
    const body = {
      size: 7,
      open() {
        opened++
        return pieces(['con', 'tent'])
      },
    }
    server.answer(fail, reply(200, ok))
    expect(await store.put('key', body, { if: 'always' })).toEqual({ kind: 'stored', etag: '"abc"' })
    expect(opened).toBe(2)
    server.answer(fail)
    await expect(store.put('key', body, { if: 'always' })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(server.requests).toHaveLength(2)
  })

  it('a conditional write whose answer was lost meets itself: conflict', async () => {
    let stored = false
    server.answer(async (request, response) => {
      for await (const _ of request);
      if (stored) return void response.writeHead(412).end()
      stored = true
      response.destroy()
    })
    expect(await store.put('key', streamed, { if: 'absent' })).toEqual({ kind: 'conflict' })
  })

  it.each(['keep-alive', 'close'])(
    'a refusal before the body was read is a conflict too (connection: %s)',
    async (connection) => {
      server.answer((_, response) => {
        response.writeHead(412, { connection }).end()
      })
      const body = {
        size: 24 << 20,
        async *open() {
          for (let part = 0; part < 24; part++) yield new Uint8Array(1 << 20)
        },
      }
      expect(await store.put('key', body, { if: 'absent' })).toEqual({ kind: 'conflict' })
    },
  )

  it('more than 5 GiB is refused before anything is sent', async () => {
    const body = { size: 5 * 1024 ** 3 + 1, open: () => pieces([]) }
    await expect(store.put('key', body, { if: 'always' })).rejects.toThrow(/5 GiB/)
    expect(server.requests).toEqual([])
  })

  it('the last bytes of a source are not sent before its digest is proven', async () => {
    let received = ''
    const begun = Promise.withResolvers<void>()
    const torn = Promise.withResolvers<void>()
    server.answer(async (request) => {
      try {
        for await (const chunk of request) {
          received += chunk
          begun.resolve()
        }
      } catch {
        torn.resolve()
      }
    })
    const body = {
      size: 7,
      async *open() {
        yield* pieces(['con', 'te'])
        await begun.promise
        yield* pieces(['nt'])
      },
    }
    const putting = store.put('key', body, { if: 'always' }, { sha256: digest('other') })
    await expect(putting).rejects.toMatchObject({ code: 'BAD_DIGEST' })
    await torn.promise
    expect('conte'.startsWith(received)).toBe(true)
  })
})

describe('ETags', () => {
  it.each([
    { sent: '"abc"', compared: '"abc"' },
    { sent: 'abc', compared: 'abc' },
    { sent: 'W/"abc"', compared: '"abc"' },
  ])('$sent is "abc" in quotes to us, and $compared in conditions to that server', async ({ sent, compared }) => {
    const seen: unknown[] = []
    server.answer((request, response) => {
      seen.push(request.headers['if-match'])
      response.writeHead(200, { ...ok, etag: sent, 'content-length': '0' }).end()
    })
    const head = await store.head('key')
    expect(head?.etag).toBe('"abc"')
    expect((await store.put('key', bytesOf(''), { if: 'unchanged', etag })).kind).toBe('stored')
    expect(await readFrom(store, 'key', { ifMatch: etag })).toBe('')
    expect(seen.slice(1)).toEqual([compared, compared])
  })
})

describe('head', () => {
  const whole = createHash('sha256').update('x').digest('base64')
  it.each([
    {
      title: 'a full-object checksum',
      headers: { 'x-amz-checksum-sha256': whole, 'x-amz-checksum-type': 'FULL_OBJECT' },
      sha256: digest('x'),
    },
    { title: 'a checksum of no stated type', headers: { 'x-amz-checksum-sha256': whole }, sha256: digest('x') },
    {
      title: 'a composite checksum',
      headers: { 'x-amz-checksum-sha256': whole, 'x-amz-checksum-type': 'COMPOSITE' },
      sha256: undefined,
    },
    { title: 'a checksum of parts', headers: { 'x-amz-checksum-sha256': `${whole}-2` }, sha256: undefined },
    { title: 'no checksum', headers: {}, sha256: undefined },
  ])('takes from $title what vouches for the whole object', async ({ headers, sha256 }) => {
    server.answer(reply(200, { ...ok, 'content-length': '1', ...headers }))
    expect((await store.head('key'))?.sha256).toBe(sha256)
  })

  it.each([403, 400, 501])('asks again without the checksum after %i', async (status) => {
    const seen: unknown[] = []
    server.answer((request, response) => {
      const mode = request.headers['x-amz-checksum-mode']
      seen.push(mode)
      response.writeHead(mode === undefined ? 200 : status, { ...ok, 'content-length': '1' }).end()
    })
    expect(await store.head('key')).toMatchObject({ etag, size: 1 })
    expect(await store.head('key')).toMatchObject({ etag, size: 1 })
    // One object's missing KMS rights say nothing of the next; an unknown header does.
    expect(seen).toEqual(
      status === 403 ? ['ENABLED', undefined, 'ENABLED', undefined] : ['ENABLED', undefined, undefined],
    )
  })

  it('an object without a date counts as written just now', async () => {
    const now = new Date(2_000_000_000_000)
    const dateless = await startOddServer({ clock: () => now })
    dateless.answer(reply(200, { etag: '"abc"', 'content-length': '1' }))
    expect((await dateless.store.head('key'))?.lastModified).toBe(now)
    await dateless.close()
  })
})

describe('bodies', () => {
  const content = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 251))

  /** A server that tears each connection after some bytes. */
  function tearing(afterBytes: number, headers: Record<string, string> = ok): Respond {
    return (request, response) => {
      const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const part = content.subarray(start)
      const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }
      response.writeHead(start === 0 ? 200 : 206, {
        ...headers,
        'content-length': String(part.length),
        ...(start > 0 && range),
      })
      if (part.length <= afterBytes) response.end(part)
      else response.write(part.subarray(0, afterBytes), () => response.destroy())
    }
  }

  it('a torn body is taken up where it stopped, of the same version', async () => {
    const conditions: unknown[] = []
    const tear = tearing(3000)
    server.answer((request, response) => {
      conditions.push(request.headers['if-match'])
      return tear(request, response)
    })
    const outcome = await store.get('key')
    if (outcome.kind !== 'found') throw new Error(outcome.kind)
    expect(Buffer.from(await readBody(outcome.body, 10_000))).toEqual(content)
    expect(conditions).toEqual([undefined, '"abc"'])
  })

  it('one that is torn again and again without getting on is UNAVAILABLE', async () => {
    server.answer(tearing(100))
    await expect(readFrom(store, 'key')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(server.requests).toHaveLength(2)
  })

  it('one whose object was replaced meanwhile is UNAVAILABLE, never a mixture', async () => {
    server.answer(tearing(3000), errorReply(412, 'PreconditionFailed'))
    await expect(readFrom(store, 'key')).rejects.toThrow(/replaced or deleted meanwhile/)
    server.answer(tearing(3000), tearing(3000, { etag: '"another"' }))
    await expect(readFrom(store, 'key')).rejects.toThrow(/replaced or deleted meanwhile/)
  })

  it('one that falls silent is taken up again', async () => {
    const impatient = await startOddServer({ idleTimeoutSeconds: 0.2 })
    impatient.answer((_, response) => {
      response.writeHead(200, { ...ok, 'content-length': String(content.length) })
      response.write(content.subarray(0, 3000))
    }, tearing(3000))
    const outcome = await impatient.store.get('key')
    if (outcome.kind !== 'found') throw new Error(outcome.kind)
    expect(Buffer.from(await readBody(outcome.body, 10_000))).toEqual(content)
    await impatient.close()
  })

  it('a server that ignores ranges is cut to them', async () => {
    server.answer(reply(200, { ...ok, 'content-length': '10' }, '0123456789'))
    expect(await readFrom(store, 'key', { range: { start: 3, end: 6 } })).toBe('345')
    expect(await readFrom(store, 'key', { range: { start: 3, end: 600 } })).toBe('3456789')
    expect(await readFrom(store, 'key', { range: { start: 30, end: 60 } })).toBe('')
  })

  it('a server that ignores conditions is not believed', async () => {
    server.answer(reply(200, { ...ok, 'content-length': '2' }, 'hi'))
    expect(await store.get('key', { ifMatch: parseETag('other') })).toEqual({ kind: 'changed' })
    expect(await store.get('key', { ifNoneMatch: etag })).toEqual({ kind: 'unchanged' })
  })

  it('a server that announces more than it has of an empty object does not make us wait', async () => {
    server.answer((_, response) => {
      response.writeHead(206, { ...ok, 'content-range': 'bytes 0-0/0', 'content-length': '1' }).flushHeaders()
    })
    expect(await readFrom(store, 'key', { range: { start: 0, end: 10 } })).toBe('')
  })

  it('a server that sends another range is an error', async () => {
    server.answer(reply(206, { ...ok, 'content-range': 'bytes 5-9/10' }, '56789'))
    await expect(store.get('key', { range: { start: 3, end: 10 } })).rejects.toMatchObject({ code: 'FAILED' })
  })

  it.each(['unread', 'begun'])('giving up a body that is %s closes its connection', async (how) => {
    const closed = Promise.withResolvers<void>()
    server.answer((request, response) => {
      request.socket.once('close', () => closed.resolve())
      response.writeHead(200, { ...ok, 'content-length': '1000000' })
      response.write(content)
    })
    const outcome = await store.get('key')
    if (outcome.kind !== 'found') throw new Error(outcome.kind)
    if (how === 'begun') for await (const _ of outcome.body) break
    else await discardBody(outcome.body)
    await closed.promise
    expect(server.requests).toHaveLength(1)
  })
})

describe('delete', () => {
  it('looks before it deletes one version, for servers that ignore If-Match', async () => {
    server.answer(reply(200, { ...ok, 'content-length': '1' }), reply(204))
    expect(await store.delete('key', { ifMatch: etag })).toEqual({ kind: 'deleted' })
    expect(server.requests).toEqual(['HEAD /bucket/key', 'DELETE /bucket/key'])
    server.answer(reply(200, { ...ok, 'content-length': '1' }))
    expect(await store.delete('key', { ifMatch: parseETag('other') })).toEqual({ kind: 'conflict' })
    expect(server.requests).toEqual(['HEAD /bucket/key'])
  })

  it('412 after the look is a conflict where another version stands there, and none where it is gone', async () => {
    const head = reply(200, { ...ok, 'content-length': '1' })
    const refused = errorReply(412, 'PreconditionFailed')
    server.answer(head, refused, reply(200, { ...ok, etag: '"new"', 'content-length': '1' }))
    expect(await store.delete('key', { ifMatch: etag })).toEqual({ kind: 'conflict' })
    server.answer(head, refused, reply(404))
    expect(await store.delete('key', { ifMatch: etag })).toEqual({ kind: 'deleted' })
  })
})

describe('list', () => {
  const page = (
    keys: string[],
    rest = '<IsTruncated>false</IsTruncated>',
    encoding = '<EncodingType>url</EncodingType>',
  ) =>
    reply(
      200,
      {},
      `<ListBucketResult>${encoding}${rest}${keys
        .map((key) => `<Contents><Key>${key}</Key><ETag>&quot;abc&quot;</ETag><Size>1</Size></Contents>`)
        .join('')}</ListBucketResult>`,
    )

  it('decodes both ways to encode a space, and nothing where the server did not encode', async () => {
    server.answer(page(['a%01', 'a+b', 'a%20c', 'a%2Bd', '%F0%9F%93%A6']))
    expect(await keysOf(store, '')).toEqual(['a\u0001', 'a b', 'a c', 'a+d', '\u{1f4e6}'])
    server.answer(page(['a%20c', 'a+b'], undefined, ''))
    expect(await keysOf(store, '')).toEqual(['a%20c', 'a+b'])
  })

  it('passes over keys that no store of ours takes, and what has another prefix', async () => {
    server.answer(page(['../x', '/x', 'a', 'b', 'b/../c']))
    expect(await keysOf(store, '')).toEqual(['a', 'b'])
    expect(await keysOf(store, 'b')).toEqual(['b'])
  })

  it('leaves it to no other server to say what comes after the start', async () => {
    const urls: string[] = []
    const answer = page(['a', 'b', 'c'])
    server.answer((request, response) => {
      urls.push(request.url ?? '')
      return answer(request, response)
    })
    expect(await keysOf(store, '', { startAfter: 'b' })).toEqual(['c'])
    expect(urls).toEqual([expect.not.stringContaining('start-after')])
  })

  it.each([
    { title: 'UTF-16 order', keys: ['a', '%F0%9F%93%A6', '%EF%BD%A1'] },
    { title: 'the order of a tree walk', keys: ['a/b', 'a.b', 'a/0'] },
  ])('puts $title right, over pages', async ({ keys }) => {
    const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>1</NextContinuationToken>'
    server.answer(page(keys.slice(0, 2), more), page(keys.slice(2)))
    const expected = keys.map(decodeURIComponent).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect(await keysOf(store, '')).toEqual(expected)
  })

  it('a key that comes twice is an error', async () => {
    server.answer(page(['a', 'a']))
    await expect(keysOf(store, '')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('goes through all pages, and ends where a server would not let it', async () => {
    const more = (token: string) => `<IsTruncated>true</IsTruncated>${token}`
    const next = (token: string) => more(`<NextContinuationToken>${token}</NextContinuationToken>`)
    server.answer(page(['a'], next('1')), page([], next('2')), page(['b']))
    expect(await keysOf(store, '')).toEqual(['a', 'b'])
    server.answer(page(['a'], more('')))
    await expect(keysOf(store, '')).rejects.toThrow(/cut off/)
    server.answer(page(['a'], next('1')), page(['b'], next('1')))
    await expect(keysOf(store, '')).rejects.toThrow(/cut off/)
  })

  it.each(['', '<html></html>', '<html>welcome</html>'])(
    '200 with %j does not pass for an empty bucket',
    async (body) => {
      server.answer(reply(200, {}, body))
      await expect(keysOf(store, '')).rejects.toMatchObject({ code: 'FAILED' })
    },
  )
})

describe('addressing and credentials', () => {
  const variables = ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_REGION', 'AWS_DEFAULT_REGION']
  let saved: (string | undefined)[] = []
  beforeEach(() => {
    saved = variables.map((name) => process.env[name])
    for (const name of variables) delete process.env[name]
  })
  afterEach(() => {
    for (const [index, name] of variables.entries()) {
      if (saved[index] === undefined) delete process.env[name]
      else process.env[name] = saved[index]
    }
  })
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }

  it.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'])('an endpoint from %s is addressed by path too', async (name) => {
    process.env[name] = server.endpoint
    server.answer(reply(200, { ...ok, 'content-length': '1' }))
    const other = new S3Store({ bucket: 'bucket', credentials })
    await other.head('dir/a key')
    await other.close()
    expect(server.requests).toEqual(['HEAD /bucket/dir/a%20key'])
  })

  it('signs for the region of the option, AWS_REGION, AWS_DEFAULT_REGION or us-east-1', async () => {
    const regions: unknown[] = []
    server.answer((request, response) => {
      regions.push(/\/([a-z0-9-]+)\/s3\//.exec(request.headers.authorization ?? '')?.[1])
      response.writeHead(200, { ...ok, 'content-length': '1' }).end()
    })
    const head = async (options: { region?: string } = {}) => {
      const other = new S3Store({ bucket: 'bucket', endpoint: server.endpoint, credentials, ...options })
      await other.head('key')
      await other.close()
    }
    await head()
    process.env.AWS_DEFAULT_REGION = 'eu-default-1'
    await head()
    process.env.AWS_REGION = 'eu-env-1'
    await head()
    await head({ region: 'eu-option-1' })
    expect(regions).toEqual(['us-east-1', 'eu-default-1', 'eu-env-1', 'eu-option-1'])
  })

  it('an anonymous store signs nothing and needs no credentials', async () => {
    const authorizations: unknown[] = []
    server.answer((request, response) => {
      authorizations.push(request.headers.authorization)
      response.writeHead(200, { ...ok, 'content-length': '2' }).end('hi')
    })
    const other = new S3Store({ bucket: 'bucket', endpoint: server.endpoint, anonymous: true })
    expect(await readFrom(other, 'key')).toBe('hi')
    await other.close()
    expect(authorizations).toEqual([undefined])
  })
})

function tear(request: { socket: { destroy(): void } }): void {
  request.socket.destroy()
}
