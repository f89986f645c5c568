import { describe, expect, it } from 'vitest'
import { type ListedObject, parseETag } from '../src/index.ts'
import type { Room } from './contract.ts'
import { byBytes, bytesOf } from './texts.ts'

export function describeList(room: Room): void {
  describe('list', () => {
    it('gives keys in byte order of their UTF-8, each with what head says', async () => {
      const names = [...nastyNames].reverse()
      for (const name of names) await room.put(room.at + name, name)
      const listed: ListedObject[] = []
      for await (const object of room.store.list(room.at)) listed.push(object)
      expect(listed.map(({ key }) => key)).toEqual(names.map((name) => room.at + name).sort(byBytes))
      for (const object of listed) {
        const { sha256: _, ...head } = (await room.store.head(object.key)) ?? {}
        expect({ ...object, lastModified: seconds(object) }, object.key).toEqual({
          ...head,
          lastModified: seconds(head),
        })
      }
      for (const name of names) expect(await room.read(room.at + name)).toBe(name)
    })

    it('takes the prefix as the beginning of a key, not as a directory', async () => {
      for (const name of ['ab.c', 'ab/d', 'abc/e', 'b']) await room.put(room.at + name, name)
      const under_ = async (prefix: string) =>
        (await room.keys(room.at + prefix)).map((key) => key.slice(room.at.length))
      expect(await under_('ab')).toEqual(['ab.c', 'ab/d', 'abc/e'])
      expect(await under_('ab/')).toEqual(['ab/d'])
      expect(await under_('abc')).toEqual(['abc/e'])
      expect(await under_('nothing')).toEqual([])
      expect(await under_('nothing/at/all')).toEqual([])
      expect(await under_('../')).toEqual([])
    })

    it('starts after a key, whether it is there or not', async () => {
      const names = ['a', 'b.c', 'b/1', 'b/2', 'b0', 'c']
      for (const name of names) await room.put(room.at + name, name)
      for (const after of [...names, '', 'b', 'b/', 'b/1x', 'zz', '\u{10ffff}']) {
        const expected = names.filter((name) => byBytes(name, after) > 0).map((name) => room.at + name)
        expect(await room.keys(room.at, { startAfter: room.at + after }), after).toEqual(expected)
      }
    })

    it('shows nothing of what was not stored', async () => {
      await room.store.put(`${room.at}a`, bytesOf('x'), { if: 'always' })
      const etag = parseETag('0')
      await room.store.put(`${room.at}b`, bytesOf('x'), { if: 'unchanged', etag })
      const failing = { size: 9, open: () => failingSource(new Error('no more')) }
      await expect(room.store.put(`${room.at}c`, failing, { if: 'always' })).rejects.toThrow('no more')
      expect(await room.keys(room.at)).toEqual([`${room.at}a`])
    })

    it('can be left in the middle', async () => {
      for (const name of ['a', 'b', 'c']) await room.put(room.at + name, name)
      for await (const { key } of room.store.list(room.at)) {
        expect(key).toBe(`${room.at}a`)
        break
      }
    })
  })
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

async function* failingSource(error: Error): AsyncGenerator<Uint8Array> {
  yield bytesOf('some')
  throw error
}

function seconds({ lastModified }: { lastModified?: Date }): number {
  return Math.floor((lastModified?.getTime() ?? 0) / 1000)
}
