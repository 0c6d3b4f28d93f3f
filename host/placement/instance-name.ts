/** Names of replicas, which stay with the place: whoever stands in for a node takes its name over. */
import { noGroup, type Rule } from './rule.ts'

/**
 * `thermo-0` where places are of the whole mesh, `thermo-lobby-0` where they are of a group; where every node has a place
 * of its own, a newcomer must not rename the others: `thermo-lobby-1`, with the node's name.
 */
export function instanceName(
  { app, replicas }: Pick<Rule, 'app' | 'replicas'>,
  scope: string,
  index: number,
  node: string,
): string {
  if (replicas === null) return `${app}-${node}`
  return scope === noGroup ? `${app}-${index}` : `${app}-${scope}-${index}`
}
