/** Finds the configuration of one device among those that Home Assistant would find, and tells when it changes. */
import { messageOf, within, type Cancel } from '../../../core/index.ts'
import type { Broker, BrokerMessage } from '../../mqtt/index.ts'
import type { DriverContext } from '../contract.ts'
import { deviceProblems } from '../problems.ts'
import { readHaConfig, type HaConfig } from './ha-config.ts'

/** Configurations are retained: a broker gives them at once, however many there are. */
const discoveryMs = 5_000

export interface Discovered {
  readonly config: HaConfig
  readonly onGone: (listener: (why: string) => void) => Cancel
  close(): void
}

/**
 * @param wanted its `unique_id`, or the object id in the topic of its configuration
 * @throws ERR_DEVICE_UNAVAILABLE where it has not introduced itself in time, or in a way that cannot be used
 */
export async function discover(
  {
    broker,
    prefix,
    component,
    wanted,
  }: {
    readonly broker: Broker
    readonly prefix: string
    readonly component: string
    readonly wanted: string
  },
  { clock }: DriverContext,
): Promise<Discovered> {
  const listeners = new Set<(why: string) => void>()
  let found: { topic: string; payload: Buffer; config: HaConfig } | null = null
  let complaint = `nothing introduces itself as ${component} ${JSON.stringify(wanted)} below ${prefix}/`
  let tell!: () => void
  const first = new Promise<void>((resolve) => (tell = resolve))
  const gone = (why: string): void => {
    // Once: a broker may hand out a retained message twice, and what is gone is opened anew by then.
    const told = [...listeners]
    listeners.clear()
    for (const listener of told) listener(why)
  }
  const heard = ({ topic, payload }: BrokerMessage): void => {
    if (found !== null) {
      if (topic !== found.topic || found.payload.equals(payload)) return
      return gone(payload.length === 0 ? 'it was removed' : 'it introduced itself anew')
    }
    if (payload.length === 0) return
    try {
      const isNamed = topic.split('/').at(-2) === wanted
      // Most are others': what is wrong with those is nobody's business here.
      if (!isNamed && !Buffer.from(payload).includes(JSON.stringify(wanted).slice(1, -1))) return
      const config = readHaConfig(payload)
      if (!isNamed && config.uniqueId !== wanted) return
      found = { topic, payload: Buffer.from(payload), config }
      tell()
    } catch (error) {
      complaint = `${component} ${JSON.stringify(wanted)}: ${messageOf(error)}`
    }
  }
  const cancels = ['+', '+/+'].map((id) => broker.listen(`${prefix}/${component}/${id}/config`, heard))
  const close = (): void => {
    for (const cancel of cancels.splice(0)) cancel()
    listeners.clear()
  }
  try {
    await within({ clock, ms: discoveryMs, late: () => new Error(complaint) }, () => first)
  } catch (error) {
    close()
    const { state, problem } = broker.health()
    const away = state === 'up' ? '' : `; broker ${broker.name}: ${problem?.message ?? 'not connected yet'}`
    throw deviceProblems.error('ERR_DEVICE_UNAVAILABLE', `${messageOf(error)}${away}`)
  }
  return {
    config: (found as unknown as { config: HaConfig }).config,
    onGone: (listener) => {
      const own = (why: string): void => listener(why)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    close,
  }
}
