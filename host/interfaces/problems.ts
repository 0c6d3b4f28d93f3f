/** What can be wrong with a grant. */
import { defineProblems } from '../../core/index.ts'

export const interfaceProblems = defineProblems({
  ERR_GRANT: {
    kind: 'user',
    text: 'a grant cannot be understood',
    fix: 'write a grant as KIND:NAME, for example sensor:light or pin:led',
  },
  ERR_NO_MESH: {
    kind: 'user',
    text: 'a program that runs by itself called another app',
    fix: 'publish it to a mesh: `selvedge up`, then `selvedge publish`',
  },
  ERR_LINK: {
    kind: 'user',
    text: 'an interface cannot be linked to another app',
    fix: 'give its functions parameters and results that are values: numbers, text, lists, records, variants',
  },
})
