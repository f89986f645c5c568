import { expect, test } from 'vitest'
import { table } from '../src/text-layout.ts'

test('a table pads every column but the last', () => {
  expect(table([['a', 'bb', 'c'], ['aaa', 'b', 'ccc']])).toEqual(['a    bb  c', 'aaa  b   ccc']) // biome-ignore format: a row is a line
})
