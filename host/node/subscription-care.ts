/**
 * Lets go of subscriptions that no app of this node has any more, with what waits for them: an app that was withdrawn, or
 * a release that hears a topic no longer. Not at once, as an app may be on its way back from another node.
 */
import { every, messageOf, type Cancel, type Clock, type Log, type Part } from '../../core/index.ts'
import type { Mesh } from '../../mesh/index.ts'
import type { AppSupervisor } from '../apps/index.ts'
import type { Messaging } from '../messages/index.ts'
import { subscriptionName } from '../triggers/index.ts'

/** Of this node's own running: what it was off for does not count. */
const abandonedMs = 3_600_000
const lookEveryMs = 60_000

export interface SubscriptionCareNeeds {
  readonly messaging: Pick<Messaging, 'subscriptions' | 'isRead' | 'forget'>
  readonly mesh: { readonly releases: Pick<Mesh['releases'], 'desired'> }
  readonly apps: Pick<AppSupervisor, 'status'>
  readonly clock: Clock
  readonly log: Log
}

export class SubscriptionCare implements Part {
  readonly name = 'subscriptions'
  readonly #needs: SubscriptionCareNeeds
  /** Since when nobody wants it, monotonic ms. */
  readonly #unwanted = new Map<string, number>()
  #cancel: Cancel | null = null

  constructor(needs: SubscriptionCareNeeds) {
    this.#needs = needs
  }

  start(): void {
    this.#cancel ??= every(this.#needs.clock, lookEveryMs, () => this.look())
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  look(): void {
    const { messaging, clock, log } = this.#needs
    const wanted = this.#wanted()
    const now = clock.monotonicMs()
    for (const name of messaging.subscriptions) {
      // Those of bridges and listeners are their own business.
      if (!name.startsWith('app/') || wanted.has(name) || messaging.isRead(name)) {
        this.#unwanted.delete(name)
        continue
      }
      const sinceMs = this.#unwanted.get(name) ?? now
      this.#unwanted.set(name, sinceMs)
      if (now - sinceMs < abandonedMs) continue
      this.#unwanted.delete(name)
      log.info('messages:forgotten', { name })
      messaging.forget(name).catch((error: unknown) => {
        log.warn('messages:kept', { name, error: messageOf(error) })
      })
    }
  }

  /** Of the apps that this node has, in whatever state. */
  #wanted(): ReadonlySet<string> {
    const here = new Set(this.#needs.apps.status().map(({ app }) => app))
    return new Set(
      this.#needs.mesh.releases
        .desired()
        .filter(({ record }) => here.has(record.app))
        .flatMap(({ record }) =>
          record.triggers.flatMap(({ kind, topic }) =>
            kind === 'message' && typeof topic === 'string' ? [subscriptionName(record.app, topic)] : [],
          ),
        ),
    )
  }
}
