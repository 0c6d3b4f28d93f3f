/**
 * The public face of the devices, and the lists of drivers: a new driver is one file and one line here.
 */
import type { DriverContext, PinDriver, SensorDriver } from './contract.ts'
import { openWith, type Devices, type DevicesConfig } from './open.ts'
import { gpiochipPin } from './pins/gpiochip.ts'
import { onoffPin } from './pins/onoff.ts'
import { simulatedPin } from './pins/simulated.ts'
import { sysfsPin } from './pins/sysfs.ts'
import { bh1750Sensor } from './sensors/bh1750.ts'
import { hwmonSensor } from './sensors/hwmon.ts'
import { iioSensor } from './sensors/iio.ts'
import { oneWireSensor } from './sensors/onewire.ts'
import { serialSensor } from './sensors/serial.ts'
import { pinSensor } from './sensors/pin.ts'
import { commandSensor } from './sensors/command.ts'
import { httpSensor } from './sensors/http.ts'
import { replaySensor } from './sensors/replay.ts'
import { simulatedSensor } from './sensors/simulated.ts'
import { systemSensor } from './sensors/system.ts'
import { thermalSensor } from './sensors/thermal.ts'
import { homeAssistantPin } from './pins/homeassistant.ts'
import { mqttPin } from './pins/mqtt.ts'
import { zigbeePin } from './pins/zigbee2mqtt.ts'
import { homeAssistantSensor } from './sensors/homeassistant.ts'
import { mqttSensor } from './sensors/mqtt.ts'
import { zigbeeSensor } from './sensors/zigbee2mqtt.ts'

export type * from './contract.ts'
export * from './buses/index.ts'
export type { DeviceConfig, Devices, DevicesConfig } from './open.ts'
export type * from './supervision/health.ts'
export { deviceProblems } from './problems.ts'
export { traceHeader, traceLine } from './trace.ts'

export const sensorDrivers: readonly SensorDriver[] = [
  simulatedSensor,
  systemSensor,
  iioSensor,
  hwmonSensor,
  thermalSensor,
  oneWireSensor,
  bh1750Sensor,
  serialSensor,
  pinSensor,
  mqttSensor,
  zigbeeSensor,
  homeAssistantSensor,
  replaySensor,
  commandSensor,
  httpSensor,
]
export const pinDrivers: readonly PinDriver[] = [
  simulatedPin,
  sysfsPin,
  gpiochipPin,
  onoffPin,
  mqttPin,
  zigbeePin,
  homeAssistantPin,
]

/**
 * Opens the node's sensors and pins. One that is not there is an event and no error.
 * @param context.root `/` where it is left out
 * @throws ERR_DRIVER_UNKNOWN
 */
export function openDevices(
  config: DevicesConfig,
  context: Omit<DriverContext, 'root'> & Partial<Pick<DriverContext, 'root'>>,
): Promise<Devices> {
  return openWith({ sensors: sensorDrivers, pins: pinDrivers }, config, { root: '/', ...context })
}
