import { defineProblems } from '../../core/index.ts'

export const fitProblems = defineProblems({
  ERR_MACHINE_UNFIT: {
    kind: 'user',
    text: 'a machine cannot give what a release needs',
    fix: 'run it on a larger machine, lower `memory` under [limits] in selvedge.toml, or publish a variant that needs less',
  },
  ERR_FITS_NOWHERE: {
    kind: 'user',
    text: 'no node that a release is for can run it',
    fix: 'let a node in that has what it needs, or publish a component that needs less; selvedge status --json has what each node gives',
  },
  ERR_VARIANT: {
    kind: 'user',
    text: 'a variant is no other build of the same app',
    fix: 'build both from the same world: the same exports, and no import that the component itself lacks',
  },
})
