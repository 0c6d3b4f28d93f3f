/** What can be wrong with a grant. */
import { defineProblems } from '../../core/index.ts'

export const interfaceProblems = defineProblems({
  ERR_GRANT: {
    kind: 'user',
    text: 'a grant cannot be understood',
    fix: 'write a grant as KIND:NAME, for example sensor:light or pin:led',
  },
})
