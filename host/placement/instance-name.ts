/** Names of replicas, which stay with the place: whoever stands in for a node takes its name over. */
import { noGroup, type Rule } from './rule.ts'

/** `thermo-0` where places are of the whole mesh, `thermo-lobby-0` where they are of a group. */
export function instanceName({ app }: Pick<Rule, 'app'>, scope: string, index: number): string {
  return scope === noGroup ? `${app}-${index}` : `${app}-${scope}-${index}`
}
