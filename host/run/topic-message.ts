/**
 * One message of a topic handed to a file by hand, as its trigger would: what it sends and replies is collected instead of
 * sent, as nobody is there to have it.
 */
import { isSelvedgeError, systemClock, systemRandom } from '../../core/index.ts'
import { WitError, type Sandbox } from '../engine/index.ts'
import { messagingHandlerId } from '../guest/index.ts'
import { checkMessage, localTopics, type NewMessage, type NewReply } from '../messages/index.ts'
import type { AppContext } from '../interfaces/index.ts'
import { endOf, interruption, type CommandEnd } from './command.ts'
import type { RunRequest } from './contract.ts'
import { openLocalApp } from './local-app.ts'
import { runProblems } from './problems.ts'

export interface TopicRequest extends RunRequest {
  /** Absolute, of `file`. */
  readonly path: string
  readonly message: Pick<NewMessage, 'topic' | 'body' | 'key' | 'contentType'>
  /** Aborted when it is to end, on Ctrl-C for instance. */
  readonly signal: AbortSignal
}

/** What the program said to others while it handled the message, in its order. */
export interface SaidMessage {
  /** null for a reply. */
  readonly topic: string | null
  readonly contentType: string | null
  readonly metadata: readonly (readonly [string, string])[]
  readonly body: Uint8Array
}

export interface TopicRun {
  /** What the program answered of its own: `error` where it refused the message. */
  readonly end: CommandEnd
  /** The value of its own error; undefined where it handled the message, or ended otherwise. */
  readonly refused: unknown
  readonly said: readonly SaidMessage[]
  readonly tookMs: number
}

/** What replies to the message name. */
const replyTo = 'by-hand'

/** @throws what `openLocalApp` throws; ERR_RUN_OPTION, ERR_NO_MESSAGE_HANDLER */
export async function runTopic(request: TopicRequest): Promise<TopicRun> {
  const { message, file, signal } = request
  requireMessage(message)
  const said: SaidMessage[] = []
  const interrupted = interruption(signal)
  const opening = openLocalApp({ ...request, topics: collecting(said) }, request.path, [], signal)
  const app = await Promise.race([opening, interrupted])
  if ('kind' in app) return { end: app, refused: undefined, said, tookMs: 0 }
  const target = app.prepared.facts.exports.find((name) =>
    name.startsWith('wasi:messaging/incoming-handler@'),
  )
  if (target === undefined) {
    await app.close()
    throw noHandler(file, app.prepared.facts.exports)
  }
  const { topic, body, contentType = null, key = null } = message
  const metadata = key === null ? [] : [['key', key]]
  const handed = { topic, contentType: contentType ?? undefined, data: body, metadata, replyTo }
  const fromMs = systemClock.monotonicMs()
  let refused: unknown
  let sandbox: Sandbox | null = null
  const run = async (): Promise<CommandEnd> => {
    try {
      const output = (_: string, line: string): void => request.tell(line)
      sandbox = await app.engine.start({ ...app.start, output })
      await sandbox.call(`${messagingHandlerId}#handle`, [handed])
      await sandbox.stop()
      return { kind: 'exited', status: 0 }
    } catch (error) {
      await sandbox?.stop()
      if (error instanceof WitError) refused = error.payload ?? null
      return endOf(error, (await sandbox?.ended) ?? null)
    }
  }
  const end = await Promise.race([run(), interrupted])
  const tookMs = systemClock.monotonicMs() - fromMs
  if (end.kind === 'interrupted') void app.close()
  else await app.close()
  return { end, refused, said, tookMs }
}

/** @throws ERR_RUN_OPTION */
function requireMessage(message: TopicRequest['message']): void {
  try {
    checkMessage(message)
  } catch (error) {
    if (!isSelvedgeError(error)) throw error
    throw runProblems.error('ERR_RUN_OPTION', `--topic ${error.message}`, { hint: error.hint, cause: error })
  }
}

/** Topics that nobody else hears: what is said there is kept in its order. */
function collecting(said: SaidMessage[]): ReturnType<AppContext['topics']> {
  const topics = localTopics(systemClock, systemRandom)
  const keep = (topic: string | null, { body, contentType = null, metadata = [] }: NewReply): void =>
    void said.push({ topic, contentType, metadata, body })
  return {
    async publish(message) {
      // Refused as a node would refuse it.
      const id = await topics.publish(message)
      keep(message.topic, message)
      return id
    },
    request: (message, terms) => topics.request(message, terms),
    async reply(to, reply) {
      if (to !== replyTo) return topics.reply(to, reply)
      keep(null, reply)
    },
  }
}

function noHandler(file: string, exports: readonly string[]): Error {
  const has = exports.length === 0 ? 'it exports nothing' : `it exports ${exports.slice(0, 8).join(', ')}`
  return runProblems.error(
    'ERR_NO_MESSAGE_HANDLER',
    `${file} exports no wasi:messaging/incoming-handler; ${has}`,
  )
}
