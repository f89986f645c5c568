/**
 * Objects that are no packages but say so at length. Each is refused by name; the rest of its batch is published, and no more of it
 * is asked for, or kept, than has to be.
 */
import { createHash } from 'node:crypto'
import type { ETag, ObjectHead, ObjectStore } from '@repokeeper/object-store'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { describe, expect, it } from 'vitest'
import { reconcile } from '../src/index.ts'
import { packageHeaderBytesMax } from '../src/open-package.ts'
import { readPackage } from '../src/read-package.ts'
import { locationIn, newContext, putPackage, readPublished, tickingStore } from './workbench.ts'

const mebibyte = 2 ** 20

/** Lead, an empty signature, and the first bytes of a header that claims so much; then zeros without end. */
function claiming(entries: number, dataBytes: number): Buffer {
  const start = Buffer.alloc(128)
  start.set([0xed, 0xab, 0xee, 0xdb, 3])
  start[79] = 5
  for (const at of [96, 112]) start.set([0x8e, 0xad, 0xe8, 0x01], at)
  start.writeUInt32BE(entries, 120)
  start.writeUInt32BE(dataBytes, 124)
  return start
}

/** An object of so many bytes, made as they are asked for. Counts what was taken. */
function giant(start: Buffer, size: number) {
  const taken = { bytes: 0 }
  const chunk = Buffer.alloc(mebibyte)
  async function* body(from: number, to: number): AsyncGenerator<Uint8Array> {
    for (let at = from; at < to; ) {
      const bytes = at < start.length ? start.subarray(at, to) : chunk.subarray(0, Math.min(chunk.length, to - at))
      taken.bytes += bytes.length
      at += bytes.length
      yield Uint8Array.from(bytes)
    }
  }
  const head: ObjectHead = { key: 'x.rpm', etag: '"x"' as ETag, size, lastModified: new Date(0) }
  const store: Pick<ObjectStore, 'get'> = {
    get: async (_, options = {}) => {
      const { start: from = 0, end = size } = options.range ?? {}
      return { kind: 'found', head, body: body(from, end) }
    },
  }
  return { store, head, taken }
}

describe('a header of 256 MiB', () => {
  // rpm allows it up to a few bytes less; no package comes near.
  const claims = [
    ['of data', claiming(1, 0x0fffff00)],
    ['of index and data', claiming(0xffff, 0x0fe00000)],
  ] as const

  it.each(claims)('%s is refused after its first bytes where the digest is known', async (_, start) => {
    const { store, head, taken } = giant(start, 300 * mebibyte)
    const reading = await readPackage(store, { ...head, sha256: 'a'.repeat(64) }, {})
    expect(reading).toMatchObject({
      kind: 'unreadable',
      code: 'TOO_LARGE',
      reason: expect.stringContaining('headers are'),
    })
    expect(taken.bytes).toBeLessThanOrEqual(64 * 1024)
  })

  it.each(claims)('%s is hashed as it passes, and not kept, where the digest is not known', async (_, start) => {
    const { store, head, taken } = giant(start, 300 * mebibyte)
    let most = 0
    const watching = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers)
    })
    const before = process.memoryUsage().arrayBuffers
    const reading = await readPackage(store, head, {})
    clearInterval(watching)
    expect(reading).toMatchObject({ kind: 'unreadable', code: 'TOO_LARGE' })
    expect(reading).toMatchObject({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(taken.bytes).toBe(300 * mebibyte)
    // Twice what may be kept of a header: what is no longer needed is not collected at once.
    expect(most - before).toBeLessThan(2 * packageHeaderBytesMax)
  })

  it('that is more than rpm allows is refused by what it claims', async () => {
    for (const start of [claiming(1, 0x10000000), claiming(2 ** 31, 16), claiming(0xffffffff, 0xffffffff)]) {
      const { store, head, taken } = giant(start, 300 * mebibyte)
      const reading = await readPackage(store, { ...head, sha256: 'a'.repeat(64) }, {})
      expect(reading).toMatchObject({ kind: 'unreadable', code: 'LIMIT_EXCEEDED' })
      expect(taken.bytes).toBeLessThanOrEqual(64 * 1024)
    }
  })

  it('that the object is too short for is refused', async () => {
    const start = claiming(1, 100 * mebibyte)
    const { store, head } = giant(start, 1000)
    const reading = await readPackage(store, { ...head, sha256: 'a'.repeat(64) }, {})
    expect(reading).toMatchObject({ kind: 'unreadable', code: 'CUT_OFF' })
  })
})

describe('keys below a repository that no location may be', () => {
  it.each(['%2e%2e/a.rpm', 'x/%2E./a.rpm', '../a.rpm', './a.rpm', 'x//a.rpm', 'a\u0001.rpm', 'a\nb.rpm'])(
    '%j is not listed, and the rest of the batch is',
    async (path) => {
      const location = locationIn(tickingStore())
      const root = location.root
      const bytes = buildPackage({ name: 'hostile' })
      const stored = await location.store.put(`${root}${path}`, bytes, { if: 'always' }).then(
        () => true,
        () => false,
      )
      await putPackage(location.store, `${root}good.rpm`, { name: 'good' })
      const keys = new Set([`${root}good.rpm`, ...(stored ? [`${root}${path}`] : [])])

      const report = await reconcile(location, keys, await newContext())

      expect([...(await readPublished(location)).packages.keys()]).toEqual(['good.rpm'])
      if (stored) expect(report.verdicts.get(`${root}${path}`)?.kind).toBe('refused')
      expect(report.verdicts.get(`${root}good.rpm`)).toEqual({ kind: 'covered', change: 'added' })
    },
  )
})

it('what is hashed is the object, to its last byte', async () => {
  const { store, head } = giant(claiming(1, 0x0fffff00), 2 * mebibyte)
  const reading = await readPackage(store, head, {})
  const whole = Buffer.alloc(2 * mebibyte)
  whole.set(claiming(1, 0x0fffff00))
  expect(reading).toMatchObject({ sha256: createHash('sha256').update(whole).digest('hex') })
})
