/**
 * Sites: each a bridge with a router of its own, all routers on one core. What happens between sites (cuts, one-way
 * lines, loss, latency, translation of addresses) happens on the core and the routers; hosts of one site stay together.
 */
import { dropAtRandom, setRules, type Rules } from './firewall.ts'
import { namespaceName, net } from './namespaces.ts'
import { addBridge, type Place } from './wiring.ts'

export interface SiteOptions {
  readonly hosts: readonly string[]
  /** Its hosts dial out under the router's address, and nobody outside can dial them. */
  readonly nat?: boolean
}

export interface Site {
  readonly name: string
  /** Its bridge and its router. */
  readonly namespace: string
  readonly place: Place
  readonly isNat: boolean
  /** The core's end of the line to it. */
  readonly line: string
}

/** A redirection of the core: connections to a host of another site go through the relay. */
export interface Detour {
  readonly address: string
  readonly port: number
  readonly relayPort: number
}

export class Sites {
  readonly core: string
  readonly #sites = new Map<string, Site>()
  readonly #severed = new Map<string, string>()
  readonly #off = new Set<string>()
  #loss = 0
  #detours: readonly Detour[] = []

  /** @param keep is told of each namespace before it is made, so that it can be removed again */
  constructor(options: Readonly<Record<string, SiteOptions>>, keep: (namespace: string) => void) {
    this.core = namespaceName('core')
    keep(this.core)
    net('ip', ['netns', 'add', this.core])
    net('ip', ['-n', this.core, 'link', 'set', 'lo', 'up'])
    forwards(this.core)
    for (const [index, [name, { nat = false }]] of Object.entries(options).entries()) {
      this.#sites.set(name, this.#addSite(name, index + 1, nat, keep))
    }
  }

  site(name: string): Site {
    const found = this.#sites.get(name)
    if (found === undefined) throw new Error(`the lab has no site ${name}`)
    return found
  }

  /** Nothing passes between this site and any other, and nobody is told. */
  cutOff(name: string): void {
    this.#off.add(this.site(name).line)
    this.#apply()
  }

  /** Nothing passes from one site to another; the way back stays open. */
  sever(from: string, to: string): void {
    if (this.#detours.length > 0)
      throw new Error('sites with latency are cut off whole: the relay ends their lines')
    this.#severed.set(
      `${from} ${to}`,
      `iifname "${this.site(from).line}" oifname "${this.site(to).line}" drop`,
    )
    this.#apply()
  }

  /** @param share of the packets between sites that is lost, from 0 to 1 */
  lose(share: number): void {
    this.#loss = share
    this.#apply()
  }

  heal(): void {
    this.#severed.clear()
    this.#off.clear()
    this.#loss = 0
    this.#apply()
  }

  redirect(detours: readonly Detour[]): void {
    this.#detours = detours
    this.#apply()
  }

  #apply(): void {
    const off = [...this.#off]
    const loss = this.#loss === 0 ? [] : [dropAtRandom(this.#loss)]
    const rules: Rules = {
      prerouting: [...off.map((line) => `iifname "${line}" drop`), ...loss],
      forward: [...this.#severed.values()],
      postrouting: off.map((line) => `oifname "${line}" drop`),
      redirect: this.#detours.map(
        ({ address, port, relayPort }) => `ip daddr ${address} tcp dport ${port} redirect to :${relayPort}`,
      ),
    }
    setRules(this.core, rules)
  }

  #addSite(name: string, number: number, isNat: boolean, keep: (namespace: string) => void): Site {
    const namespace = namespaceName(`site${number}`)
    keep(namespace)
    addBridge(namespace)
    const line = `site${number}`
    const place: Place = { subnet: `10.86.${number}`, gateway: `10.86.${number}.254` }
    const outer = `10.87.${number}`
    net('ip', ['-n', namespace, 'addr', 'add', `${place.gateway}/24`, 'dev', 'br0'])
    net('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
    const pair = ['type', 'veth', 'peer', 'name', line, 'netns', this.core]
    net('ip', ['-n', namespace, 'link', 'add', 'up0', ...pair])
    net('ip', ['-n', namespace, 'addr', 'add', `${outer}.2/24`, 'dev', 'up0'])
    net('ip', ['-n', this.core, 'addr', 'add', `${outer}.1/24`, 'dev', line])
    net('ip', ['-n', namespace, 'link', 'set', 'up0', 'up'])
    net('ip', ['-n', this.core, 'link', 'set', line, 'up'])
    net('ip', ['-n', namespace, 'route', 'add', 'default', 'via', `${outer}.1`])
    // What is sent to addresses behind a translation goes nowhere, without an answer.
    const route = isNat
      ? ['blackhole', `${place.subnet}.0/24`]
      : [`${place.subnet}.0/24`, 'via', `${outer}.2`]
    net('ip', ['-n', this.core, 'route', 'add', ...route])
    forwards(namespace)
    if (isNat) setRules(namespace, translation)
    return { name, namespace, place, isNat, line }
  }
}

const translation: Rules = {
  forward: ['iifname "up0" ct state established,related accept', 'iifname "up0" drop'],
  masquerade: ['oifname "up0" masquerade'],
}

function forwards(namespace: string): void {
  net('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
}
