import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  discardBody,
  type ETag,
  type GetOptions,
  type ListedObject,
  type ListOptions,
  MemoryStore,
  type ObjectStore,
  type PutBody,
  parseETag,
  readBody,
  StoreError,
} from '../src/index.ts'

export interface StoreUnderTest {
  readonly store: ObjectStore
  /** Another client of the same storage, as another process would have. */
  another(): ObjectStore
  /** Puts the storage's own clock forward, for all clients. */
  advance(milliseconds: number): void
  close(): Promise<void>
}

export interface Traits {
  /** Whether `a//b` and `a/` are keys. */
  readonly emptySegments: boolean
  /** Whether `head` knows the SHA-256 of an object that was put with one. */
  readonly vouchesForPromised: boolean
  /** Whether big bodies pass through in constant memory. */
  readonly streams: boolean
  /** Property runs; a store behind HTTP gets fewer. */
  readonly runs: number
}

/** What every store has to do. Each test works under a prefix of its own in one storage. */
export function describeStore(title: string, start: () => Promise<StoreUnderTest>, traits: Traits): void {
  describe(title, () => {
    let under: StoreUnderTest
    let store: ObjectStore
    let tests = 0
    let at = ''
    beforeAll(async () => {
      under = await start()
      store = under.store
    })
    afterAll(() => under?.close())
    beforeEach(() => {
      at = `test-${++tests}/`
    })

    const put = async (key: string, text: string): Promise<ETag> => {
      const outcome = await store.put(key, bytesOf(text), { if: 'always' })
      if (outcome.kind !== 'stored') throw new Error(`${key}: ${outcome.kind}`)
      return outcome.etag
    }
    const read = (key: string, options?: GetOptions) => readFrom(store, key, options)
    const keys = (prefix: string, options?: ListOptions) => keysOf(store, prefix, options)

    describe('put and get', () => {
      it('gives back the bytes, with the head that head gives', async () => {
        const etag = await put(`${at}a`, 'hello')
        const outcome = await store.get(`${at}a`)
        if (outcome.kind !== 'found') throw new Error(outcome.kind)
        expect(text(await readBody(outcome.body, 100))).toBe('hello')
        expect(outcome.head).toMatchObject({ key: `${at}a`, etag, size: 5 })
        const { sha256: _, ...head } = (await store.head(`${at}a`)) ?? {}
        expect(outcome.head).toMatchObject(head)
        expect(etag).toMatch(/^"[^"]+"$/)
      })

      it('says absent of a key that is not there, and of one that is only the beginning of others', async () => {
        await put(`${at}a/b`, '1')
        for (const key of [`${at}none`, `${at}none/none`, `${at}a`, `${at}a/b/c`]) {
          expect(await store.get(key), key).toEqual({ kind: 'absent' })
          expect(await store.head(key), key).toBeUndefined()
        }
      })

      it('stores empty objects', async () => {
        await put(`${at}empty`, '')
        await store.put(`${at}streamed`, { size: 0, open: () => pieces([]) }, { if: 'always' })
        for (const key of [`${at}empty`, `${at}streamed`]) {
          expect((await store.head(key))?.size).toBe(0)
          expect(await read(key)).toBe('')
          expect(await read(key, { range: { start: 0, end: 10 } })).toBe('')
        }
      })

      it('keeps bytes apart from the buffers that it was given', async () => {
        const buffer = bytesOf('before')
        await store.put(`${at}a`, buffer, { if: 'always' })
        buffer.fill(0)
        expect(await read(`${at}a`)).toBe('before')
      })

      it('says when an object was written', async () => {
        const before = Date.now()
        await put(`${at}a`, '1')
        const written = (await store.head(`${at}a`))?.lastModified.getTime()
        // S3 knows whole seconds.
        expect(written).toBeGreaterThanOrEqual(Math.floor(before / 1000) * 1000)
        expect(written).toBeLessThanOrEqual(Date.now())
      })

      it('gives another ETag to other bytes, also of the same size and within one tick of the clock', async () => {
        const seen = new Set<string>()
        for (let round = 0; round < 20; round++) seen.add(await put(`${at}a`, String(round).padStart(8)))
        expect(seen.size).toBe(20)
      })

      it('does not mind who else reads while an object is replaced: a body is of one version', async () => {
        const size = 3_000_000
        await store.put(`${at}a`, Buffer.alloc(size, 1), { if: 'always' })
        const outcome = await store.get(`${at}a`)
        if (outcome.kind !== 'found') throw new Error(outcome.kind)
        const iterator = outcome.body[Symbol.asyncIterator]()
        const first = await iterator.next()
        await store.put(`${at}a`, Buffer.alloc(size, 2), { if: 'always' })
        const values = new Set<number | undefined>(first.value)
        let bytes = first.done ? 0 : first.value.length
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
          bytes += next.value.length
          for (const value of next.value) values.add(value)
        }
        expect([...values]).toEqual([1])
        expect(bytes).toBe(size)
      })
    })

    describe('ranges', () => {
      const content = '0123456789'
      it.each([
        { start: 0, end: 10, expected: content },
        { start: 0, end: 1, expected: '0' },
        { start: 3, end: 7, expected: '3456' },
        { start: 9, end: 10, expected: '9' },
        { start: 4, end: 1000, expected: '456789' },
        { start: 4, end: 4, expected: '' },
        { start: 0, end: 0, expected: '' },
        { start: 10, end: 20, expected: '' },
        { start: 500, end: 501, expected: '' },
        { start: 0, end: Number.MAX_SAFE_INTEGER, expected: content },
      ])(
        'bytes $start to $end of ten are "$expected", and the size is that of the whole',
        async ({ start, end, expected }) => {
          await put(`${at}a`, content)
          const outcome = await store.get(`${at}a`, { range: { start, end } })
          if (outcome.kind !== 'found') throw new Error(outcome.kind)
          expect(outcome.head.size).toBe(10)
          expect(text(await readBody(outcome.body, 100))).toBe(expected)
        },
      )

      it('of an absent object are absent, even empty ones', async () => {
        for (const end of [0, 5]) {
          expect(await store.get(`${at}none`, { range: { start: 0, end } })).toEqual({ kind: 'absent' })
        }
      })

      it.each([
        { start: -1, end: 3 },
        { start: 3, end: 2 },
        { start: 0.5, end: 2 },
        { start: 0, end: Number.NaN },
      ])('are refused where they are none: $start to $end', async (range) => {
        await expect(store.get(`${at}a`, { range })).rejects.toThrow(RangeError)
      })
    })

    describe('versions', () => {
      it('reads only the version that is asked for', async () => {
        const first = await put(`${at}a`, 'one')
        expect(await read(`${at}a`, { ifMatch: first })).toBe('one')
        const second = await put(`${at}a`, 'two')
        expect(await store.get(`${at}a`, { ifMatch: first })).toEqual({ kind: 'changed' })
        expect(await store.get(`${at}a`, { ifMatch: first, range: { start: 1, end: 2 } })).toEqual({ kind: 'changed' })
        expect(await store.get(`${at}a`, { ifMatch: first, range: { start: 50, end: 60 } })).toEqual({
          kind: 'changed',
        })
        expect(await store.get(`${at}a`, { ifMatch: first, range: { start: 0, end: 0 } })).toEqual({ kind: 'changed' })
        expect(await read(`${at}a`, { ifMatch: second, range: { start: 1, end: 3 } })).toBe('wo')
      })

      it('says unchanged of the version that is known already', async () => {
        const first = await put(`${at}a`, 'one')
        expect(await store.get(`${at}a`, { ifNoneMatch: first })).toEqual({ kind: 'unchanged' })
        await put(`${at}a`, 'two')
        expect(await read(`${at}a`, { ifNoneMatch: first })).toBe('two')
      })

      it('says absent of an object that is gone, whatever the condition', async () => {
        const etag = await put(`${at}a`, 'one')
        await store.delete(`${at}a`)
        expect(await store.get(`${at}a`, { ifMatch: etag })).toEqual({ kind: 'absent' })
        expect(await store.get(`${at}a`, { ifNoneMatch: etag })).toEqual({ kind: 'absent' })
      })
    })

    describe('copies', () => {
      const source = async (key: string, content: string, from: ObjectStore = store) => {
        await from.put(key, bytesOf(content), { if: 'always' }, { sha256: digest(content) })
        const head = await from.head(key)
        if (head === undefined) throw new Error(`${key} was put`)
        return { ...head, store: from }
      }

      it('stores the bytes of the source, and leaves the source', async () => {
        const from = await source(`${at}from`, 'hello')
        const outcome = await store.copy(from, `${at}below/to`, { if: 'absent' })
        if (outcome.kind !== 'stored') throw new Error(outcome.kind)
        expect(await read(`${at}below/to`)).toBe('hello')
        expect(await read(`${at}from`)).toBe('hello')
        const head = await store.head(`${at}below/to`)
        expect(head).toMatchObject({ etag: outcome.etag, size: 5 })
        if (traits.vouchesForPromised) expect(head?.sha256).toBe(digest('hello'))
      })

      it('obeys the condition on the target', async () => {
        const from = await source(`${at}from`, 'new')
        const etag = await put(`${at}to`, 'old')
        expect(await store.copy(from, `${at}to`, { if: 'absent' })).toEqual({ kind: 'conflict' })
        expect(await store.copy(from, `${at}to`, { if: 'unchanged', etag: from.etag })).toEqual({ kind: 'conflict' })
        expect(await store.copy(from, `${at}none`, { if: 'unchanged', etag })).toEqual({ kind: 'conflict' })
        expect(await read(`${at}to`)).toBe('old')
        expect(await store.copy(from, `${at}to`, { if: 'unchanged', etag })).toMatchObject({ kind: 'stored' })
        expect(await read(`${at}to`)).toBe('new')
        await put(`${at}to`, 'other')
        expect(await store.copy(from, `${at}to`, { if: 'always' })).toMatchObject({ kind: 'stored' })
        expect(await read(`${at}to`)).toBe('new')
      })

      it('copies this version of the source or nothing', async () => {
        for (const content of ['was', '']) {
          const from = await source(`${at}from`, content)
          await put(`${at}from`, 'is now')
          expect(await store.copy(from, `${at}to`, { if: 'absent' })).toEqual({ kind: 'changed' })
          await store.delete(`${at}from`)
          expect(await store.copy(from, `${at}to`, { if: 'absent' })).toEqual({ kind: 'changed' })
          expect(await store.head(`${at}to`)).toBeUndefined()
        }
      })

      it('finds the source by whatever name it has', async () => {
        for (const name of ['gtk+-2.0 ~1.rpm', 'percent%41.rpm', 'č/日本.rpm']) {
          const from = await source(`${at}${name}`, name)
          expect(await store.copy(from, `${at}copies/${name}`, { if: 'absent' }), name).toMatchObject({
            kind: 'stored',
          })
          expect(await read(`${at}copies/${name}`)).toBe(name)
        }
      })

      it('takes bytes from any other store, and refuses those that are not what it said', async () => {
        const other = new MemoryStore()
        const from = await source('x', 'from elsewhere', other)
        expect(await store.copy(from, `${at}x`, { if: 'absent' })).toMatchObject({ kind: 'stored' })
        expect(await read(`${at}x`)).toBe('from elsewhere')
        const false_ = { ...from, sha256: digest('something else') }
        await expect(store.copy(false_, `${at}y`, { if: 'absent' })).rejects.toMatchObject({ code: 'BAD_DIGEST' })
        expect(await store.head(`${at}y`)).toBeUndefined()
      })

      it('lets one of many copies to one name win', async () => {
        const from = await source(`${at}from`, 'x')
        const outcomes: string[] = []
        await withClients(under, 5, async (client) => {
          outcomes.push((await client.copy({ ...from, store: client }, `${at}to`, { if: 'absent' })).kind)
        })
        expect(outcomes.toSorted()).toEqual([...Array(4).fill('conflict'), 'stored'])
      })
    })

    describe('conditions', () => {
      it('if absent: stores the first, not the second, and again after a delete', async () => {
        const absent = { if: 'absent' } as const
        expect((await store.put(`${at}a`, bytesOf('one'), absent)).kind).toBe('stored')
        expect(await store.put(`${at}a`, bytesOf('two'), absent)).toEqual({ kind: 'conflict' })
        expect(await read(`${at}a`)).toBe('one')
        await store.delete(`${at}a`)
        expect((await store.put(`${at}a`, bytesOf('three'), absent)).kind).toBe('stored')
      })

      it('if unchanged: replaces that version and no other', async () => {
        const first = await put(`${at}a`, 'one')
        const outcome = await store.put(`${at}a`, bytesOf('two'), { if: 'unchanged', etag: first })
        if (outcome.kind !== 'stored') throw new Error(outcome.kind)
        expect(outcome.etag).toBe((await store.head(`${at}a`))?.etag)
        expect(await store.put(`${at}a`, bytesOf('3'), { if: 'unchanged', etag: first })).toEqual({ kind: 'conflict' })
        expect(await read(`${at}a`)).toBe('two')
      })

      it('if unchanged: an object that is gone, or never was, is a conflict and stays absent', async () => {
        const etag = await put(`${at}a`, 'one')
        await store.delete(`${at}a`)
        for (const key of [`${at}a`, `${at}never/was`]) {
          expect(await store.put(key, bytesOf('two'), { if: 'unchanged', etag })).toEqual({ kind: 'conflict' })
          expect(await store.head(key)).toBeUndefined()
        }
      })

      it('hold for streamed bodies too', async () => {
        const body: PutBody = { size: 4, open: () => pieces(['st', 're']) }
        expect((await store.put(`${at}a`, body, { if: 'absent' })).kind).toBe('stored')
        expect(await store.put(`${at}a`, body, { if: 'absent' })).toEqual({ kind: 'conflict' })
        const etag = parseETag('0123456789abcdef0123456789abcdef')
        expect(await store.put(`${at}a`, body, { if: 'unchanged', etag })).toEqual({ kind: 'conflict' })
      })

      it('delete with ifMatch spares another version, and does not mind one that is gone', async () => {
        const first = await put(`${at}a`, 'one')
        const second = await put(`${at}a`, 'two')
        expect(await store.delete(`${at}a`, { ifMatch: first })).toEqual({ kind: 'conflict' })
        expect(await read(`${at}a`)).toBe('two')
        expect(await store.delete(`${at}a`, { ifMatch: second })).toEqual({ kind: 'deleted' })
        expect(await store.head(`${at}a`)).toBeUndefined()
        expect(await store.delete(`${at}a`, { ifMatch: second })).toEqual({ kind: 'deleted' })
      })

      it('delete of what is not there is no error', async () => {
        expect(await store.delete(`${at}none/at/all`)).toEqual({ kind: 'deleted' })
      })
    })

    describe('races', () => {
      it('5 writers that each add 1 ten times by compare-and-swap total 50', async () => {
        await put(`${at}count`, '0')
        const writer = async (client: ObjectStore) => {
          for (let added = 0; added < 10; ) {
            const outcome = await client.get(`${at}count`)
            if (outcome.kind !== 'found') throw new Error(outcome.kind)
            const next = String(Number(text(await readBody(outcome.body, 100))) + 1)
            const condition = { if: 'unchanged', etag: outcome.head.etag } as const
            if ((await client.put(`${at}count`, bytesOf(next), condition)).kind === 'stored') added++
          }
        }
        await withClients(under, 5, writer)
        expect(await read(`${at}count`)).toBe('50')
      })

      it('of 12 writers if absent exactly one stores', async () => {
        const outcomes: string[] = []
        await withClients(under, 12, async (client, number) => {
          const outcome = await client.put(`${at}once`, bytesOf(`writer ${number}`), { if: 'absent' })
          outcomes.push(`${outcome.kind} ${number}`)
        })
        const stored = outcomes.filter((outcome) => outcome.startsWith('stored'))
        expect(stored).toHaveLength(1)
        expect(`stored ${(await read(`${at}once`)).slice('writer '.length)}`).toBe(stored[0])
      })
    })

    describe('list', () => {
      it('gives keys in byte order of their UTF-8, each with what head says', async () => {
        const names = [...nastyNames].reverse()
        for (const name of names) await put(at + name, name)
        const listed: ListedObject[] = []
        for await (const object of store.list(at)) listed.push(object)
        expect(listed.map(({ key }) => key)).toEqual(names.map((name) => at + name).sort(byBytes))
        for (const object of listed) {
          const { sha256: _, ...head } = (await store.head(object.key)) ?? {}
          expect({ ...object, lastModified: seconds(object) }, object.key).toEqual({
            ...head,
            lastModified: seconds(head),
          })
        }
        for (const name of names) expect(await read(at + name)).toBe(name)
      })

      it('takes the prefix as the beginning of a key, not as a directory', async () => {
        for (const name of ['ab.c', 'ab/d', 'abc/e', 'b']) await put(at + name, name)
        const under_ = async (prefix: string) => (await keys(at + prefix)).map((key) => key.slice(at.length))
        expect(await under_('ab')).toEqual(['ab.c', 'ab/d', 'abc/e'])
        expect(await under_('ab/')).toEqual(['ab/d'])
        expect(await under_('abc')).toEqual(['abc/e'])
        expect(await under_('nothing')).toEqual([])
        expect(await under_('nothing/at/all')).toEqual([])
        expect(await under_('../')).toEqual([])
      })

      it('starts after a key, whether it is there or not', async () => {
        const names = ['a', 'b.c', 'b/1', 'b/2', 'b0', 'c']
        for (const name of names) await put(at + name, name)
        for (const after of [...names, '', 'b', 'b/', 'b/1x', 'zz', '\u{10ffff}']) {
          const expected = names.filter((name) => byBytes(name, after) > 0).map((name) => at + name)
          expect(await keys(at, { startAfter: at + after }), after).toEqual(expected)
        }
      })

      it('shows nothing of what was not stored', async () => {
        await store.put(`${at}a`, bytesOf('x'), { if: 'always' })
        const etag = parseETag('0')
        await store.put(`${at}b`, bytesOf('x'), { if: 'unchanged', etag })
        const failing = { size: 9, open: () => failingSource(new Error('no more')) }
        await expect(store.put(`${at}c`, failing, { if: 'always' })).rejects.toThrow('no more')
        expect(await keys(at)).toEqual([`${at}a`])
      })

      it('can be left in the middle', async () => {
        for (const name of ['a', 'b', 'c']) await put(at + name, name)
        for await (const { key } of store.list(at)) {
          expect(key).toBe(`${at}a`)
          break
        }
      })
    })

    describe('bodies', () => {
      it(`takes 64 MiB in and gives them out${traits.streams ? ', in memory that does not grow with them' : ''}`, async () => {
        const chunkBytes = 1 << 20
        const count = 64
        const baseline = heldBytes()
        let most = 0
        const sent = createHash('sha256')
        const body: PutBody = {
          size: count * chunkBytes,
          async *open() {
            for (let index = 0; index < count; index++) {
              if (index % 8 === 0) most = Math.max(most, heldBytes())
              const bytes = new Uint8Array(chunkBytes).fill(index)
              sent.update(bytes)
              yield bytes
            }
          },
        }
        const progress: number[] = []
        await store.put(`${at}big`, body, { if: 'always' }, { onProgress: (bytes) => progress.push(bytes) })
        expect(progress.at(-1)).toBe(count * chunkBytes)
        expect(progress).toEqual([...progress].sort((a, b) => a - b))
        const received = createHash('sha256')
        const outcome = await store.get(`${at}big`)
        if (outcome.kind !== 'found') throw new Error(outcome.kind)
        let unmeasured = 0
        for await (const bytes of outcome.body) {
          received.update(bytes)
          unmeasured += bytes.length
          if (unmeasured < 8 * chunkBytes) continue
          unmeasured = 0
          most = Math.max(most, heldBytes())
        }
        expect(received.digest('hex')).toBe(sent.digest('hex'))
        if (traits.streams) expect(most - baseline).toBeLessThan((count * chunkBytes) / 2)
        await store.delete(`${at}big`)
      })

      it('can be given up, read or unread', async () => {
        await store.put(`${at}a`, Buffer.alloc(2_000_000), { if: 'always' })
        for (let round = 0; round < 3; round++) {
          const unread = await store.get(`${at}a`)
          if (unread.kind !== 'found') throw new Error(unread.kind)
          await discardBody(unread.body)
          const started = await store.get(`${at}a`)
          if (started.kind !== 'found') throw new Error(started.kind)
          for await (const _ of started.body) break
          expect(await started.body[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined })
        }
      })

      it.each([
        { title: 'whole', body: bytesOf('content') },
        { title: 'streamed', body: { size: 7, open: () => pieces(['con', 'tent']) } },
      ])(
        'a $title body with another digest than promised is BAD_DIGEST and leaves nothing behind',
        async ({ body }) => {
          const sha256 = digest('something else')
          await expect(store.put(`${at}a`, body, { if: 'always' }, { sha256 })).rejects.toMatchObject({
            name: 'StoreError',
            code: 'BAD_DIGEST',
          })
          expect(await store.head(`${at}a`)).toBeUndefined()
          await put(`${at}b`, 'before')
          await expect(store.put(`${at}b`, body, { if: 'always' }, { sha256 })).rejects.toThrow(StoreError)
          expect(await read(`${at}b`)).toBe('before')
          const good = { sha256: digest('content') }
          expect((await store.put(`${at}b`, body, { if: 'always' }, good)).kind).toBe('stored')
          if (traits.vouchesForPromised) expect((await store.head(`${at}b`))?.sha256).toBe(good.sha256)
        },
      )

      it.each([
        { title: 'shorter', size: 8 },
        { title: 'longer', size: 6 },
        { title: 'longer than nothing', size: 0 },
      ])('a source $title than announced fails and leaves nothing behind', async ({ size }) => {
        const body = { size, open: () => pieces(['con', 'tent']) }
        await expect(store.put(`${at}a`, body, { if: 'always' })).rejects.toMatchObject({ code: 'FAILED' })
        expect(await store.head(`${at}a`)).toBeUndefined()
      })
    })

    describe('abort', () => {
      const reason = new Error('enough')

      it('before the start: every operation rejects with the reason', async () => {
        const etag = await put(`${at}a`, '1')
        const signal = AbortSignal.abort(reason)
        await expect(store.get(`${at}a`, { signal })).rejects.toBe(reason)
        await expect(store.head(`${at}a`, { signal })).rejects.toBe(reason)
        await expect(store.put(`${at}a`, bytesOf('2'), { if: 'always' }, { signal })).rejects.toBe(reason)
        await expect(store.delete(`${at}a`, { signal, ifMatch: etag })).rejects.toBe(reason)
        await expect(keys(at, { signal })).rejects.toBe(reason)
        expect(await read(`${at}a`)).toBe('1')
      })

      it('in the middle of a put, also of a source that hangs: nothing is stored', async () => {
        const controller = new AbortController()
        const body: PutBody = {
          size: 10,
          async *open() {
            yield bytesOf('12345')
            await setImmediate()
            controller.abort(reason)
            await new Promise<never>(() => {})
          },
        }
        await expect(store.put(`${at}a`, body, { if: 'always' }, { signal: controller.signal })).rejects.toBe(reason)
        expect(await store.head(`${at}a`)).toBeUndefined()
        expect(await keys(at)).toEqual([])
      })

      it('in the middle of a body', async () => {
        await store.put(`${at}a`, Buffer.alloc(8_000_000), { if: 'always' })
        const controller = new AbortController()
        const outcome = await store.get(`${at}a`, { signal: controller.signal })
        if (outcome.kind !== 'found') throw new Error(outcome.kind)
        const reading = async () => {
          for await (const _ of outcome.kind === 'found' ? outcome.body : []) controller.abort(reason)
        }
        await expect(reading()).rejects.toBe(reason)
      })
    })

    describe('keys', () => {
      const bad = ['', '/a', '..', '.', 'a/../b', './a', 'a/.', 'a\0b', '\ud800', 'x'.repeat(1025), 'é'.repeat(513)]
      it.each(bad)('%j is BAD_KEY for every operation', async (key) => {
        const refused = { name: 'StoreError', code: 'BAD_KEY' }
        await expect(store.get(key)).rejects.toMatchObject(refused)
        await expect(store.head(key)).rejects.toMatchObject(refused)
        await expect(store.put(key, bytesOf('x'), { if: 'always' })).rejects.toMatchObject(refused)
        await expect(store.delete(key)).rejects.toMatchObject(refused)
      })

      it(`${traits.emptySegments ? 'may' : 'must not'} have empty segments`, async () => {
        for (const key of [`${at}a//b`, `${at}c/`]) {
          const storing = store.put(key, bytesOf(key), { if: 'always' })
          if (traits.emptySegments) {
            expect((await storing).kind).toBe('stored')
            expect(await read(key)).toBe(key)
          } else await expect(storing).rejects.toMatchObject({ code: 'BAD_KEY' })
        }
        expect(await keys(at)).toEqual(traits.emptySegments ? [`${at}a//b`, `${at}c/`] : [])
      })
    })

    it('does what a simple model does, in any sequence of operations', async () => {
      let run = 0
      const names = ['a', 'b/c', 'b.c', 'd e+f%2F', '\uff61', '\u{1f4e6}']
      const name = fc.constantFrom(...names)
      const value = fc.string({ maxLength: 12 })
      const step = fc.oneof(
        fc.record({
          do: fc.constant('put' as const),
          name,
          value,
          condition: fc.constantFrom('always', 'absent', 'current', 'old'),
        }),
        fc.record({ do: fc.constant('delete' as const), name, condition: fc.constantFrom('always', 'current', 'old') }),
        fc.record({ do: fc.constant('get' as const), name, start: fc.nat(14), length: fc.nat(14) }),
        fc.record({ do: fc.constant('list' as const), after: fc.option(name) }),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const base = `${at}${++run}/`
          const model = new Map<string, { bytes: Uint8Array; etag: ETag }>()
          const never = parseETag('ffffffffffffffffffffffffffffffff')
          let replaced = never
          for (const op of steps) {
            if (op.do === 'list') {
              const after = op.after ?? ''
              const expected = [...model.keys()].filter((key) => byBytes(key, after) > 0).sort(byBytes)
              expect(await keys(base, { startAfter: base + after })).toEqual(expected.map((key) => base + key))
              continue
            }
            const key = base + op.name
            const current = model.get(op.name)
            if (op.do === 'get') {
              const outcome = await store.get(key, { range: { start: op.start, end: op.start + op.length } })
              expect(outcome.kind).toBe(current === undefined ? 'absent' : 'found')
              if (outcome.kind !== 'found' || current === undefined) continue
              expect(outcome.head).toMatchObject({ etag: current.etag, size: current.bytes.length })
              const expected = current.bytes.subarray(op.start, op.start + op.length)
              expect(Buffer.from(await readBody(outcome.body, 100))).toEqual(Buffer.from(expected))
              continue
            }
            // The same bytes again may be the same version, so "old" must not be the current one by chance.
            const stale = replaced === current?.etag ? never : replaced
            const etag = op.condition === 'current' ? (current?.etag ?? never) : stale
            if (op.do === 'put') {
              const bytes = bytesOf(op.value)
              const outcome = await store.put(
                key,
                bytes,
                op.condition === 'always' || op.condition === 'absent'
                  ? { if: op.condition }
                  : { if: 'unchanged', etag },
              )
              const holds =
                op.condition === 'always' ||
                (op.condition === 'absent'
                  ? current === undefined
                  : op.condition === 'current' && current !== undefined)
              expect(outcome.kind).toBe(holds ? 'stored' : 'conflict')
              if (outcome.kind !== 'stored') continue
              if (current !== undefined) replaced = current.etag
              model.set(op.name, { bytes, etag: outcome.etag })
            } else {
              const spared = op.condition === 'old' && current !== undefined
              const outcome = await store.delete(key, op.condition === 'always' ? {} : { ifMatch: etag })
              expect(outcome.kind).toBe(spared ? 'conflict' : 'deleted')
              if (!spared) model.delete(op.name)
            }
          }
        }),
        { numRuns: traits.runs },
      )
    })

    // Last: from here on the storage's clock is not this machine's.
    describe('the clock', () => {
      it('is the one by which objects are stamped, to the second', async () => {
        await put(`${at}a`, '1')
        const stamped = (await store.head(`${at}a`))?.lastModified.getTime() ?? 0
        for (const options of [{}, { near: `${at}a` }, { near: `${at}none/none` }]) {
          const now = (await store.clock(options)).getTime()
          expect(now - stamped).toBeGreaterThan(-1000)
          // Not more than the test itself can have taken.
          expect(now - stamped).toBeLessThan(60_000)
        }
        expect(await keys(at)).toEqual([`${at}a`])
      })

      it('is not asked once the signal is aborted', async () => {
        const reason = new Error('enough')
        await expect(store.clock({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      })

      it('goes with the storage, not with this machine', async () => {
        const before = (await store.clock()).getTime()
        const dayMs = 24 * 3600 * 1000
        under.advance(dayMs)
        const later = under.another()
        const outcome = await later.put(`${at}a`, bytesOf('1'), { if: 'always' })
        expect(outcome.kind).toBe('stored')
        const stamped = (await later.head(`${at}a`))?.lastModified.getTime() ?? 0
        const now = (await later.clock()).getTime()
        await later.close()
        expect(now - before).toBeGreaterThanOrEqual(dayMs)
        expect(now - stamped).toBeGreaterThan(-1000)
      })
    })
  })
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** What buffers hold after everything that is garbage has gone. */
function heldBytes(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

/** Names that trip over URL encoding, XML, UTF-16 order and the order of directories. */
const nastyNames = [
  'plain.rpm',
  'with space.rpm',
  ' leading and trailing ',
  'gtk+-2.0+dfsg.rpm',
  'percent%41%2Fsign',
  'tilde~1',
  'caret^2024git',
  'question?mark#hash',
  'amp&lt;<tag>"quoted"\'',
  'back\\slash',
  'semi;colon:comma,=@$!*()[]{}|`',
  'tab\tand\nnewline\r',
  'control\u0001\u001f\u007f',
  'é-composed',
  'e\u0301-decomposed',
  'čeština',
  '日本語/パッケージ',
  '\ufb01-before-astral',
  '\uffee-before-astral',
  '\u{1f4e6}-astral',
  '\u{10ffff}',
  '...',
  '..hidden',
  '-dash',
  'a.b',
  'a/b',
  'a0b',
  'dir/sub/deep',
  'dir-sub',
  'dir.sub',
]

async function withClients(
  under: StoreUnderTest,
  count: number,
  work: (client: ObjectStore, number: number) => Promise<void>,
): Promise<void> {
  const clients = Array.from({ length: count }, () => under.another())
  try {
    await Promise.all(clients.map(work))
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

export async function readFrom(store: ObjectStore, key: string, options?: GetOptions): Promise<string> {
  const outcome = await store.get(key, options)
  if (outcome.kind !== 'found') throw new Error(`${key}: ${outcome.kind}`)
  return text(await readBody(outcome.body, 10_000_000))
}

export async function keysOf(store: ObjectStore, prefix: string, options?: ListOptions): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix, options)) keys.push(key)
  return keys
}

export async function* pieces(texts: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of texts) yield bytesOf(piece)
}

async function* failingSource(error: Error): AsyncGenerator<Uint8Array> {
  yield bytesOf('some')
  throw error
}

export function bytesOf(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

export function digest(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function seconds({ lastModified }: { lastModified?: Date }): number {
  return Math.floor((lastModified?.getTime() ?? 0) / 1000)
}
