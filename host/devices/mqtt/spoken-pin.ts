/**
 * A pin at the other end of a broker. Writing tells the device what is wanted, and resolves when the broker has it; what
 * the level is, and when it changed, only the device's own word says, where it has a topic for it.
 */
import type { Broker } from '../../mqtt/index.ts'
import type { DriverContext, Pin, PinDirection } from '../contract.ts'
import { EdgeLog } from '../pins/edge-log.ts'
import { deviceProblems } from '../problems.ts'
import type { AvailabilityRule } from './availability.ts'
import { wordOf, type Pick } from './payload.ts'
import { SpokenValue } from './spoken-value.ts'

export interface Command {
  readonly topic: string
  readonly payload: string
}

export interface SpokenPinOptions {
  readonly driver: string
  readonly direction: PinDirection
  readonly broker: Broker
  /** null for a device that never says what it did: then what was written counts. */
  readonly state: {
    readonly topic: string
    readonly pick: Pick
    readonly on: string
    readonly off: string
  } | null
  readonly availability: AvailabilityRule
  /** null for an input. */
  readonly command: ((level: boolean) => Command) | null
  readonly isRetained: boolean
  /** Makes the device say its level, where it can be asked. */
  readonly ask?: Command
  readonly onGone?: NonNullable<Pin['onGone']>
  close?(): void
}

/** @throws ERR_TOPIC_INVALID, ERR_BROKER_FILTERS */
export function spokenPin(name: string, options: SpokenPinOptions, { clock }: DriverContext): Pin {
  const { driver, direction, broker, state, availability, command, isRetained, ask, onGone } = options
  const edges = new EdgeLog()
  const send = ({ topic, payload }: Command, retain: boolean): Promise<void> =>
    broker.publish(topic, Buffer.from(payload), { isRetained: retain })
  let level: boolean | null = null
  const know = (next: boolean): void => {
    const isEdge = level !== null && level !== next
    level = next
    if (isEdge) edges.add({ level: next, timeMs: clock.now() })
  }
  const spoken =
    state === null
      ? null
      : new SpokenValue(name, { broker, topic: state.topic, availability, read: levelOf(state) }, clock)
  spoken?.onWord(({ value }) => know(value))
  const askIt = (): void => {
    if (ask !== undefined && broker.health().state === 'up') void send(ask, false).catch(() => {})
  }
  const forget = broker.onHealth(askIt)
  askIt()
  return {
    name,
    driver,
    direction,
    async read() {
      if (spoken !== null) return (await spoken.last(null)).value
      // Nobody has said anything and nobody will: it is as off as a device that was never told.
      return level ?? false
    },
    async write(next) {
      if (command === null) {
        throw deviceProblems.error('ERR_DEVICE_READ_ONLY', `the pin "${name}" is an input`)
      }
      await send(command(next), isRetained)
      if (spoken === null) know(next)
    },
    edges: () => edges.edges(),
    watch: (listener) => edges.watch(listener),
    ...(onGone !== undefined && { onGone }),
    async close() {
      forget()
      spoken?.close()
      options.close?.()
    },
  }
}

function levelOf({
  pick,
  on,
  off,
}: NonNullable<SpokenPinOptions['state']>): (payload: Uint8Array) => boolean {
  return (payload) => {
    const word = wordOf(pick(payload))
    if (word !== on && word !== off) {
      throw new Error(`it says ${JSON.stringify(word.slice(0, 40))}, neither ${on} nor ${off}`)
    }
    return word === on
  }
}
