import { expect, it } from 'vitest'
import { clientAddress, isNetwork, networkOf, TrustedProxies } from '../src/client-address.ts'

const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.1', 'fd00::/16'])

it.each<[string, string | undefined, string]>([
  ['198.51.100.7', '203.0.113.9', '198.51.100.7'],
  ['10.1.2.3', '203.0.113.9', '203.0.113.9'],
  ['10.1.2.3', '203.0.113.9, 198.51.100.7', '198.51.100.7'],
  ['10.1.2.3', '203.0.113.9, 10.9.9.9,192.0.2.1', '203.0.113.9'],
  ['10.1.2.3', 'anything, 10.9.9.9', '10.9.9.9'],
  ['10.1.2.3', '', '10.1.2.3'],
  ['10.1.2.3', undefined, '10.1.2.3'],
  ['10.1.2.3', '203.0.113.9:4711', '203.0.113.9'],
  ['10.1.2.3', '[2001:db8::7]:4711', '2001:db8::7'],
  ['fd00::1', '2001:db8::7', '2001:db8::7'],
  ['::ffff:10.1.2.3', '203.0.113.9', '203.0.113.9'],
  ['10.1.2.3', '203.0.113.9\u0000, ', '10.1.2.3'],
])('from %s with "%s" it is %s that asks', (peer, forwardedFor, client) => {
  expect(clientAddress(peer, forwardedFor, proxies)).toBe(client)
})

it('believes nobody unasked', () => {
  expect(clientAddress('10.1.2.3', '203.0.113.9', new TrustedProxies([]))).toBe('10.1.2.3')
})

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
])('%s is of the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

it.each([
  ['10.0.0.0/8', true],
  ['10.0.0.1', true],
  ['fd00::/8', true],
  ['10.0.0.0/33', false],
  ['10.0.0', false],
  ['proxy.example', false],
  ['fd00::/129', false],
  ['', false],
])('%s is a network: %s', (text, is) => {
  expect(isNetwork(text)).toBe(is)
})
