/** What can be wrong with a release's triggers. */
import { defineProblems } from '../../core/index.ts'

export const triggerProblems = defineProblems({
  ERR_TRIGGER_INVALID: {
    kind: 'user',
    text: 'a trigger of the release is not written as its kind wants it',
    fix: 'correct the named field under [[triggers]] in selvedge.toml and publish again',
  },
  ERR_TRIGGER_UNKNOWN: {
    kind: 'user',
    text: 'a trigger of the release is of a kind that this node does not have',
    fix: 'use one of the kinds the node has, or bring the node up to date',
  },
  ERR_TRIGGER_GRANT: {
    kind: 'user',
    text: 'a trigger needs something that the release is not granted',
    fix: 'add the named grant to selvedge.toml and publish again',
  },
  ERR_TRIGGER_HANDLER: {
    kind: 'user',
    text: 'the component exports no handler for one of its triggers',
    fix: 'export one of the named interfaces, or take the trigger out of selvedge.toml',
  },
  ERR_TRIGGER_READING: {
    kind: 'system',
    text: 'a trigger could not take its reading',
    fix: 'check the sensor; the trigger goes on by itself as soon as it answers',
  },
})
