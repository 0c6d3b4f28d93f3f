/** Calls that apps of this node make of others. Apps are made before the router that needs them, and find it here. */
import type { CallRouter } from '../calls/index.ts'
import { noCalls, type AppContext } from '../interfaces/index.ts'

export class OutgoingCalls {
  #router: Pick<CallRouter, 'invoke'> | null = null

  readonly call: AppContext['call'] = (call) => this.#router?.invoke(call) ?? noCalls()

  /** From now on calls go through it. */
  connect(router: Pick<CallRouter, 'invoke'>): void {
    this.#router = router
  }
}
