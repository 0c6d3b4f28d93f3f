/** What an app tried on the network and was denied, told once each: its author sees which grant is missing. */
import type { NetworkUse, WireAddress } from '../../guest/index.ts'
import { plainAddress } from './network-rule.ts'

/** Goals that are told; an app that scans a network must not fill its log, nor our memory. */
const maxTold = 32

export class Denials {
  readonly #told = new Set<string>()
  readonly #tell: (message: string) => void
  readonly #howToGrant: (name: string) => string

  constructor(tell: (message: string) => void, howToGrant: (name: string) => string = inManifest) {
    this.#tell = tell
    this.#howToGrant = howToGrant
  }

  add(use: NetworkUse, goal: WireAddress | string): void {
    const grant = grantFor(use, goal)
    if (this.#told.has(grant) || this.#told.size > maxTold) return
    this.#told.add(grant)
    if (this.#told.size > maxTold) this.#tell('the network denied it more than is listed here')
    else this.#tell(`denied on the network; to allow it, ${this.#howToGrant(grant)}`)
  }
}

function inManifest(grant: string): string {
  return `write network = ["${grant}"] under [grants]`
}

/** The narrowest grant that would allow it. */
function grantFor(use: NetworkUse, goal: WireAddress | string): string {
  if (typeof goal === 'string') return `${use}:${goal.slice(0, 253).replace(/["\\]/g, '')}`
  const host = plainAddress(goal.host)
  const shown = host.includes(':') ? `[${host}]` : host
  if (use === 'tcp-listen' || use === 'udp-listen') return `${use}:${goal.port === 0 ? '*:*' : goal.port}`
  return `${use}:${shown}:${goal.port}`
}
