/** What can be wrong with a grant. */
import { defineProblems } from '../../core/index.ts'

export const interfaceProblems = defineProblems({
  ERR_GRANT_INVALID: {
    kind: 'user',
    text: 'a grant is not written as kind:name',
    fix: 'write it like "sensor:light" or "pin:led"',
  },
  ERR_GRANT_UNKNOWN: {
    kind: 'user',
    text: 'a grant is of a kind that opens nothing',
    fix: 'write one of the known kinds',
  },
})
