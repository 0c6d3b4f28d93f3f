/**
 * The buses that the node's owner names for apps and drivers: `[buses.NAME]`. A name stands for a bus and the
 * addresses on it that may be spoken to; nothing else on the bus can be reached by it.
 *
 * Buses are opened when they are first used and again after they were gone: one that is not there keeps nothing
 * from starting.
 */
import { isSelvedgeError } from '../../../core/index.ts'
import type { DriverContext } from '../contract.ts'
import { deviceProblems } from '../problems.ts'
import { openAddonBus } from './i2c-bus.ts'
import { i2cLimits, shownAddress, type I2cBus, type I2cStep } from './i2c.ts'
import { openTransferProgram } from './i2ctransfer.ts'

export type { I2cBus, I2cStep } from './i2c.ts'
export { i2cAddresses } from './i2c.ts'

/** One line here for a new way to a bus. */
const openers = { i2ctransfer: openTransferProgram, 'i2c-bus': openAddonBus } as const

export type I2cDriver = keyof typeof openers
export const i2cDrivers = Object.keys(openers) as readonly I2cDriver[]

export interface BusConfig {
  readonly driver: I2cDriver
  /** The number in `/dev/i2c-1`. */
  readonly bus: number
  readonly addresses: readonly number[]
}

/** A bus by its logical name, and nothing of it but its addresses. */
export interface NamedBus extends I2cBus {
  readonly name: string
  readonly bus: number
  readonly addresses: readonly number[]
}

type BusContext = Pick<DriverContext, 'root' | 'addons'>

/** Makes them; none is opened before it is used. */
export function nameBuses(
  config: Readonly<Record<string, BusConfig>>,
  context: BusContext,
): ReadonlyMap<string, NamedBus> {
  return new Map(
    Object.entries(config).map(([name, { driver, bus, addresses }]) => [
      name,
      restricted(name, addresses, bus, lazyBus(driver, bus, context)),
    ]),
  )
}

export async function closeBuses(buses: ReadonlyMap<string, NamedBus>): Promise<void> {
  await Promise.allSettled([...buses.values()].map((bus) => bus.close()))
}

/** Opens a bus when it is used, and again after it was lost. */
export function lazyBus(driver: I2cDriver, bus: number, context: BusContext): I2cBus {
  let opening: Promise<I2cBus> | null = null
  let isClosed = false
  return {
    driver,
    async transfer(address, steps, signal) {
      if (isClosed) throw deviceProblems.error('ERR_DEVICE_UNAVAILABLE', `the I²C bus ${bus} was closed`)
      opening ??= openers[driver](bus, context)
      const mine = opening
      try {
        return await (await mine).transfer(address, steps, signal)
      } catch (error) {
        // What is not the chip's doing may be cured by opening the bus again.
        if (opening === mine && isSelvedgeError(error, 'ERR_DEVICE_UNAVAILABLE')) {
          opening = null
          void mine.then((lost) => lost.close()).catch(() => {})
        }
        throw error
      }
    },
    async close() {
      isClosed = true
      const last = opening
      opening = null
      await last?.then((open) => open.close()).catch(() => {})
    },
  }
}

function restricted(name: string, addresses: readonly number[], number: number, bus: I2cBus): NamedBus {
  return {
    ...bus,
    name,
    bus: number,
    addresses,
    async transfer(address, steps, signal) {
      if (!addresses.includes(address)) {
        throw deviceProblems.error(
          'ERR_I2C_ADDRESS',
          `${shownAddress(address)} is none of the addresses of the bus ${name}`,
        )
      }
      checkSteps(steps)
      return bus.transfer(address, steps, signal)
    },
  }
}

/** @throws ERR_I2C_TOO_LARGE */
function checkSteps(steps: readonly I2cStep[]): void {
  const bytes = steps.reduce((sum, step) => sum + (step.kind === 'read' ? step.length : step.bytes.length), 0)
  if (steps.length > i2cLimits.steps || bytes > i2cLimits.bytes) {
    throw deviceProblems.error(
      'ERR_I2C_TOO_LARGE',
      `a transaction of ${steps.length} steps and ${bytes} bytes; at most ${i2cLimits.steps} and ${i2cLimits.bytes} fit`,
    )
  }
}
