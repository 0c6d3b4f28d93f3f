/** A rule of placement in words, as people read it before they sign and in `apps`. */
import type { PlacementRule } from '../../mesh/index.ts'
import { ageText, countText, plain } from './text.ts'

/** `2 nodes of each group that have arch:arm64; stand-in after 30 s`; empty where nothing differs from the usual. */
export function placementText(rule: PlacementRule): string {
  const { replicas, per = 'group', needs = [], everyGroup, replaceAfterMs, minority, stableNames } = rule
  const where = per === 'mesh' ? 'of the mesh' : 'of each group'
  const nodes = replicas === undefined ? [] : [`${countText(replicas, 'node')} ${where}`]
  const having = needs.length === 0 ? [] : [`with ${needs.map(plain).join(', ')}`]
  return [
    ...(nodes.length + having.length === 0 ? [] : [[...nodes, ...having].join(' ')]),
    ...(everyGroup === true ? ['only when every group can run it'] : []),
    ...(replaceAfterMs === undefined ? [] : [`stand-in after ${ageText(replaceAfterMs)}`]),
    ...(minority === 'stop' ? ['stops in a part that is isolated'] : []),
    ...(stableNames === true ? ['replicas have names'] : []),
  ].join('; ')
}
