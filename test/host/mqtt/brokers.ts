/** What the tests of brokers share: a node's broker with short waits, and waiting for what is to come. */
import { silentLog, systemClock, systemRandom } from '../../../core/index.ts'
import type { BrokerConfig, Brokers } from '../../../host/mqtt/index.ts'
import { createBrokers } from '../../../host/mqtt/index.ts'
import { brokerLimits, type BrokerLimits } from '../../../host/mqtt/limits.ts'

export const shortLimits: BrokerLimits = {
  ...brokerLimits,
  connectMs: 1_500,
  answerMs: 1_500,
  takeMs: 1_000,
  againMs: 50,
  backoffMs: 20,
  backoffCapMs: 100,
  refusedMs: 20,
  refusedCapMs: 100,
  stopMs: 500,
}

export function configFor(port: number, more: Partial<BrokerConfig> = {}): BrokerConfig {
  return {
    url: `mqtt://127.0.0.1:${port}`,
    keepalive: 60_000,
    version: 'auto',
    largest: 256 * 1024,
    ...more,
  }
}

let clients = 0

export function brokersAt(
  configs: Readonly<Record<string, BrokerConfig>>,
  options: {
    readonly kept?: readonly string[]
    readonly clientId?: string
    readonly limits?: Partial<BrokerLimits>
  } = {},
): Brokers {
  clients += 1
  const brokers = createBrokers(configs, {
    clientId: options.clientId ?? `test-${process.pid}-${clients}`,
    kept: new Set(options.kept ?? []),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    limits: { ...shortLimits, ...options.limits },
  })
  brokers.start()
  return brokers
}

/** Resolves when it holds; on a machine however busy. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  ms = 60_000,
): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export const text = (payload: Uint8Array): string => Buffer.from(payload).toString('utf8')
export const bytes = (content: string): Uint8Array => new TextEncoder().encode(content)
