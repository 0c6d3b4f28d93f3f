/** Who may change who may do what, and what the loss of a key would mean. */
import type { Check } from '../contract.ts'

export const trustCheck: Check = {
  name: 'trust',
  summary: 'keys that the mesh depends on',
  async run({ node }) {
    if (node === null) return [{ level: 'fine', what: 'not asked, as no daemon runs' }]
    const { threshold, roots, version } = node.trust
    const what = `${threshold} of ${roots.length} root keys sign a change of trust, which is at version ${version}`
    if (roots.length > threshold) return [{ level: 'fine', what }]
    return [
      {
        level: 'note',
        what: `${what}: if ${roots.length === 1 ? 'it is' : 'one of them is'} lost, nobody can be added or removed any more`,
        fix: 'add another with selvedge trust add-root, and keep it elsewhere; apps run on whatever happens to keys',
      },
    ]
  },
}
