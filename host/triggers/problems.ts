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
  ERR_TRIGGER_SOURCE: {
    kind: 'system',
    text: 'a trigger listens to something that this node does not have',
    fix: 'give the node what the message names, or place the app on nodes that have it',
  },
  ERR_TRIGGER_CLOCK: {
    kind: 'system',
    text: 'a trigger goes by the time of day, and the clock of this node was never set',
    fix: 'let the node reach a time server, or set its clock; the trigger goes on by itself',
  },
  ERR_TRIGGER_EVENT: {
    kind: 'system',
    text: 'an event of a trigger could not be put into the app’s queue',
    fix: 'see `selvedge events APP` for what fills the queue, and the disk for room',
  },
  ERR_TRIGGER_MISSED: {
    kind: 'system',
    text: 'a trigger could not tell of everything that changed',
    fix: 'let the app look at the store itself for what is missing; a handler that is faster, or `concurrency`, keeps up with more',
  },
  ERR_TRIGGER_MEMORY: {
    kind: 'system',
    text: 'a trigger wants to keep more than it may',
    fix: 'please report the message',
  },
})
