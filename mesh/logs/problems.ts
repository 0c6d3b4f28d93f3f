/** What can go wrong with logs between two nodes. */
import { defineProblems } from '../../core/index.ts'

export const logsProblems = defineProblems({
  ERR_LOGS_PROTOCOL: {
    kind: 'remote',
    text: 'the other node does not keep to the protocol of logs',
    fix: 'run the same version of Selvedge on both nodes',
  },
  ERR_LOGS_UNANSWERED: {
    kind: 'remote',
    text: 'the other node gives out no logs just now',
    fix: 'try again in a moment; where it stays so, look on that node with `selvedge logs`',
  },
  ERR_LOGS_SEARCH: {
    kind: 'remote',
    text: 'a node has looked through as much of its logs for another as it does at once',
    fix: 'ask again in half a minute, for less: --since, or fewer lines at a time; on the node itself there is no such bound',
  },
})
