/** Typed events. A listener that throws is a bug of the listener: it is logged and the others still hear. */
import { messageOf, type Cancel, type Log } from '../../core/index.ts'

export class Emitter<Events extends object> {
  readonly #log: Log
  readonly #listeners = new Map<keyof Events, Set<(detail: never) => void>>()

  constructor(log: Log) {
    this.#log = log
  }

  on<Name extends keyof Events>(event: Name, run: (detail: Events[Name]) => void): Cancel {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(run)
    return () => listeners.delete(run)
  }

  emit<Name extends keyof Events>(event: Name, detail: Events[Name]): void {
    for (const run of Array.from(this.#listeners.get(event) ?? [])) {
      try {
        ;(run as (detail: Events[Name]) => void)(detail)
      } catch (error) {
        this.#log.error('listener:threw', { event: String(event), error: messageOf(error) })
      }
    }
  }
}
