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
  /** Who would be next, and therefore keeps the component; null where nobody is left. */
  readonly standby: string | null
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
    const next = (index: number, than: ReadonlySet<string>): string | null =>
      orders[index]?.find((node) => !than.has(node) && isAvailable(node)) ?? null
    const held = owners.map((owner, index) => {
      if (isAvailable(owner)) return { index, owner, holder: owner }
      const holder = next(index, holding)
      if (holder !== null) holding.add(holder)
      return { index, owner, holder }
    })
    return held.map((slot) => ({ ...slot, standby: next(slot.index, holding) }))
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
    .map((owner, index) => ({ index, owner, holder: isAvailable(owner) ? owner : null, standby: null }))
}

function byWeight(key: string, nodes: readonly string[]): string[] {
  const weighed = nodes.map((node) => ({ node, weight: weightOf(key, node) }))
  return weighed.sort((a, b) => (a.weight < b.weight ? 1 : -1)).map(({ node }) => node)
}

/** In hexadecimal, so that it is compared as text; SHA-256, as publishers choose names and must not choose nodes. */
function weightOf(key: string, node: string): string {
  return createHash('sha256').update(`${key}\n${node}`).digest('hex')
}
