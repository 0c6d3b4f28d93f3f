/** The public face of threads for sandboxes: what can be started before the engine is. */
export { lastGoodSuffix, startFirstThread } from './first-thread.ts'
export { startThread, type IdleThread } from './thread.ts'
