/**
 * One message of a topic handed to a file by hand, as its trigger would: what it sends and replies is collected instead of
 * sent, as nobody is there to have it.
 */
import { isSelvedgeError, systemClock } from '../../core/index.ts'
import { WitError, type Sandbox } from '../engine/index.ts'
import { messagingHandlerId } from '../guest/index.ts'
import { checkMessage, type NewMessage } from '../messages/index.ts'
import { endOf, interruption, type CommandEnd } from './command.ts'
import type { RunRequest } from './contract.ts'
import { openLocalApp } from './local-app.ts'
import { runProblems } from './problems.ts'
import { TopicsByHand, type SaidMessage } from './topics-by-hand.ts'

export interface TopicRequest extends RunRequest {
  /** Absolute, of `file`. */
  readonly path: string
  readonly message: Pick<NewMessage, 'topic' | 'body' | 'key' | 'contentType'>
  /** Aborted when it is to end, on Ctrl-C for instance. */
  readonly signal: AbortSignal
}

export interface TopicRun {
  /** What the program answered of its own: `error` where it refused the message. */
  readonly end: CommandEnd
  /** The value of its own error; undefined where it handled the message, or ended otherwise. */
  readonly refused: unknown
  readonly said: readonly SaidMessage[]
  readonly tookMs: number
}

/** @throws what `openLocalApp` throws; ERR_RUN_OPTION, ERR_NO_MESSAGE_HANDLER */
export async function runTopic(request: TopicRequest): Promise<TopicRun> {
  const { message, file, signal } = request
  requireMessage(message)
  const byHand = new TopicsByHand()
  const { said } = byHand
  const interrupted = interruption(signal)
  const opening = openLocalApp({ ...request, topics: byHand.topics }, request.path, [], signal)
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
  const handed = { topic, contentType: contentType ?? undefined, data: body, metadata }
  const fromMs = systemClock.monotonicMs()
  let refused: unknown
  let sandbox: Sandbox | null = null
  const run = async (): Promise<CommandEnd> => {
    try {
      const replyTo = await byHand.ask(message)
      const output = (_: string, line: string): void => request.tell(line)
      sandbox = await app.engine.start({ ...app.start, output })
      await sandbox.call(`${messagingHandlerId}#handle`, [{ ...handed, replyTo }])
      await sandbox.stop()
      return { kind: 'exited', status: 0 }
    } catch (error) {
      await sandbox?.stop()
      if (error instanceof WitError) refused = error.payload ?? null
      return endOf(error, (await sandbox?.ended) ?? null)
    }
  }
  const end = await Promise.race([run(), interrupted])
  byHand.close()
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

function noHandler(file: string, exports: readonly string[]): Error {
  const has = exports.length === 0 ? 'it exports nothing' : `it exports ${exports.slice(0, 8).join(', ')}`
  return runProblems.error(
    'ERR_NO_MESSAGE_HANDLER',
    `${file} exports no wasi:messaging/incoming-handler; ${has}`,
  )
}
