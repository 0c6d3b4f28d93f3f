/**
 * When to try a broker again, and in which version of the protocol: a pure state machine. It is told how each attempt
 * or connection ended, and answers with the next one. Nothing of it is kept over a restart: a boot begins without a wait.
 */
import { backoffMs, type Random } from '../../core/index.ts'
import type { BrokerConfig, BrokerProblemCode } from './contract.ts'
import type { BrokerLimits } from './limits.ts'

/** The number on the wire: 4 is MQTT 3.1.1. */
export type ProtocolVersion = 4 | 5

/** How an attempt or a connection ended. */
export interface Ending {
  readonly code: BrokerProblemCode
  readonly message: string
  /** It was refused because of the version of the protocol. */
  readonly isVersion?: boolean
}

export interface NextAttempt {
  readonly afterMs: number
  readonly version: ProtocolVersion
}

export class Reconnection {
  readonly #random: Random
  readonly #limits: BrokerLimits
  readonly #mayFallBack: boolean
  #version: ProtocolVersion
  /** A version that a broker has welcomed is not given up for a failure that may have any cause. */
  #isWelcomed = false
  #failures = 0

  constructor(configured: BrokerConfig['version'], random: Random, limits: BrokerLimits) {
    this.#random = random
    this.#limits = limits
    this.#mayFallBack = configured === 'auto'
    this.#version = configured === '3.1.1' ? 4 : 5
  }

  get version(): ProtocolVersion {
    return this.#version
  }

  /** The broker has welcomed this node. */
  opened(): void {
    this.#isWelcomed = true
  }

  /** @param openMs how long the connection stood after the welcome; null where there was none */
  ended(ending: Ending, openMs: number | null): NextAttempt {
    if (openMs !== null && openMs >= this.#limits.stableMs) this.#failures = 0
    const isOther = openMs === null && this.#goToOtherVersion(ending)
    // A clear word about the version is answered at once; the other one may be refused for a reason of its own.
    if (isOther && ending.isVersion === true && this.#version === 4) {
      return { afterMs: 0, version: this.#version }
    }
    const [base, cap] =
      ending.code === 'ERR_BROKER_REFUSED' || ending.code === 'ERR_BROKER_TLS'
        ? [this.#limits.refusedMs, this.#limits.refusedCapMs]
        : [this.#limits.backoffMs, this.#limits.backoffCapMs]
    const afterMs = backoffMs(this.#failures, base, cap, this.#random)
    this.#failures += 1
    return { afterMs, version: this.#version }
  }

  /** Old brokers say nothing to version 5 and hang up, or answer with what is no version 5. */
  #goToOtherVersion({ code, isVersion }: Ending): boolean {
    const isDoubt = isVersion === true || code === 'ERR_BROKER_GARBAGE' || code === 'ERR_BROKER_SILENT'
    if (!this.#mayFallBack || !isDoubt || (this.#isWelcomed && isVersion !== true)) return false
    this.#version = this.#version === 5 ? 4 : 5
    return true
  }
}
