/** How much of its mesh a node reaches. */
import type { NodeStatus } from '../../api/index.ts'
import type { Check, Finding } from '../contract.ts'

/** @param others members of the mesh but this node */
export function judgePeers(others: readonly NodeStatus[], self: NodeStatus | undefined): readonly Finding[] {
  if (others.length === 0)
    return [{ level: 'fine', what: 'it is a mesh of one node; selvedge invite lets others in' }]
  const expected = others.filter(({ state }) => state !== 'left')
  const alive = expected.filter(({ state }) => state === 'alive')
  const what = `${alive.length} of ${expected.length} other nodes are alive`
  if (alive.length === expected.length) return [{ level: 'fine', what }]
  const names = expected
    .filter(({ state }) => state !== 'alive')
    .slice(0, 5)
    .map(({ name, state }) => `${name} ${state}`)
  const fix = 'see selvedge why NODE for who last heard what of it'
  if (self?.state === 'isolated' || alive.length === 0) {
    const what2 = `it reaches ${alive.length} of ${expected.length} other nodes`
    return [
      {
        level: 'wrong',
        code: 'ERR_DOCTOR_PEERS',
        what: what2,
        fix: `look at this node’s own line first; ${fix}`,
      },
    ]
  }
  return [{ level: 'note', what: `${what}: ${names.join(', ')}`, fix }]
}

export const peersCheck: Check = {
  name: 'peers',
  summary: 'how much of the mesh it reaches',
  async run({ node }) {
    if (node === null) return [{ level: 'fine', what: 'not asked, as no daemon runs' }]
    const { nodes, self } = node.status
    return judgePeers(
      nodes.filter(({ id }) => id !== self.id),
      nodes.find(({ id }) => id === self.id),
    )
  },
}
