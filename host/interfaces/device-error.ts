/** The error variant that sensor and pins share, and the one way a guest's device call reaches a device. */
import { messageOf } from '../../core/index.ts'
import { WitError } from '../engine/index.ts'

/** Characters of a driver's message that a guest gets. */
const maxMessageLength = 500

/**
 * Runs `use` on the device that the guest named.
 * @throws WitError `not-granted` for a name outside `granted`, `unavailable` for what the driver throws
 */
export async function useDevice<Device, Result>(
  granted: ReadonlyMap<string, Device>,
  name: unknown,
  use: (device: Device) => Promise<Result>,
): Promise<Result> {
  const device = typeof name === 'string' ? granted.get(name) : undefined
  if (device === undefined) throw new WitError({ tag: 'not-granted' })
  try {
    return await use(device)
  } catch (error) {
    throw new WitError({ tag: 'unavailable', val: messageOf(error).slice(0, maxMessageLength) })
  }
}
