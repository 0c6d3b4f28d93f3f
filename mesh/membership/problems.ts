import { defineProblems } from '../../core/index.ts'

export const membershipProblems = defineProblems({
  ERR_NODE_RECORD_STRANGER: {
    kind: 'remote',
    text: 'somebody passed on the record of a node that is no member',
    fix: 'nothing to do: the record was dropped; let the node in with `selvedge invite` if it should be one',
  },
  ERR_NODE_RECORD_RATE: {
    kind: 'remote',
    text: 'a member changes its record so often that others cannot follow',
    fix: 'look at that node with `selvedge logs`: an app or device there flaps',
  },
  ERR_NODE_RECORD_UNSAVED: {
    kind: 'system',
    text: 'the records of other nodes could not be written to the disk',
    fix: 'free some space; until then a restart with no peer may look for them at old addresses',
  },
  ERR_VOTE: {
    kind: 'remote',
    text: 'what a member said about who is alive is not signed as it must be, or cannot be read',
    fix: 'nothing to do: it was dropped; if it goes on, look at that node with `selvedge logs`, or revoke it',
  },
  ERR_DUPLICATE_IDENTITY: {
    kind: 'user',
    text: 'one identity runs on two machines: a data folder was copied',
    fix: 'stop one of the two, empty its data folder, and let it join with an invite of its own',
  },
})
