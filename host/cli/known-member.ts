/** The member that somebody means by a name or an id. */
import { nearestName } from '../../core/index.ts'
import type { ControlClient, NodeStatus } from '../api/index.ts'
import { cliProblems } from './problems.ts'
import { plain } from './text.ts'

/** @throws ERR_UNKNOWN_NODE, with the nearest name there is */
export async function memberCalled(
  client: Pick<ControlClient, 'status'>,
  wanted: string,
): Promise<NodeStatus> {
  const { nodes } = await client.status()
  const node = nodes.find(({ name, id }) => name === wanted || id === wanted)
  if (node !== undefined) return node
  const nearest = nearestName(
    wanted,
    nodes.map(({ name }) => name),
  )
  throw cliProblems.error('ERR_UNKNOWN_NODE', `no member is called ${plain(wanted.slice(0, 80))}`, {
    ...(nearest !== null && { hint: `did you mean ${plain(nearest)}?` }),
  })
}
