/** Topics without a mesh and without a disk, for `selvedge run`: what is published is gone with the process. */
import { memoryFolder, silentLog, type Clock, type Random } from '../../core/index.ts'
import { memoryQueues } from '../queue/index.ts'
import type { Topics } from './contract.ts'
import { noDirectory } from './directory.ts'
import { openMessaging } from './opening.ts'

/** What may be in each of its journals. */
export const localSettings = {
  bytes: 16 * 1024 * 1024,
  items: 10_000,
  whenFull: 'refuse',
  keepMs: 0,
} as const

/** Opened when it is first used. */
export function localTopics(clock: Clock, random: Random): Topics {
  let opening: Promise<Topics> | null = null
  const open = (): Promise<Topics> => (opening ??= opened(clock, random))
  return {
    publish: async (message) => (await open()).publish(message),
    subscribe: async (name, topics, handle, options) =>
      (await open()).subscribe(name, topics, handle, options),
    forget: async (name) => (await open()).forget(name),
    request: async (message, terms) => (await open()).request(message, terms),
    reply: async (replyTo, reply, terms) => (await open()).reply(replyTo, reply, terms),
  }
}

async function opened(clock: Clock, random: Random): Promise<Topics> {
  const messaging = await openMessaging({
    self: 'local',
    queues: memoryQueues(clock),
    folder: memoryFolder(),
    settings: localSettings,
    directory: noDirectory,
    carrier: {
      isConnected: () => false,
      onConnected: () => () => {},
      deliver: () => Promise.reject(new Error('there is no mesh around it')),
    },
    clock,
    random,
    log: silentLog,
    topicsChanged() {},
  })
  await messaging.start()
  return messaging
}
