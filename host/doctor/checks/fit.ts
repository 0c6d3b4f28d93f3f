/** What this machine can run: its tier, what its engine lacks, what an app may have, and the apps that are not here for it. */
import { loadNodeConfig } from '../../config/index.ts'
import { knownFeatures, supportedFeatures } from '../../engine/index.ts'
import { measureCapabilities, tierText, type Capabilities, type Tier } from '../../fit/index.ts'
import type { Check, Finding, NodeFacts } from '../contract.ts'

/** What would give a machine what it lacks. */
function adviceOn(lacks: readonly string[]): string {
  if (lacks.some((need) => need.startsWith('feature:component-model-async')))
    return 'run this node with Node.js 24 or later, or build the app for WASI 0.2'
  if (lacks.some((need) => need.startsWith('feature:')))
    return 'nothing has to be done: it runs elsewhere. To have it here too, publish a variant without it, or use a newer Node.js'
  if (lacks.some((need) => need.startsWith('memory:')))
    return 'nothing has to be done: it runs elsewhere. To have it here too, lower `memory` under [limits] in selvedge.toml'
  return 'nothing has to be done: it runs elsewhere'
}

/** @param capabilities of this machine, as the node says or as it is found now */
export function judgeMachine({ arch, features, machine = {} }: Capabilities): readonly Finding[] {
  const { bits, tier, appMemoryBytes, memoryBytes } = machine
  const what = [
    `${arch}${bits === undefined ? '' : `, ${bits} bits`}`,
    ...(tier === undefined ? [] : [tierText[tier as Tier] ?? `tier ${tier}`]),
    ...(appMemoryBytes === undefined || memoryBytes === undefined
      ? []
      : [`an app may have ${mib(appMemoryBytes)} of ${mib(memoryBytes)} MiB`]),
  ].join('; ')
  const missing = knownFeatures.filter((feature) => !features.includes(feature))
  if (missing.length === 0) return [{ level: 'fine', what }]
  return [{ level: 'fine', what: `${what}; WebAssembly without ${missing.join(', ')}` }]
}

/** Apps of this node's groups that it cannot run. */
export function judgeUnfit({ status }: Pick<NodeFacts, 'status'>): readonly Finding[] {
  const { self, placements = [] } = status
  return placements.flatMap(({ app, version, unfit = [] }) => {
    const lacks = unfit.find(({ node }) => node === self.id)?.lacks
    if (lacks === undefined) return []
    const what = `${app} ${version} is not run here: this machine lacks ${lacks.join(', ')}`
    return [{ level: 'note' as const, what, fix: adviceOn(lacks) }]
  })
}

function mib(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2)
}

export const fitCheck: Check = {
  name: 'fit',
  summary: 'what this machine can run, and what not',
  async run({ node, config }) {
    if (node === null) {
      // What is wrong with the file is another check's to say.
      const without = await loadNodeConfig(config).then(
        ({ engine }) => engine.without,
        () => [],
      )
      const measured = measureCapabilities({ features: supportedFeatures(), without })
      const { machine: { bits, tier } = {}, ...rest } = measured
      // What of its memory is for apps is another check's to say.
      return judgeMachine({ ...rest, machine: { bits, tier } })
    }
    const { self, nodes } = node.status
    const own = nodes.find(({ id }) => id === self.id)
    const found = measureCapabilities({ features: supportedFeatures() })
    const { features = found.features, machine = found.machine, arch = found.arch } = own ?? {}
    return [...judgeMachine({ ...found, arch, features, machine }), ...judgeUnfit(node)]
  },
}
