/** The limit on requests, over HTTP: of users, and of those that nobody vouches for. */
import { expect, it } from 'vitest'
import { Door, hashToken, parseUsers, RequestRate, TrustedProxies, UserAccess } from '../src/index.ts'
import { ask } from './ask.ts'
import { openTwoStores } from './two-stores.ts'

const users = parseUsers(
  `users:\n${['ann', 'bob'].map((one) => `  - {name: ${one}, token: "${hashToken(one)}", may: [{verbs: [read]}]}`).join('\n')}`,
  'users.yaml',
)

it('has who asks too often wait, whether it is a user or an address, and nobody else', async () => {
  const two = await openTwoStores()
  let now = 0
  const access = new UserAccess({ users, open: new Set(['read']), now: () => now })
  const rate = new RequestRate({ perSecond: 0.25, burst: 2, now: () => now })
  const proxies = new TrustedProxies(['127.0.0.1'])
  const options = { prefix: '', now: () => new Date(now), onEvent: () => {} }
  const door = await Door.open({ host: '127.0.0.1', port: 0 }, { ...options, store: two.folder, access, rate, proxies })
  const get = async (headers: Record<string, string>, path = '/', method = 'GET') => {
    const { status, headers: said } = await ask(door.address, method, path, { headers })
    return status === 429 ? `429 after ${said['retry-after']}` : status
  }
  const from = (address: string) => ({ 'X-Forwarded-For': `192.0.2.99, ${address}` })
  try {
    expect([await get(from('192.0.2.1')), await get(from('192.0.2.1')), await get(from('192.0.2.1'))]).toEqual([
      200,
      200,
      '429 after 4',
    ])
    // Whatever is asked for counts: also what is refused at once.
    expect(await get(from('192.0.2.1'), '/../', 'PUT')).toBe('429 after 4')
    expect(await get(from('192.0.2.2'), '/../')).toBe(400)
    expect(await get(from('192.0.2.2'), '/', 'OPTIONS')).toBe(200)
    expect(await get(from('192.0.2.2'))).toBe('429 after 4')
    // Of a network of IPv6 all addresses are one.
    for (const last of ['1', '2']) expect(await get(from(`2001:db8:1:2::${last}`))).toBe(200)
    expect(await get(from('2001:db8:1:2:3::3'))).toBe('429 after 4')
    expect(await get(from('2001:db8:1:3::1'))).toBe(200)
    // A user counts for itself, from wherever it comes; who only says that it is one does not.
    const ann = { Authorization: 'Bearer ann' }
    expect([await get({ ...ann, ...from('192.0.2.1') }), await get({ ...ann, ...from('192.0.2.3') })]).toEqual([
      200, 200,
    ])
    expect(await get({ ...ann, ...from('192.0.2.4') })).toBe('429 after 4')
    expect(await get({ Authorization: 'Bearer bob', ...from('192.0.2.1') })).toBe(200)
    expect(await get({ Authorization: 'Bearer nobody', ...from('192.0.2.1') })).toBe('429 after 4')
    now += 4_000
    expect([await get(from('192.0.2.1')), await get(from('192.0.2.1'))]).toEqual([200, '429 after 4'])
  } finally {
    await door.close()
    await two.close()
  }
})

it('is not there unless it is asked for, and neither are proxies', async () => {
  const two = await openTwoStores()
  const events: string[] = []
  const door = await Door.open(
    { host: '127.0.0.1', port: 0 },
    {
      ...{ store: two.folder, prefix: '', now: () => new Date() },
      onEvent: (event) => void ('from' in event && events.push(event.from)),
    },
  )
  try {
    for (let request = 0; request < 50; request += 1) {
      expect((await ask(door.address, 'GET', '/', { headers: { 'X-Forwarded-For': '192.0.2.1' } })).status).toBe(200)
    }
    expect(new Set(events)).toEqual(new Set(['127.0.0.1']))
  } finally {
    await door.close()
    await two.close()
  }
})
