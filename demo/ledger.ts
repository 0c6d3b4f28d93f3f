/**
 * The demo's bookkeeping: what the guests themselves logged about each event, and what that proves.
 *
 * light-alarm logs one line per event, `event 41: 312 lx, led on`. From those lines alone follows whether an
 * event was lost, handled twice, handled out of order, or decided by the wrong rule.
 */
import type { LogLine } from '../host/api/index.ts'

export interface HandledEvent {
  readonly id: number
  readonly version: string
  readonly value: number
  readonly unit: string
  readonly led: boolean
  readonly time: number
}

/** True when the LED should be lit for this value. */
export type Rule = (value: number, threshold: number) => boolean

const eventLine = /^event (\d+): (-?[\d.]+) (\S+), led (on|off)$/

/** @returns the event a log line tells of, or null for any other line. */
export function parseEventLine(line: LogLine): HandledEvent | null {
  const match = eventLine.exec(line.message)
  if (match === null) return null
  const [, id, value, unit, led] = match as unknown as [string, string, string, string, string]
  return {
    id: Number(id),
    version: line.version,
    value: Number(value),
    unit,
    led: led === 'on',
    time: line.time,
  }
}

/** The events of one node since its daemon started, in the order in which they were handled. */
export class EventLedger {
  readonly events: HandledEvent[] = []
  /** Position in the node's log up to which lines were read. */
  logSeq = 0
  readonly faults: string[] = []
  readonly #node: string

  constructor(node: string) {
    this.#node = node
  }

  /** A restarted daemon numbers its log anew and may jump ahead in event ids, never back. */
  restart(): void {
    this.logSeq = 0
    this.#restarted = true
  }

  add(line: LogLine): HandledEvent | null {
    this.logSeq = Math.max(this.logSeq, line.seq)
    const event = parseEventLine(line)
    if (event === null) return null
    const last = this.events.at(-1)
    if (last !== undefined) this.#compare(last, event)
    this.#restarted = false
    this.events.push(event)
    return event
  }

  /** Events that `version` handled. */
  of(version: string): HandledEvent[] {
    return this.events.filter((event) => event.version === version)
  }

  /** Events whose LED does not follow the rule their version stands for. Logged values are rounded to 0.1. */
  misjudged(rules: ReadonlyMap<string, Rule>, threshold: number): HandledEvent[] {
    return this.events.filter((event) => {
      const rule = rules.get(event.version)
      return (
        rule !== undefined &&
        Math.abs(event.value - threshold) > 0.1 &&
        rule(event.value, threshold) !== event.led
      )
    })
  }

  /** The longest time between two neighbouring events, one of which is at or after `from`; ms. */
  longestGapMs(from: number): number {
    let longest = 0
    for (let i = 1; i < this.events.length; i += 1) {
      const [before, after] = [this.events[i - 1], this.events[i]]
      if (before !== undefined && after !== undefined && after.time >= from) {
        longest = Math.max(longest, after.time - before.time)
      }
    }
    return longest
  }

  #restarted = false

  #compare(last: HandledEvent, event: HandledEvent): void {
    if (event.id <= last.id) {
      this.faults.push(
        `${this.#node}: event ${event.id} handled after event ${last.id}: twice or out of order`,
      )
    } else if (event.id > last.id + 1 && !this.#restarted) {
      this.faults.push(`${this.#node}: events ${last.id + 1} to ${event.id - 1} were lost`)
    }
  }
}
