/** The public face of messages: topics, and what a node keeps of messages on their way. */
export { checkMessage } from './check.ts'
export {
  messageLimits,
  type Message,
  type NewMessage,
  type NewReply,
  type RequestTerms,
  type Topics,
} from './contract.ts'
export { MeshTopics } from './directory.ts'
export { localSettings, localTopics } from './local.ts'
export type { Messaging, MessageSettings } from './messaging.ts'
export { openMessaging } from './opening.ts'
export { messageProblems } from './problems.ts'
