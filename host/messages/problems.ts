/** What can be wrong with messages and topics. */
import { defineProblems } from '../../core/index.ts'

export const messageProblems = defineProblems({
  ERR_MESSAGE_TOPIC: {
    kind: 'user',
    text: 'a message names a topic that no topic can have as its name',
    fix: 'use small letters, digits and "-", a letter first, in up to 8 parts with "/" between them, as shop/door',
  },
  ERR_MESSAGE_TOO_LARGE: {
    kind: 'user',
    text: 'a message, its key or its metadata is larger than a node takes',
    fix: 'send it in pieces, or put it into a blob store and send its name',
  },
  ERR_MESSAGE_INVALID: {
    kind: 'user',
    text: 'a message is not what a message has to be',
    fix: 'correct what the message names',
  },
  ERR_MESSAGES_FULL: {
    kind: 'system',
    text: 'the journal of messages is full, so that no more can be published until some of it has gone',
    fix: 'see `selvedge topics` for whom they wait; raise [messages] size and items, or choose when-full = "drop-oldest", in the node’s TOML',
  },
  ERR_MESSAGES_SUBSCRIPTIONS: {
    kind: 'user',
    text: 'a node has no room for another subscription',
    fix: 'subscribe with fewer triggers, or run some of the apps on other nodes',
  },
  ERR_REQUEST_UNHEARD: {
    kind: 'remote',
    text: 'nobody is there who could answer a request',
    fix: 'see with `selvedge topics` who hears the topic and how far it goes; the app that answers has to run, be granted it under subscribe, and have a message trigger for it',
  },
  ERR_REQUEST_TIMEOUT: {
    kind: 'remote',
    text: 'a request was handed over, and nobody answered it in time',
    fix: 'see the log of the app that hears the topic: it answers with wasi:messaging/request-reply; give it more time with set-timeout-ms',
  },
  ERR_REQUEST_OVER: {
    kind: 'remote',
    text: 'nobody waits for a reply any more',
    fix: 'nothing to do: whoever asked has enough replies, gave up, or is not reached; answer sooner',
  },
  ERR_REQUESTS_FULL: {
    kind: 'system',
    text: 'as many requests wait for replies as may wait',
    fix: 'ask less at once, or with shorter timeouts',
  },
  ERR_MESSAGES_CLOSED: {
    kind: 'system',
    text: 'the node stops, and takes no more messages',
    fix: 'nothing to do: what was published before is on the disk and goes on its way after the next start',
  },
  ERR_MESSAGES_UNUSABLE: {
    kind: 'system',
    text: 'a journal of messages cannot be opened, so that nothing can be published or received',
    fix: 'see the message; move the file that it names away to begin with an empty journal, or bring the node up to date, and start the node again',
  },
  ERR_MESSAGES_DAMAGED: {
    kind: 'system',
    text: 'something in the journal of messages cannot be read',
    fix: 'the message is left out and counted; check the disk it is on',
  },
})
