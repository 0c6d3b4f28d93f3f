import { defineProblems } from '../../core/index.ts'

export const membershipProblems = defineProblems({
  ERR_NODE_RECORD_STRANGER: {
    kind: 'remote',
    text: 'somebody passed on the record of a node that is no member',
    fix: 'nothing to do: the record was dropped; let the node in with `selvedge invite` if it should be one',
  },
  ERR_DUPLICATE_IDENTITY: {
    kind: 'user',
    text: 'one identity runs on two machines: a data folder was copied',
    fix: 'stop one of the two, empty its data folder, and let it join with an invite of its own',
  },
})
