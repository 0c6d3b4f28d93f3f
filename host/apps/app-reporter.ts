/** What a node says about one app as things happen to it: to its owner in the node's log, to its author in the app's. */
import { messageOf, type Log } from '../../core/index.ts'
import type { ReleaseRecord } from '../../mesh/index.ts'
import type { AppLog } from './app-log.ts'
import type { AppEvent } from './app-state.ts'
import type { Reason, Verdict } from './release.ts'

export class AppReporter {
  readonly #app: string
  readonly #log: Log
  readonly #appLog: AppLog

  constructor(app: string, log: Log, appLog: AppLog) {
    this.#app = app
    this.#log = log
    this.#appLog = appLog
  }

  running({ version }: ReleaseRecord, instance: number): void {
    this.#log.info('app:running', { app: this.#app, version, instance })
  }

  /** A release that is not brought up now, or ever. */
  judged({ version }: ReleaseRecord, verdict: Verdict): void {
    if (verdict.may === 'run') return
    const event = verdict.may === 'wait' ? 'app:waiting' : 'app:refused'
    this.#log.warn(event, { app: this.#app, version, ...verdict.reason })
  }

  /** It runs in a process of its own from now on. */
  suspected({ version }: ReleaseRecord, { code, message }: Reason): void {
    this.#log.warn('app:suspected', { app: this.#app, version, code, message })
    this.#appLog.add({ app: this.#app, version, level: 'error', context: 'node', message })
  }

  /** @param retryInMs when something is tried again, or null */
  failed(event: AppEvent, retryInMs: number | null): void {
    // A stop is our own doing, or follows a failure that was told.
    if (!('reason' in event) || event.reason.code === 'ERR_APP_STOPPED') return
    const { code, message } = event.reason
    const retry = retryInMs === null ? {} : { retryInMs: Math.round(retryInMs) }
    this.#log.warn(`app:${event.type}`, { app: this.#app, code, message, ...retry })
  }

  /** The app answered an event with its own error. */
  eventFailed(version: string, id: number, payload: unknown): void {
    const message = `event ${id} was answered with an error: ${payloadText(payload)}`
    this.#appLog.add({ app: this.#app, version, level: 'warn', context: 'node', message })
  }

  /** An event that was promised to be handled is a dead letter. */
  eventDied(version: string, id: number, why: string): void {
    const message = `event ${id} was given up after its last attempt, see \`selvedge events ${this.#app} --dead\`: ${why}`
    this.#appLog.add({ app: this.#app, version, level: 'error', context: 'node', message })
  }

  /** What the queue of events on the disk says; nothing that was taken is lost. */
  queueFailed(error: unknown): void {
    this.#log.warn('events:queue', { app: this.#app, error: messageOf(error) })
  }

  /** The app answered a request with its own error, or with none at all. */
  requestFailed(version: string, message: string): void {
    this.#appLog.add({ app: this.#app, version, level: 'warn', context: 'node', message })
  }

  triggerFailed(code: string, message: string): void {
    this.#log.warn('trigger:failed', { app: this.#app, code, message })
  }

  /** Something that must be on the disk is not; the app goes on. */
  notWritten(what: string, error: unknown): void {
    this.#log.error('app:not-written', { app: this.#app, what, error })
  }
}

const maxPayloadChars = 1_000

/** Of any WIT type, as a guest chooses: a record may have a field that is called as a method of objects is. */
export function payloadText(payload: unknown): string {
  if (typeof payload === 'string') return payload
  const json = JSON.stringify(payload, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  return (json ?? 'nothing').slice(0, maxPayloadChars)
}
