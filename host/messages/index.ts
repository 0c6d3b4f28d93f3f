/** The public face of messages: topics, and what a node keeps of messages on their way. */
export { messageLimits, type Message, type NewMessage, type Topics } from './contract.ts'
export { MeshTopics } from './directory.ts'
export { localTopics } from './local.ts'
export { openMessaging, type Messaging, type MessageSettings } from './messaging.ts'
export { messageProblems } from './problems.ts'
