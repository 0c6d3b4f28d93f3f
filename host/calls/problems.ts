/** What can go wrong between a caller and an app that runs somewhere in the mesh. */
import { defineProblems } from '../../core/index.ts'

export const callProblems = defineProblems({
  ERR_CALL_APP: {
    kind: 'user',
    text: 'no release of that app is known here',
    fix: 'see `selvedge apps` for those that run, and `selvedge status` for those of other nodes',
  },
  ERR_CALL_NOWHERE: {
    kind: 'remote',
    text: 'no node that may be asked runs the app just now',
    fix: 'try again; `selvedge status` says where it should run and what it waits for',
  },
  ERR_CALL_SCOPE: {
    kind: 'user',
    text: 'the app may not be called from so far away',
    fix: 'call it on a node of its groups, or publish it with scope = "mesh" under [calls]',
  },
  ERR_CALL_NOT_HERE: {
    kind: 'remote',
    text: 'the node that was asked does not run the app',
    fix: 'nothing to do: another node is asked where there is one',
  },
  ERR_CALL_VALUE: {
    kind: 'user',
    text: 'an argument or a result cannot travel to another node',
    fix: 'pass values of WIT types below 4 MiB; resources and streams stay on their node',
  },
  ERR_CALL_MALFORMED: {
    kind: 'remote',
    text: 'a node asked for something that is no call',
    fix: 'run the same version of Selvedge on both nodes',
  },
})
