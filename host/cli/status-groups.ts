/** The nodes of a mesh as groups, what needs a look first, in an order that stays while nothing changes. */
import type { NodeStatus, Verdict } from '../api/index.ts'
import { appIsInTrouble } from './render-apps.ts'

export interface Group {
  readonly name: string
  /** Worst first, then by name. */
  readonly nodes: readonly NodeStatus[]
  readonly inNeed: number
}

/** Of nodes that are in none. */
export const ungrouped = '(no group)'

/** Worst first. */
const order: readonly Verdict[] = ['dead', 'isolated', 'cut-off', 'suspect', 'alive', 'left']

/** A node in several groups is in each of them, because each group is read as a whole. */
export function groupsOf(nodes: readonly NodeStatus[]): Group[] {
  const members = new Map<string, NodeStatus[]>()
  for (const node of nodes) {
    for (const name of node.groups.length === 0 ? [ungrouped] : new Set(node.groups)) {
      const list = members.get(name)
      if (list === undefined) members.set(name, [node])
      else list.push(node)
    }
  }
  const groups = [...members].map(([name, list]) => ({
    name,
    nodes: list.sort(byNeed),
    inNeed: list.filter(needsLook).length,
  }))
  return groups.sort(
    (one, other) => Number(other.inNeed > 0) - Number(one.inNeed > 0) || compare(one.name, other.name),
  )
}

/** True for a node that somebody should look at: not alive, or with an app or a device that does not do its work. */
export function needsLook(node: NodeStatus): boolean {
  return (
    isAway(node) || node.apps.some(appIsInTrouble) || node.devices.some(({ health }) => health !== undefined)
  )
}

/** Not alive, and not gone on purpose. */
export function isAway({ state }: NodeStatus): boolean {
  return state !== 'alive' && state !== 'left'
}

function byNeed(one: NodeStatus, other: NodeStatus): number {
  return rankOf(one) - rankOf(other) || compare(one.name, other.name) || compare(one.id, other.id)
}

function rankOf(node: NodeStatus): number {
  return order.indexOf(node.state) * 2 - (needsLook(node) || node.slow === true ? 1 : 0)
}

/** By code points, as everybody's locale sorts otherwise; numbers in names count as numbers: `hall-2` before `hall-10`. */
function compare(one: string, other: string): number {
  const parts = one.match(/\d+|\D+/g) ?? []
  const others = other.match(/\d+|\D+/g) ?? []
  for (const [index, part] of parts.entries()) {
    const theirs = others[index]
    if (theirs === undefined) return 1
    if (part === theirs) continue
    const difference = Number(part) - Number(theirs)
    if (!Number.isNaN(difference) && difference !== 0) return difference
    return part < theirs ? -1 : 1
  }
  return parts.length - others.length
}
