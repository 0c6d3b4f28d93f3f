/**
 * What the control API says of an app's events that must be handled at least once, and does with those given up; and the
 * same of messages for a broker, where `bridge/NAME` stands in the place of the app.
 */

export const eventRoutes = {
  /** ?app= : EventReport */
  events: 'GET /v1/events',
  /** body: an EventIntent ; answers with an EventReceipt when the disk knows */
  change: 'POST /v1/events',
} as const

/** Shown of each kind; of more the oldest. */
export const shownEvents = 200

export interface QueuedEvent {
  /** In the queue: what `replay` and `discard` name. */
  readonly item: number
  /** As the app sees it; null where what is on the disk cannot be read. */
  readonly id: number | null
  /** The kind of its trigger. */
  readonly kind: string
  readonly key: string | null
  /** How often it was handed over in vain. */
  readonly attempts: number
  /** Wall clock, ms. */
  readonly addedMs: number
  readonly sizeBytes: number
  /** What it says, as JSON, cut where it is long. */
  readonly payload: string
  readonly lastError: string | null
  /** When it was given up, by the wall clock, ms; absent where it waits. */
  readonly diedMs?: number
}

export interface EventReport {
  readonly app: string
  /** All there are, of which the oldest {@link shownEvents} are listed. */
  readonly counts: {
    readonly waiting: number
    readonly taken: number
    readonly dead: number
    readonly bytes: number
    readonly dropped: number
  }
  /** With those that are being handled. */
  readonly waiting: readonly QueuedEvent[]
  readonly dead: readonly QueuedEvent[]
}

export interface EventIntent {
  readonly app: string
  readonly action: 'replay' | 'discard'
  /** Of dead letters. */
  readonly items: readonly number[] | 'all'
}

export interface EventReceipt {
  readonly app: string
  readonly action: 'replay' | 'discard'
  /** How many of them there were. */
  readonly count: number
}

export interface EventDesk {
  /** @throws ERR_APP_UNKNOWN */
  report(app: string): Promise<EventReport>
  /** @throws ERR_APP_UNKNOWN, and what the disk says */
  change(intent: EventIntent): Promise<EventReceipt>
}
