/** What can go wrong between the nodes that share a store. */
import { defineProblems } from '../../core/index.ts'

export const replicasProblems = defineProblems({
  ERR_GROUP_CLOCK_AHEAD: {
    kind: 'system',
    text: 'a clock is more than a minute ahead of the other nodes’ clocks of the group',
    fix: 'set the clock of that node (NTP); until then its writes count as written a minute ahead of the others',
  },
  ERR_GROUP_STORE_FULL: {
    kind: 'user',
    text: 'a group’s store takes no more from other nodes, as this node may not hold more',
    fix: 'let the app delete what it no longer needs; or ask for more with [limits.keyvalue] in its selvedge.toml, within what [storage] of the node’s TOML allows',
  },
  ERR_GROUP_STORE_LIVES: {
    kind: 'user',
    text: 'nodes that share a group’s store were started so often that they will soon no longer bring each other up to date',
    fix: 'find out which node is started again and again; and publish the app by another name, which begins a store of its own, and copy its entries there',
  },
  ERR_GROUP_STORE_FAILED: {
    kind: 'system',
    text: 'a group’s store is not brought up to date',
    fix: 'see the message; it is tried again by itself, and what was acknowledged before is kept',
  },
  ERR_REPLICA_MESSAGE: {
    kind: 'remote',
    text: 'a node of the group said something about a shared store that is no message',
    fix: 'update the node that the message names; if it is up to date, find out who runs it',
  },
})
