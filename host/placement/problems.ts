import { defineProblems } from '../../core/index.ts'

export const placementProblems = defineProblems({
  ERR_PLACEMENT_HELD: {
    kind: 'user',
    text: 'the release waits, as a rule of its placement cannot be met',
    fix: 'add nodes that have what it needs, or publish it with another [placement]; what ran before runs on',
  },
})
