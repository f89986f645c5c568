/**
 * Where a request comes from, also behind proxies that are trusted to say so.
 */
import { BlockList, isIP } from 'node:net'

/** Proxies whose `X-Forwarded-For` is believed. */
export class TrustedProxies {
  readonly #list = new BlockList()

  /** @param networks as `isNetwork` has them */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const { address, bits, family } = parseNetwork(network)
      this.#list.addSubnet(address, bits, family)
    }
  }

  has(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/** An address, or a network such as 10.0.0.0/8. */
export function isNetwork(text: string): boolean {
  const { address, bits, family } = parseNetwork(text)
  return isIP(address) === (family === 'ipv6' ? 6 : 4) && bits <= (family === 'ipv6' ? 128 : 32)
}

function parseNetwork(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } {
  const [, address = '', bits] = /^([0-9a-fA-F:.]+)(?:\/([0-9]{1,3}))?$/.exec(text) ?? []
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  return { address, bits: bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family }
}

/**
 * Each proxy adds the address that it was asked from at the end; so the last one that no trusted proxy stands for is where it comes from. What
 * stands before that, anybody may have written.
 *
 * @param peer at the other end of the connection
 * @param forwardedFor the header, its lines joined by commas
 */
export function clientAddress(peer: string, forwardedFor: string | undefined, proxies: TrustedProxies): string {
  let client = plain(peer)
  for (const said of (forwardedFor ?? '').split(',').slice(-proxiesMax).reverse()) {
    if (!proxies.has(client)) break
    const address = plain(said.trim())
    if (isIP(address) === 0) break
    client = address
  }
  return client
}

/** In a row. */
const proxiesMax = 20

/** Who has one address of IPv6 has the 2^64 of its network (RFC 6177). */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('%', 1)[0]?.split('::', 2) ?? []
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')]
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}

/** Without port and brackets, which some proxies write; and an address of IPv4 that comes in by IPv6 as what it is. */
function plain(address: string): string {
  const [, bracketed] = /^\[([^\]]*)\](?::[0-9]+)?$/.exec(address) ?? []
  const [, withoutPort] = /^([0-9.]+):[0-9]+$/.exec(address) ?? []
  return (bracketed ?? withoutPort ?? address).replace(/^::ffff:(?=[0-9.]+$)/i, '')
}
