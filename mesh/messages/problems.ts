/** What can go wrong with messages between two nodes. */
import { defineProblems } from '../../core/index.ts'

export const messagesProblems = defineProblems({
  ERR_MESSAGES_PROTOCOL: {
    kind: 'remote',
    text: 'the other node does not keep to the protocol of messages',
    fix: 'run the same version of Selvedge on both nodes',
  },
  ERR_MESSAGES_ENDLESS: {
    kind: 'remote',
    text: 'the other node sends more messages at once than nodes do',
    fix: 'run the same version of Selvedge on both nodes',
  },
  ERR_MESSAGES_UNHEARD: {
    kind: 'remote',
    text: 'the other node takes no messages just now',
    fix: 'nothing to do: they wait, and are sent again',
  },
})
