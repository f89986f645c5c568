/**
 * Messages that someone made to do harm, or that are as large as a queue allows. Whether a bucket is configured is the worker's to
 * say: worker.test.ts, "are the configured ones alone where some are".
 */
import { describe, expect, it } from 'vitest'
import { interpretMessage, parseRepositoryRoot } from '../src/index.ts'
import { parseRootPattern, passOverKey, placeByPatterns } from '../src/roots.ts'

const record = (key: string, bucket = 'packages') =>
  JSON.stringify({ eventName: 'ObjectCreated:Put', s3: { bucket: { name: bucket }, object: { key } } })
const envelope = (message: string): string => JSON.stringify({ Type: 'Notification', Message: message })

/** A notification of exactly so many bytes, with as many records as fit. */
function notificationOf(bytes: number): { body: string; keys: string[] } {
  const keys: string[] = []
  let records = ''
  while (true) {
    const key = `el9/package-${String(keys.length).padStart(6, '0')}.rpm`
    const next = `${records}${records === '' ? '' : ','}${record(key)}`
    if (next.length + '{"Records":[]}'.length > bytes) break
    records = next
    keys.push(key)
  }
  const body = `{"Records":[${records}]}`
  return { body: body + ' '.repeat(bytes - body.length), keys }
}

describe('a message', () => {
  // 256 KiB was the limit of SQS until 2025, 1 MiB is it since.
  it.each([
    ['256 KiB', 256 * 1024],
    ['1 MiB', 1024 * 1024],
  ])('of %s is read, every record of it, in an envelope too', (_, bytes) => {
    const { body, keys } = notificationOf(bytes)
    expect(Buffer.byteLength(body)).toBe(bytes)
    const interpretation = interpretMessage(body)
    if (interpretation.kind !== 'changes') throw new Error(interpretation.kind)
    expect(interpretation.changes.map(({ key }) => key)).toEqual(keys)
    expect(interpretation.unreadable).toEqual([])
    if (bytes === 256 * 1024) expect(interpretMessage(envelope(body))).toEqual(interpretation)
  })

  it('of a byte more than 1 MiB is refused, whatever the bytes of a character', () => {
    const { body } = notificationOf(1024 * 1024)
    expect(interpretMessage(`${body} `)).toMatchObject({
      kind: 'unreadable',
      reason: expect.stringContaining('1048576'),
    })
    const wide = `{"Records":[${record(`el9/${'ü'.repeat(300)}.rpm`)}]}`
    const padded = `${wide}${' '.repeat(1024 * 1024 - Buffer.byteLength(wide))}`
    expect(interpretMessage(padded).kind).toBe('changes')
    expect(interpretMessage(`${padded} `).kind).toBe('unreadable')
  })

  it.each([
    ['100,000 lists', '['.repeat(100_000), ']'.repeat(100_000)],
    ['80,000 objects', '{"a":'.repeat(80_000), `1${'}'.repeat(80_000)}`],
  ])('%s deep is refused, wherever the depth is, or read past it', (_, open, close) => {
    const deep = `${open}${close}`
    for (const body of [
      deep,
      open,
      `{"Records":${deep}}`,
      `{"Message":${deep}}`,
      `{"detail-type":${deep},"source":"aws.s3"}`,
    ]) {
      expect(interpretMessage(body).kind).toBe('unreadable')
    }
    const beside = `{"Records":[${record('a.rpm')},${deep}],"own":${deep}}`
    expect(interpretMessage(beside)).toMatchObject({ kind: 'changes', changes: [{ key: 'a.rpm' }] })
  })

  it('in 12 envelopes, each of which doubles the backslashes, is refused without opening them all', () => {
    let body = `{"Records":[${record('a.rpm')}]}`
    for (let level = 0; level < 12; level += 1) body = envelope(body)
    expect(interpretMessage(body)).toMatchObject({ kind: 'unreadable', reason: expect.stringContaining('envelopes') })
  })

  it('cannot reach the prototypes of what it is read into', () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const body = `{"${name}":{"Records":[${record('a.rpm')}]},"Event":"s3:Nothing"}`
      expect(interpretMessage(body).kind).toBe('unreadable')
    }
    expect(Object.hasOwn(Object.prototype, 'Records')).toBe(false)
  })

  it('gives a reason that is short, however long what is wrong with it', () => {
    const long = 'x'.repeat(900_000)
    for (const body of [
      long,
      JSON.stringify(long),
      JSON.stringify({ [long]: 1 }),
      `{"Type":"${long}","Message":""}`,
      `{"detail-type":"x","source":"${long}"}`,
      `{"Records":[${record(long)}]}`,
      `{"Records":[${record('a', long)}]}`,
    ]) {
      const interpretation = interpretMessage(body)
      if (interpretation.kind !== 'unreadable') throw new Error(interpretation.kind)
      expect(interpretation.reason.length).toBeLessThan(500)
    }
  })
})

describe('the key of an event', () => {
  const hostile = [
    '../secret.rpm',
    'el9/../../secret.rpm',
    '/etc/a.rpm',
    'el9//a.rpm',
    './a.rpm',
    'http://elsewhere.example/a.rpm',
    'el9/a\nb.rpm',
    'el9/a\u0000.rpm',
    'el9/a\u001b[2J.rpm',
    'el9/a\u007f.rpm',
    'el9/a\u0085.rpm',
    'el9/a\uffff.rpm',
  ]

  it.each(hostile)('%j is read as it is, encoded or not, and belongs to no repository', (key) => {
    for (const raw of [encodeURIComponent(key), encodeURIComponent(key).replaceAll('%2F', '/')]) {
      const interpretation = interpretMessage(`{"Records":[${record(raw)}]}`)
      expect(interpretation).toMatchObject({ kind: 'changes', changes: [{ key }] })
    }
    expect(passOverKey(key)).toBe('not safe as a location')
    expect(placeByPatterns(key, [parseRootPattern(''), parseRootPattern('el9')]).kind).toBe('passed-over')
  })

  it('of 1,024 bytes is one, of 1,025 none', () => {
    for (const [key, kind] of [
      [`${'ü'.repeat(510)}.rpm`, 'changes'],
      [`${'ü'.repeat(510)}x.rpm`, 'unreadable'],
    ] as const) {
      expect(interpretMessage(`{"Records":[${record(encodeURIComponent(key))}]}`).kind).toBe(kind)
    }
  })

  it('names no root that is none', () => {
    for (const root of ['..', 'a/../b', 'a//b', 'a/\u0001', 'a/repodata'])
      expect(() => parseRepositoryRoot(root)).toThrow()
  })
})
