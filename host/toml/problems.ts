/** What can be wrong with a TOML file that a person wrote. */
import { defineProblems } from '../../core/index.ts'

export const tomlProblems = defineProblems({
  ERR_TOML: {
    kind: 'user',
    text: 'a TOML file does not say what it should',
    fix: 'correct the named lines and run the command again; nothing was changed',
  },
  ERR_UNIT: {
    kind: 'user',
    text: 'a duration or a size cannot be understood',
    fix: 'write a number and its unit, for example 200ms, 1.5s, 5min or 64 KiB, 1 MiB',
  },
})
