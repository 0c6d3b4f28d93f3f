/** A machine with one of everything, as far as files and programs can say; closed with the process that made it. */
import { DeviceTree } from './device-tree.ts'
import { addTransferProgram } from './bh1750-model.ts'
import { addGpiodPrograms } from './gpiod-programs.ts'

const iio = 'sys/bus/iio/devices/iio:device0'
const gpio = 'sys/class/gpio'

export function hardwareTree(): DeviceTree {
  const tree = new DeviceTree({
    [`${iio}/name`]: 'bh1750\n',
    [`${iio}/in_illuminance_raw`]: '480\n',
    [`${iio}/in_illuminance_scale`]: '0.833333\n',
    'sys/class/hwmon/hwmon0/name': 'rpi_volt\n',
    'sys/class/hwmon/hwmon1/name': 'coretemp\n',
    'sys/class/hwmon/hwmon1/temp1_input': '41500\n',
    'sys/class/hwmon/hwmon1/temp1_label': 'Package id 0\n',
    'sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
    'sys/class/thermal/thermal_zone0/temp': '48312\n',
    'sys/bus/w1/devices/28-00000a1b2c3d/w1_slave':
      '72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n',
    [`${gpio}/export`]: '',
    [`${gpio}/unexport`]: '',
    [`${gpio}/gpiochip512/label`]: 'pinctrl-bcm2711\n',
    [`${gpio}/gpiochip512/base`]: '512\n',
    [`${gpio}/gpiochip512/ngpio`]: '58\n',
    ...sysfsLine(529),
    ...sysfsLine(539),
  })
  tree.write('addons/node_modules/onoff/package.json', '{"name":"onoff","version":"6.0.3","main":"onoff.js"}')
  tree.write('addons/node_modules/onoff/onoff.js', fakeOnoff)
  addTransferProgram(tree)
  addGpiodPrograms(tree, 2)
  return tree
}

/** What the kernel shows of a line that was asked for. */
function sysfsLine(number: number): Record<string, string> {
  const folder = `${gpio}/gpio${number}`
  return {
    [`${folder}/direction`]: 'in\n',
    [`${folder}/value`]: '0\n',
    [`${folder}/active_low`]: '0\n',
    [`${folder}/edge`]: 'none\n',
  }
}

/** The part of onoff that we use: lines in memory, all of them reachable as `lines` for tests. */
const fakeOnoff = `
  exports.lines = new Map()
  exports.Gpio = class Gpio {
    constructor(number, direction, edge, options) {
      Object.assign(this, { number, direction, edge, options, level: 0, listeners: [] })
      exports.lines.set(number, this)
    }
    async read() { if (this.failure) throw this.failure; return this.level }
    async write(level) { if (this.failure) throw this.failure; this.level = level }
    watch(listener) { this.listeners.push(listener) }
    unwatchAll() { this.listeners = [] }
    unexport() { this.isUnexported = true }
  }
`
