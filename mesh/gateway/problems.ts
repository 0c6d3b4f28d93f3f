/** What can go wrong at a gateway, and for who needs one. */
import { defineProblems } from '../../core/index.ts'

export const gatewayProblems = defineProblems({
  ERR_NO_GATEWAY: {
    kind: 'user',
    text: 'other members cannot connect to this node, and no gateway is there to lead them to it',
    fix: 'set `gateway = true` under [mesh] on a node that everybody can reach, or open a port and give it with --announce',
  },
  ERR_GATEWAY_FULL: {
    kind: 'remote',
    text: 'a gateway has no room for more nodes or connections',
    fix: 'nothing to do: another gateway is asked; where that is said often, give more nodes the role gateway',
  },
  ERR_GATEWAY_NO_PLACE: {
    kind: 'remote',
    text: 'a gateway was asked for a node that keeps no place with it',
    fix: 'nothing to do: the node tells of its gateways in its record, which may be on its way',
  },
  ERR_GATEWAY_UNANSWERED: {
    kind: 'remote',
    text: 'a node behind a gateway did not answer it',
    fix: 'nothing to do: other ways are tried; `selvedge status` shows whether the node is alive',
  },
  ERR_GATEWAY_REQUEST: {
    kind: 'remote',
    text: 'a gateway was asked for something that it does not do',
    fix: 'check that both nodes run this or the adjacent release',
  },
})
