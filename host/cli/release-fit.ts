/**
 * On which nodes a release can run, and which of its components each would take: what its publisher reads before it is
 * signed away. From the last words of every member, so also of those that are away.
 */
import type { ReleaseRecord } from '../../mesh/index.ts'
import type { NodeStatus, StatusReport } from '../api/index.ts'
import { plain } from './text.ts'
import { namesText } from './why-votes.ts'

export interface ReleaseFit {
  /** Members of its groups whose machines are known. */
  readonly nodes: number
  readonly able: number
  readonly unfit: readonly { readonly names: readonly string[]; readonly lacks: readonly string[] }[]
  /** How many nodes take which component, the best first; null is the component itself. */
  readonly chosen: readonly { readonly variant: string | null; readonly nodes: number }[]
  /** What its memory can ever grow to, bytes, where that is less than its limit and some node has no room for that. */
  readonly enoughBytes: number | null
}

/** @returns null where the node that was asked is of before, and does not say what nodes have */
export async function releaseFit(
  record: ReleaseRecord,
  { nodes }: Pick<StatusReport, 'nodes'>,
): Promise<ReleaseFit | null> {
  const { fitted, misfits } = await import('../fit/index.ts')
  const meant = nodes.filter(
    ({ state, groups }) =>
      state !== 'left' &&
      (record.groups.length === 0 || groups.some((group) => record.groups.includes(group))),
  )
  const known = meant.flatMap((node) => {
    const { name, arch, platform, features, machine } = node
    if (platform === undefined || features === undefined) return []
    return [{ name: plain(name), machine: { arch, platform, features, machine } }]
  })
  if (known.length === 0) return null
  const unfit = new Map<string, { names: string[]; lacks: readonly string[] }>()
  const chosen = new Map<string | null, number>()
  for (const { name, machine } of known) {
    const lacks = misfits(record, machine)
    if (lacks.length === 0) {
      const { variant } = fitted(record, machine)
      chosen.set(variant, (chosen.get(variant) ?? 0) + 1)
      continue
    }
    const alike = unfit.get(lacks.join()) ?? { names: [], lacks }
    alike.names.push(name)
    unfit.set(lacks.join(), alike)
  }
  const order = [...(record.variants ?? []).map((variant) => variant.name), null]
  return {
    nodes: known.length,
    able: [...chosen.values()].reduce((sum, count) => sum + count, 0),
    unfit: [...unfit.values()],
    chosen: order.map((variant) => ({ variant, nodes: chosen.get(variant) ?? 0 })),
    enoughBytes: enoughOf(record, [...unfit.values()]),
  }
}

function enoughOf({ memory, limits }: ReleaseRecord, unfit: ReleaseFit['unfit']): number | null {
  const { maxBytes = Infinity } = memory ?? {}
  const isTight = unfit.some(({ lacks }) => lacks.some((need) => need.startsWith('memory:')))
  return isTight && maxBytes < limits.memoryBytes ? maxBytes : null
}

/** Nothing to say where every node can run it, and there is one component. */
export function fitLines({ nodes, able, unfit, chosen, enoughBytes }: ReleaseFit): string[] {
  const enough =
    enoughBytes === null
      ? []
      : [
          `  it can never use more memory than ${enoughBytes / 1024} KiB: say so under [limits] and it fits more nodes`,
        ]
  const fits =
    unfit.length === 0
      ? []
      : [`  fits: ${able} of ${nodes} nodes; ${unfitTexts(unfit).join('; ')}`, ...enough]
  if (chosen.length < 2) return fits
  const takes = chosen.map(({ variant, nodes: count }) => `${variant ?? 'the component itself'} on ${count}`)
  return [...fits, `  variants: ${takes.join(', ')}`]
}

/** `garage-1 and lobby-3 lack feature:simd`. */
export function unfitTexts(unfit: ReleaseFit['unfit']): string[] {
  return unfit.map(
    ({ names, lacks }) =>
      `${namesText(names)} ${names.length === 1 ? 'lacks' : 'lack'} ${lacks.map(plain).join(', ')}`,
  )
}

/** What a status says of nodes that cannot run an app, those that lack the same together, by name. */
export function unfitOf(
  placement: NonNullable<StatusReport['placements']>[number] | undefined,
  nodes: readonly Pick<NodeStatus, 'id' | 'name'>[],
): ReleaseFit['unfit'] {
  const names = new Map(nodes.map(({ id, name }) => [id, name]))
  const alike = new Map<string, { names: string[]; lacks: readonly string[] }>()
  for (const { node, lacks } of placement?.unfit ?? []) {
    const those = alike.get(lacks.join()) ?? { names: [], lacks }
    those.names.push(plain(names.get(node) ?? `…${node.slice(-8)}`))
    alike.set(lacks.join(), those)
  }
  return [...alike.values()]
}
