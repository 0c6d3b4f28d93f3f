/** What can go wrong with what is kept of logs. */
import { defineProblems } from '../../core/index.ts'

export const logProblems = defineProblems({
  ERR_LOGS_UNSAVED: {
    kind: 'system',
    text: 'what apps say cannot be written to the disk',
    fix: 'make room on the disk, or see that the folder `logs` in the data folder can be written; until then the newest lines are kept in memory',
  },
})
