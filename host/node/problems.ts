import { defineProblems } from '../../core/index.ts'

export const nodeProblems = defineProblems({
  ERR_DATA_STORE: {
    kind: 'user',
    text: 'an app has no store of that name',
    fix: 'see which there are with `selvedge data ls APP`',
  },
  ERR_APP_RUNS: {
    kind: 'user',
    text: 'data cannot be put back under an app that runs',
    fix: 'say --stop: the app is stopped here, and started again when its data is in place',
  },
  ERR_CALL_RESPONSE: {
    kind: 'user',
    text: 'the response to a request is too large to be handed over by the control API',
    fix: 'ask for it over HTTP, at the address that the node has with --http',
  },
  ERR_DATA_OWNER: {
    kind: 'user',
    text: 'the data folder belongs to another user',
    fix: 'run the node as the user who owns it, or choose another folder with --data DIR',
  },
  ERR_MEMORY_SHORT: {
    kind: 'user',
    text: 'the machine has less memory than the node is told to take',
    fix: 'write less under [limits] memory in the node’s TOML, or memory = "auto", which is half of what there is',
  },
  ERR_NODE_MEMBER: {
    kind: 'user',
    text: 'the data folder already belongs to a member of a mesh',
    fix: 'leave out --join to start that node, or give --data another folder for a new one',
  },
  ERR_NODE_NAME: {
    kind: 'user',
    text: 'the node has no usable name',
    fix: 'give it one with --name: lower-case letters, digits and dashes, a letter first',
  },
  ERR_NODE_GROUP: {
    kind: 'user',
    text: 'a group that the node should belong to has no usable name',
    fix: 'give --group lower-case letters, digits and dashes, a letter or digit first',
  },
  ERR_MEMBER_UNKNOWN: {
    kind: 'user',
    text: 'no member of the mesh, as this node knows it, has this id',
    fix: 'see the members with `selvedge status --json`',
  },
  ERR_APP_UNKNOWN: {
    kind: 'user',
    text: 'the node knows no release of this app',
    fix: 'see what it knows with `selvedge releases`',
  },
  ERR_RELEASE_UNKNOWN: {
    kind: 'user',
    text: 'the node does not hold the release that it was asked for',
    fix: 'see what it holds with `selvedge releases APP`',
  },
  ERR_PUBLISH_COMPONENT: {
    kind: 'user',
    text: 'the record names a component that this node does not have',
    fix: 'publish again with `selvedge publish`, which hands the component over first',
  },
  ERR_HEARTBEAT_OVERDUE: {
    kind: 'remote',
    text: 'no heartbeat of an admin has come for longer than was promised: news may be kept from this node',
    fix: 'sign one with `selvedge trust heartbeat`; where that has been done, look at what stands between this node and the others',
  },
  ERR_HEARTBEAT_BEHIND: {
    kind: 'remote',
    text: 'an admin has seen newer trust or other releases than have come to this node since',
    fix: 'connect this node with other members; compare `selvedge releases` with a node that is up to date',
  },
  ERR_NODE_ISOLATED: {
    kind: 'system',
    text: 'this node is cut off from most of its mesh',
    fix: 'nothing is lost: apps go on, and it catches up when the network is back; `selvedge network on` where it was switched off',
  },
})
