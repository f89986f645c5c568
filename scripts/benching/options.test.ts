import { expect, it } from 'vitest'
import { readOptions } from './options.ts'

it('reads sizes once each, the small ones first', () => {
  expect(readOptions(['--packages', '60000,1000,1000', '--changes', '1'])).toMatchObject({
    kind: 'options',
    options: { packages: [1_000, 60_000], changes: [1] },
  })
})

it.each([
  [['--changes', '1000', '--packages', '200'], '--changes 1000: at most twice as many as there are packages'],
  [['--packages', '0'], '--packages 0: numbers from 1 to 1000000'],
  [['--packages', '1.5'], '--packages 1.5: whole numbers'],
  [['--rounds', '1,2'], '--rounds 1,2: one number'],
  [['--uploads', '1', '--import', '10'], '--uploads, --part-copy or --import, one of them'],
  [['--part-copy', '--import', '10'], '--uploads, --part-copy or --import, one of them'],
  [['--uploads', '1', '--client', 'yum'], '--client yum: one of dnf, reader'],
  [['--windows', '5,2', '--uploads', '1'], '--windows 5,2: two numbers, the second no less'],
  [['--uploads', '1', '--svg', 'curve.svg'], '--svg'],
  [['--speed'], "'--speed'"],
])('refuses %j', (args, reason) => {
  expect(readOptions(args)).toEqual({ kind: 'wrong', reason: expect.stringContaining(reason) })
})
