/** What can be wrong with values that somebody wrote down. */
import { defineProblems } from '../../core/index.ts'

export const valueProblems = defineProblems({
  ERR_CALL_ARGUMENTS: {
    kind: 'user',
    text: 'the arguments are not those that the function takes',
    fix: 'write one value of its type for each parameter; `selvedge call APP` lists the functions with their types',
  },
})
