/** What a durable queue may refuse. */
import { defineProblems } from '../../core/index.ts'

export const queueProblems = defineProblems({
  ERR_QUEUE_FULL: {
    kind: 'system',
    text: 'a queue holds as much as it may, and takes nothing more until some of it was handled',
    fix: 'see why what takes from it is slow or fails; `selvedge events APP` shows an app’s events',
  },
  ERR_QUEUE_TOO_LARGE: {
    kind: 'user',
    text: 'something is larger than the queue takes',
    fix: 'send it in smaller pieces; the message has the limit',
  },
  ERR_QUEUE_NAME: {
    kind: 'system',
    text: 'a queue was asked for by a name that no queue can have',
    fix: 'please report the message',
  },
  ERR_QUEUE_CLOSED: {
    kind: 'system',
    text: 'the queue was closed while it was in use',
    fix: 'nothing to do: the node closes its queues when it stops, and what was acknowledged is on the disk',
  },
})
