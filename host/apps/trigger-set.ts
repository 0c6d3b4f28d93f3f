/**
 * The running triggers of one app. A switch to another release leaves those running that both have, so that a
 * sensor keeps its rhythm through a swap.
 */
import type { PlannedTrigger, RunningTrigger, TriggerContext } from '../triggers/index.ts'

export class TriggerSet {
  #running = new Map<string, RunningTrigger>()

  /** Stops what `planned` does not have, starts what it adds. */
  replace(planned: readonly PlannedTrigger[], contextOf: (trigger: PlannedTrigger) => TriggerContext): void {
    const before = this.#running
    this.#running = new Map()
    for (const trigger of planned) {
      const kept = before.get(trigger.key)
      before.delete(trigger.key)
      if (this.#running.has(trigger.key)) continue
      this.#running.set(trigger.key, kept ?? trigger.start(contextOf(trigger)))
    }
    for (const trigger of before.values()) trigger.stop()
  }

  stop(): void {
    for (const trigger of this.#running.values()) trigger.stop()
    this.#running.clear()
  }
}
