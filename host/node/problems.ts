import { defineProblems } from '../../core/index.ts'

export const nodeProblems = defineProblems({
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
  ERR_PUBLISH_COMPONENT: {
    kind: 'user',
    text: 'the record names a component that this node does not have',
    fix: 'publish again with `selvedge publish`, which hands the component over first',
  },
  ERR_NODE_ISOLATED: {
    kind: 'system',
    text: 'this node is cut off from most of its mesh',
    fix: 'nothing is lost: apps go on, and it catches up when the network is back; `selvedge network on` where it was switched off',
  },
})
