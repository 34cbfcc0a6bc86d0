import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Why nothing is sent to an address. */
export type TargetFault = 'private_address' | 'unresolvable' | 'https_required'

/** Finds all addresses of a name; rejects when there is none. */
export type Resolve = (name: string) => Promise<readonly string[]>

/** What an operator allows beyond public addresses. */
export interface TargetAllowance {
  /** Networks such as `10.0.0.0/8` whose addresses are allowed although they are not public; `all` for any address. */
  readonly privateNetworks: 'all' | readonly string[]
  /** Whether plain http may go to public addresses too. */
  readonly plainHttp: boolean
}

/** IPv6 is given out from one eighth of its space; what else looks public leads somewhere else one day. RFC 4291, 2.4. */
const globalUnicast = ipaddr.parseCIDR('2000::/3')

/**
 * Says where webhooks may go: to public addresses, unless an operator allows more. Judged by the address that is connected to, never by
 * the name, which may lead elsewhere the next time it is asked for.
 */
export class TargetRules {
  readonly #allowance: TargetAllowance
  readonly #networks: readonly ReturnType<typeof ipaddr.parseCIDR>[]
  readonly #resolve: Resolve

  constructor(allowance: TargetAllowance, resolve: Resolve = resolveBySystem) {
    this.#allowance = allowance
    const { privateNetworks } = allowance
    this.#networks = privateNetworks === 'all' ? [] : privateNetworks.map((net) => networkOf(net))
    this.#resolve = resolve
  }

  /** The addresses that a target has now, all of them allowed; or why nothing is sent there. */
  async addressesOf(url: URL): Promise<readonly string[] | TargetFault> {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const found = isIP(host) === 0 ? await this.#resolve(host).catch(() => []) : [host]
    if (found.length === 0) return 'unresolvable'
    for (const address of found) {
      const fault = this.#faultOf(address, url.protocol)
      // One that is not allowed among several spoils the name: which of them is connected to is not for its owner to choose.
      if (fault !== undefined) return fault
    }
    return found
  }

  #faultOf(address: string, protocol: string): TargetFault | undefined {
    const { privateNetworks, plainHttp } = this.#allowance
    if (privateNetworks === 'all' || this.#isListed(address)) return undefined
    if (!isPublic(address)) return 'private_address'
    return protocol === 'https:' || plainHttp ? undefined : 'https_required'
  }

  #isListed(address: string): boolean {
    if (!ipaddr.isValid(address)) return false
    const parsed = ipaddr.parse(address)
    return this.#networks.some(
      (network) => network[0].kind() === parsed.kind() && parsed.match(network),
    )
  }
}

/**
 * Whether an address is a public one: not private, loopback, link-local, of a carrier's NAT, multicast, reserved, nor one that carries an
 * IPv4 address inside (mapped, NAT64, 6to4, Teredo), which could be any of those. Source: IANA's registries of special-purpose addresses.
 */
function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  return parsed.kind() === 'ipv4' || parsed.match(globalUnicast)
}

function networkOf(text: string): ReturnType<typeof ipaddr.parseCIDR> {
  return ipaddr.parseCIDR(text.includes('/') ? text : `${text}/${isIP(text) === 6 ? 128 : 32}`)
}

async function resolveBySystem(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, verbatim: true })
  return found.map(({ address }) => address)
}
