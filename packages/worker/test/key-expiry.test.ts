/** Keys that are over soon: which are told, when, and what is measured. */
import { describe, expect, it } from 'vitest'
import { WorkerEvents } from '../src/events.ts'
import { expiringSoon, expiryGauges, expiryText, type WatchedKey, watchedKeys } from '../src/key-expiry.ts'
import { watchKeys } from '../src/key-watch.ts'
import type { OpenedKey, OpenedSigner } from '../src/signing-settings.ts'
import { ManualClock } from './manual-clock.ts'

const now = new Date('2026-11-01T00:00:00Z')
const day = 86_400
const inDays = (days: number) => now.getTime() / 1000 + days * day

function key(use: WatchedKey['use'], daysLeft: number | undefined): WatchedKey {
  return { use, keyId: 'ab12', userId: 'Harbour', expires: daysLeft === undefined ? undefined : inDays(daysLeft) }
}

function signer(...keys: readonly [OpenedKey, ...OpenedKey[]]): OpenedSigner {
  return {
    publicKey: Buffer.from(''),
    sign: async () => Buffer.from(''),
    verify: async () => true,
    keys: () => keys,
  }
}

it.each<[WatchedKey['use'], number | undefined, boolean]>([
  ['signs', undefined, false],
  ['signs', 30.1, false],
  ['signs', 30, true],
  ['signs', 0.1, true],
  ['signs', -3, true],
  ['follows', 29, true],
  ['counts', 29, true],
  ['counts', 31, false],
  ['counts', -1, false],
])('of a key that %s and lasts %s days it is told: %s', (use, daysLeft, isTold) => {
  expect(expiringSoon([key(use, daysLeft)], now)).toHaveLength(isTold ? 1 : 0)
})

describe('a key that another one follows', () => {
  const following = { fingerprint: 'cd', keyId: 'cd34', kind: 'RSA 4096', userId: 'Next', expires: inDays(2_000) }
  const first = { fingerprint: 'ab', keyId: 'ab12', kind: 'RSA 4096', userId: 'Now', expires: inDays(10) }

  it.each([
    ['before it is over is nothing to speak of', 9, []],
    ['only when it is over is told', 11, ['ab12']],
  ])('%s', (_, followedInDays, told) => {
    const keys = watchedKeys(signer({ ...first, signsUntil: 1000 * inDays(followedInDays) }, following), undefined)
    expect(expiringSoon(keys, now).map(({ keyId }) => keyId)).toEqual(told)
  })
})

it('is measured by the first that will be over, of those that sign and of those that count apart', () => {
  const keys = [key('signs', 400), key('follows', 20), key('counts', 90), key('counts', -900), key('counts', undefined)]
  expect(expiryGauges(keys, now)).toEqual([
    { name: 'repokeeper.signing_key_expires.seconds', values: [20 * day] },
    { name: 'repokeeper.keyring_key_expires.seconds', values: [90 * day] },
  ])
  expect(expiryGauges([key('signs', undefined), key('counts', -900)], now)).toEqual([])
  expect(expiryGauges([key('signs', -2)], now)).toMatchObject([{ values: [-2 * day] }])
})

it.each<[WatchedKey['use'], number, RegExp]>([
  [
    'signs',
    3,
    /^key ab12 of Harbour, which signs, expires on 2026-11-04: nothing is published from then on; prolong it .*repokeeper key rotate/,
  ],
  ['signs', -3, /which signs, expired on 2026-10-29/],
  ['follows', 3, /which is to sign next, expires on 2026-11-04/],
  ['counts', 3, /in the keyring expires on 2026-11-04: packages that it signs later are refused; .*--keyring/],
])('says of one that %s when it is over, and what to do (%i days)', (use, daysLeft, text) => {
  expect(expiringSoon([key(use, daysLeft)], now).map((one) => expiryText(one, now))).toEqual([
    expect.stringMatching(text),
  ])
})

it('is told at once and every day, by the day that it is then, until nobody wants to know', async () => {
  const clock = new ManualClock()
  const events = new WorkerEvents()
  const told: unknown[] = []
  events.subscribe((name, event) => void told.push([name, 'now' in event && event.now.toISOString().slice(0, 10)]))
  const date = () => new Date(now.getTime() + clock.now())
  const end = watchKeys(events, { keys: () => [key('signs', 31.5)], clock, date })
  expect(told).toEqual([])
  for (let hour = 0; hour < 72; hour += 1) await clock.pass(3_600_000)
  expect(told).toEqual([
    ['key-expires', '2026-11-03'],
    ['key-expires', '2026-11-04'],
  ])
  end()
  await clock.pass(5 * 86_400_000)
  expect(told).toHaveLength(2)
})
