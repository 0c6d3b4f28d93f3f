/**
 * Who has which place: rendezvous hashing (Thaler and Ravishankar 1998), a hash for each pair of place and node, the
 * highest wins. Nobody has to be asked, a newcomer takes a fair share, and who leaves takes nobody else's place along.
 */
import { createHash } from 'node:crypto'

export interface Slot {
  /** From 0; with the scope it names the replica. */
  readonly index: number
  /** Whose it is while everybody is there. */
  readonly owner: string
  /** Who has it now: the owner, or while it is not available the next one by hash; null where nobody can. */
  readonly holder: string | null
}

export interface SlotsRequest {
  /** App and scope. */
  readonly key: string
  /** null: as many as there are eligible nodes. */
  readonly replicas: number | null
  /** Who can run it, in any order. */
  readonly eligible: readonly string[]
  isAvailable(node: string): boolean
}

/** Remembers the orders it made: weighing some thousand nodes for each app at each change would be most of its work. */
export class Rendezvous {
  readonly #orders = new Map<
    string,
    { readonly eligible: string; readonly orders: readonly (readonly string[])[] }
  >()

  /** At most `replicas`, and no more than there are eligible nodes. */
  slots({ key, replicas, eligible, isAvailable }: SlotsRequest): Slot[] {
    if (replicas === null) return everybody(eligible, isAvailable)
    const orders = this.#ordersOf(key, Math.min(replicas, eligible.length), eligible)
    const owners: string[] = []
    for (const order of orders) {
      const owner = order.find((node) => !owners.includes(node))
      if (owner !== undefined) owners.push(owner)
    }
    const holding = new Set(owners.filter((owner) => isAvailable(owner)))
    return owners.map((owner, index) => {
      if (isAvailable(owner)) return { index, owner, holder: owner }
      const stand = orders[index]?.find((node) => !holding.has(node) && isAvailable(node)) ?? null
      if (stand !== null) holding.add(stand)
      return { index, owner, holder: stand }
    })
  }

  #ordersOf(key: string, replicas: number, nodes: readonly string[]): readonly (readonly string[])[] {
    const eligible = [...nodes].sort().join()
    const known = this.#orders.get(key)
    if (known?.eligible === eligible && known.orders.length === replicas) return known.orders
    const orders = Array.from({ length: replicas }, (_, index) => byWeight(`${key}\n${index}`, nodes))
    if (this.#orders.size >= maxRemembered) this.#orders.clear()
    this.#orders.set(key, { eligible, orders })
    return orders
  }
}

/** Apps times groups; beyond it they are made anew. */
const maxRemembered = 1_024

/** Nobody could stand in: each has a place already. */
function everybody(eligible: readonly string[], isAvailable: (node: string) => boolean): Slot[] {
  return [...eligible]
    .sort()
    .map((owner, index) => ({ index, owner, holder: isAvailable(owner) ? owner : null }))
}

function byWeight(key: string, nodes: readonly string[]): string[] {
  const weighed = nodes.map((node) => ({ node, weight: weightOf(key, node) }))
  return weighed.sort((a, b) => (a.weight < b.weight ? 1 : -1)).map(({ node }) => node)
}

/** In hexadecimal, so that it is compared as text; SHA-256, as publishers choose names and must not choose nodes. */
function weightOf(key: string, node: string): string {
  return createHash('sha256').update(`${key}\n${node}`).digest('hex')
}
