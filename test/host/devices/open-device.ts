/** Opens one device of a driver as the node would, over a faked tree. */
import * as v from 'valibot'
import type {
  DeviceDriver,
  DriverContext,
  Pin,
  PinDriver,
  Sensor,
  SensorDriver,
} from '../../../host/devices/index.ts'
import { systemClock, systemRandom } from '../../../core/index.ts'
import type { DeviceTree } from './device-tree.ts'

export function openSensor(
  driver: SensorDriver,
  options: object,
  tree: DeviceTree,
  given: Partial<DriverContext> = {},
): Promise<Sensor> {
  return open(driver, options, tree, given)
}

export function openPin(
  driver: PinDriver,
  options: object,
  tree: DeviceTree,
  given: Partial<DriverContext> = {},
): Promise<Pin> {
  return open(driver, options, tree, given)
}

function open<Device>(
  driver: DeviceDriver<Device, unknown>,
  options: object,
  tree: DeviceTree,
  given: Partial<DriverContext>,
): Promise<Device> {
  const context = { clock: systemClock, random: systemRandom, root: tree.root, ...given }
  return driver.open('probe', v.parse(driver.options, options), context)
}
