/** iio, hwmon, thermal and onewire over faked trees: what they find, in which unit, and what they say otherwise. */
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { isSelvedgeError, type SelvedgeError } from '../../../../core/index.ts'
import { hwmonSensor } from '../../../../host/devices/sensors/hwmon.ts'
import { iioSensor } from '../../../../host/devices/sensors/iio.ts'
import { oneWireSensor, parseSlave } from '../../../../host/devices/sensors/onewire.ts'
import { thermalSensor } from '../../../../host/devices/sensors/thermal.ts'
import type { SensorDriver } from '../../../../host/devices/index.ts'
import { DeviceTree } from '../device-tree.ts'
import { openSensor } from '../open-device.ts'

const trees: DeviceTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.close()
})

function treeOf(files: Readonly<Record<string, string>>): DeviceTree {
  const tree = new DeviceTree(files)
  trees.push(tree)
  return tree
}

/** With the folder of each path written once. */
function under(folder: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]))
}

const iio = 'sys/bus/iio/devices'

async function failureOf(work: Promise<unknown>): Promise<SelvedgeError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!isSelvedgeError(error)) throw new Error(`no error of ours: ${String(error)}`)
  return error
}

async function valueOf(driver: SensorDriver, options: object, tree: DeviceTree): Promise<[number, string]> {
  const sensor = await openSensor(driver, options, tree)
  const { value, unit } = await sensor.read()
  await sensor.close()
  return [value, unit]
}

describe('iio', () => {
  it('reads (raw + offset) · scale in the unit of the kernel’s document, without its prefixes', async () => {
    const tree = treeOf(
      under(`${iio}/iio:device0`, {
        name: 'bme280',
        in_temp_input: '21560',
        in_humidityrelative_input: '45120',
        in_pressure_input: '101.325',
        in_voltage0_raw: '2048',
        in_voltage_scale: '0.805664',
        in_voltage_offset: '-48',
        in_accel_x_raw: '-100',
        in_accel_scale: '0.0098',
      }),
    )
    const read = (channel: string): Promise<[number, string]> =>
      valueOf(iioSensor, { device: 'bme280', channel }, tree)
    expect(await read('temp')).toEqual([expect.closeTo(21.56, 9), 'Cel'])
    expect(await read('humidityrelative')).toEqual([expect.closeTo(45.12, 9), '%'])
    expect(await read('pressure')).toEqual([expect.closeTo(101.325, 9), 'kPa'])
    expect(await read('voltage0')).toEqual([expect.closeTo(1.611328, 9), 'V'])
    expect(await read('accel_x')).toEqual([expect.closeTo(-0.98, 9), 'm/s2'])
  })

  it('finds a device by name, label or entry, whatever its number is now', async () => {
    const tree = treeOf({
      ...under(`${iio}/iio:device0`, { name: 'adc', label: 'left', in_voltage0_raw: '1' }),
      ...under(`${iio}/iio:device10`, { name: 'adc', label: 'right', in_voltage0_raw: '2' }),
      ...under(`${iio}/iio:device2`, { name: 'light', in_illuminance_raw: '3' }),
    })
    expect((await valueOf(iioSensor, { device: 'right', channel: 'voltage0' }, tree))[0]).toBeCloseTo(0.002)
    expect((await valueOf(iioSensor, { device: 'iio:device0', channel: 'voltage0' }, tree))[0]).toBeCloseTo(
      0.001,
    )
    expect(await valueOf(iioSensor, { device: 'light', channel: 'illuminance' }, tree)).toEqual([3, 'lx'])
    const two = await failureOf(openSensor(iioSensor, { device: 'adc', channel: 'voltage0' }, tree))
    expect(two.message).toBe('2 IIO devices are called adc; there is iio:device0, iio:device10')
    expect(two.hint).toContain('label')
  })

  it('knows range and resolution from the scales and what is available', async () => {
    const tree = treeOf(
      under(`${iio}/iio:device0`, {
        name: 'chip',
        in_illuminance_raw: '480',
        in_illuminance_scale: '0.5',
        in_illuminance_scale_available: '0.5 2',
        in_illuminance_raw_available: '[0 1 65535]',
        in_voltage0_raw: '7',
        in_voltage0_scale: '2',
        'scan_elements/in_voltage0_type': 'le:u12/16>>4',
        in_temp_raw: '7',
      }),
    )
    const light = await openSensor(iioSensor, { device: 'chip', channel: 'illuminance' }, tree)
    // The chip may change its scale by itself: the range is that of the largest, the resolution that of the smallest.
    expect(light).toMatchObject({ range: { min: 0, max: 131_070 }, resolution: 0.5 })
    const volt = await openSensor(iioSensor, { device: 'chip', channel: 'voltage0' }, tree)
    expect(volt.range?.max).toBeCloseTo(8.19)
    expect(volt.resolution).toBeCloseTo(0.002)
    const temperature = await openSensor(iioSensor, { device: 'chip', channel: 'temp' }, tree)
    expect(temperature.range).toBeNull()
  })

  it('says what there is where a device or channel is not', async () => {
    const tree = treeOf(
      under(`${iio}/iio:device0`, { name: 'bmp280', in_temp_input: '1', in_pressure_raw: '1' }),
    )
    const device = await failureOf(openSensor(iioSensor, { device: 'bh1750', channel: 'temp' }, tree))
    expect(device.message).toBe('no IIO device is called bh1750; there is bmp280')
    expect(device.hint).toMatch(/modprobe .*dtoverlay=/)
    const channel = await failureOf(openSensor(iioSensor, { device: 'bmp280', channel: 'illuminance' }, tree))
    expect(channel.message).toMatch(/has no channel illuminance; there is pressure, temp$/)
    const nothing = await failureOf(openSensor(iioSensor, { device: 'x', channel: 'temp' }, treeOf({})))
    expect(nothing).toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE', hint: expect.stringMatching(/modprobe/) })
  })

  it('fails with the system’s reason when the device goes away, and reads again when it is back', async () => {
    const tree = treeOf(under(`${iio}/iio:device0`, { name: 'chip', in_temp_input: '20000' }))
    const sensor = await openSensor(iioSensor, { device: 'chip', channel: 'temp' }, tree)
    tree.remove(`${iio}/iio:device0/in_temp_input`)
    expect((await failureOf(sensor.read())).message).toMatch(/in_temp_input: it is not there$/)
    tree.write(`${iio}/iio:device0/in_temp_input`, '21000')
    expect((await sensor.read()).value).toBeCloseTo(21)
  })

  it('refuses a file that does not end, and one longer than a page', async () => {
    const tree = treeOf(under(`${iio}/iio:device0`, { name: 'chip', in_accel_x_input: '1'.repeat(5_000) }))
    tree.link(`${iio}/iio:device0/in_temp_input`, '/dev/zero')
    for (const channel of ['accel_x', 'temp']) {
      const sensor = await openSensor(iioSensor, { device: 'chip', channel }, tree)
      expect((await failureOf(sensor.read())).message).toMatch(/more than 4096 bytes$/)
    }
  })

  it('has no name that leads out of the folder of devices', async () => {
    const tree = treeOf({})
    for (const device of ['../../x', 'a/b', '']) {
      expect(() => openSensor(iioSensor, { device, channel: 'temp' }, tree)).toThrow()
    }
    expect(() => openSensor(iioSensor, { device: 'x', channel: '../name' }, tree)).toThrow()
  })
})

describe('hwmon', () => {
  const chips = {
    ...under('sys/class/hwmon/hwmon0', {
      name: 'coretemp',
      temp1_input: '41500',
      temp1_label: 'Package id 0',
    }),
    ...under('sys/class/hwmon/hwmon1', {
      name: 'ina219',
      in1_input: '12040',
      curr1_input: '-250',
      power1_average: '3010000',
      fan1_input: '1180',
      humidity1_input: '39900',
      temp1_input: '20000',
      temp1_fault: '1',
    }),
  }

  it('reads each kind of channel in its unit, by name or by label', async () => {
    const tree = treeOf(chips)
    const read = (channel: string): Promise<[number, string]> =>
      valueOf(hwmonSensor, { chip: 'ina219', channel }, tree)
    expect(await valueOf(hwmonSensor, { chip: 'coretemp', channel: 'Package id 0' }, tree)).toEqual([
      41.5,
      'Cel',
    ])
    expect(await read('in1')).toEqual([expect.closeTo(12.04), 'V'])
    expect(await read('curr1')).toEqual([expect.closeTo(-0.25), 'A'])
    expect(await read('power1')).toEqual([expect.closeTo(3.01), 'W'])
    expect(await read('fan1')).toEqual([1_180, '/min'])
    expect(await read('humidity1')).toEqual([expect.closeTo(39.9), '%'])
  })

  it('refuses the value of a probe that reports a fault', async () => {
    const sensor = await openSensor(hwmonSensor, { chip: 'ina219', channel: 'temp1' }, treeOf(chips))
    expect((await failureOf(sensor.read())).message).toMatch(/temp1 reports a fault$/)
  })

  it('tells two chips of one name apart by their devices', async () => {
    const tree = treeOf({
      ...under('sys/class/hwmon/hwmon0', { name: 'nvme', temp1_input: '30000' }),
      ...under('sys/class/hwmon/hwmon1', { name: 'nvme', temp1_input: '40000' }),
      'sys/devices/0000:01:00.0/x': '',
      'sys/devices/0000:02:00.0/x': '',
    })
    tree.link('sys/class/hwmon/hwmon0/device', '../../../devices/0000:01:00.0')
    tree.link('sys/class/hwmon/hwmon1/device', '../../../devices/0000:02:00.0')
    const second = { chip: 'nvme', channel: 'temp1', device: '0000:02:00.0' }
    expect(await valueOf(hwmonSensor, second, tree)).toEqual([40, 'Cel'])
    const both = await failureOf(openSensor(hwmonSensor, { chip: 'nvme', channel: 'temp1' }, tree))
    expect(both.message).toBe('2 hwmon chips are called nvme; there is 0000:01:00.0, 0000:02:00.0')
  })

  it('says what there is instead', async () => {
    const tree = treeOf(chips)
    const chip = await failureOf(openSensor(hwmonSensor, { chip: 'nct6775', channel: 'fan1' }, tree))
    expect(chip.message).toBe('no hwmon chip is called nct6775; there is coretemp, ina219')
    const channel = await failureOf(openSensor(hwmonSensor, { chip: 'coretemp', channel: 'fan1' }, tree))
    expect(channel.message).toMatch(/no channel fan1; there is temp1 \(Package id 0\)$/)
  })
})

describe('thermal', () => {
  const zones = {
    ...under('sys/class/thermal/thermal_zone0', { type: 'cpu-thermal', temp: '48312' }),
    ...under('sys/class/thermal/thermal_zone1', { type: 'acpitz', temp: '-3500' }),
    ...under('sys/class/thermal/thermal_zone2', { type: 'acpitz', temp: '1' }),
  }

  it('reads degrees of the zone of a type', async () => {
    expect(await valueOf(thermalSensor, { zone: 'cpu-thermal' }, treeOf(zones))).toEqual([48.312, 'Cel'])
    expect(await valueOf(thermalSensor, { zone: 'thermal_zone1' }, treeOf(zones))).toEqual([-3.5, 'Cel'])
  })

  it('refuses a type that none or two have', async () => {
    const tree = treeOf(zones)
    expect((await failureOf(openSensor(thermalSensor, { zone: 'gpu' }, tree))).message).toMatch(
      /called gpu; there is cpu-thermal, acpitz/,
    )
    expect((await failureOf(openSensor(thermalSensor, { zone: 'acpitz' }, tree))).message).toMatch(
      /^2 thermal zones/,
    )
  })
})

describe('onewire', () => {
  const slave = (crc: string, milli: string): string =>
    `72 01 4b 46 7f ff 0e 10 57 : crc=57 ${crc}\n72 01 4b 46 7f ff 0e 10 57 t=${milli}\n`
  const first = 'sys/bus/w1/devices/28-00000a1b2c3d'

  it('reads a thermometer whose checksum is right', async () => {
    const tree = treeOf({ [`${first}/w1_slave`]: slave('YES', '-1250'), [`${first}/resolution`]: '12\n' })
    const sensor = await openSensor(oneWireSensor, {}, tree)
    expect(sensor).toMatchObject({ unit: 'Cel', range: { min: -55, max: 125 }, resolution: 0.0625 })
    expect((await sensor.read()).value).toBe(-1.25)
  })

  it('reads the file of later kernels, where an empty one is a chip that did not answer', async () => {
    const tree = treeOf({ [`${first}/temperature`]: '23125\n' })
    const sensor = await openSensor(oneWireSensor, { id: '28-00000a1b2c3d' }, tree)
    expect((await sensor.read()).value).toBe(23.125)
    tree.write(`${first}/temperature`, '\n')
    expect((await failureOf(sensor.read())).message).toContain('did not answer')
  })

  it('refuses a wrong checksum, a line held low, and 85 °C unless that can be', async () => {
    const tree = treeOf({ [`${first}/w1_slave`]: slave('NO', '23125') })
    const sensor = await openSensor(oneWireSensor, {}, tree)
    expect((await failureOf(sensor.read())).message).toContain('checksum')
    tree.write(`${first}/w1_slave`, `${'00 '.repeat(9)}: crc=00 YES\n${'00 '.repeat(9)}t=0\n`)
    expect((await failureOf(sensor.read())).message).toContain('held low')
    tree.write(`${first}/w1_slave`, slave('YES', '85000'))
    expect((await failureOf(sensor.read())).hint).toContain('hot = true')
    expect(await valueOf(oneWireSensor, { hot: true }, tree)).toEqual([85, 'Cel'])
  })

  it('wants to be told which of two', async () => {
    const tree = treeOf({
      [`${first}/w1_slave`]: slave('YES', '1000'),
      'sys/bus/w1/devices/10-00000a1b2c3e/w1_slave': slave('YES', '2000'),
      'sys/bus/w1/devices/w1_bus_master1/w1_master_slave_count': '2\n',
    })
    const both = await failureOf(openSensor(oneWireSensor, {}, tree))
    expect(both.message).toBe('2 thermometers answer; there is 10-00000a1b2c3e, 28-00000a1b2c3d')
    expect(await valueOf(oneWireSensor, { id: '10-00000a1b2c3e' }, tree)).toEqual([2, 'Cel'])
    const none = await failureOf(openSensor(oneWireSensor, {}, treeOf({ 'sys/bus/w1/devices/x': '' })))
    expect(none.hint).toContain('dtoverlay=w1-gpio')
  })

  it('makes of any text a temperature or an error of ours', () => {
    const words = fc.constantFrom(
      '72 ',
      ': crc=57 YES',
      ' NO',
      '\n',
      ' t=',
      't=',
      '23125',
      '00 ',
      'YES',
      '-',
      '\0',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc.array(words).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (slave) => {
        try {
          expect(Number.isFinite(parseSlave('w1_slave', slave))).toBe(true)
        } catch (error) {
          expect(isSelvedgeError(error, 'ERR_DEVICE_UNAVAILABLE')).toBe(true)
        }
      }),
    )
  })
})

describe('whatever the files hold', () => {
  const content = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 40 }),
    fc.constantFrom(
      '',
      '\n',
      '0',
      '-1',
      '1e308',
      '1e999',
      'NaN',
      '[0 1 2]',
      '[',
      '1 2 3',
      'le:u64/64>>0',
      '0x10',
      '1,5',
      '٣',
    ),
    fc.double().map(String),
    fc.constant('9'.repeat(4_097)),
  )

  it('a sensor of the kernel reads a finite value, or says in one error what is wrong', async () => {
    const files = fc.record({
      name: content,
      raw: content,
      scale: content,
      offset: content,
      available: content,
      type: content,
    })
    const tree = treeOf({})
    const devices: readonly [SensorDriver, object][] = [
      [iioSensor, { device: 'iio:device0', channel: 'voltage0' }],
      [hwmonSensor, { chip: 'hwmon0', channel: 'temp1' }],
      [thermalSensor, { zone: 'thermal_zone0' }],
      [oneWireSensor, {}],
    ]
    await fc.assert(
      fc.asyncProperty(files, async ({ name, raw, scale, offset, available, type }) => {
        const folder = `${iio}/iio:device0`
        const written = {
          ...under(folder, {
            name,
            in_voltage0_raw: raw,
            in_voltage_scale: scale,
            in_voltage_offset: offset,
            in_voltage0_raw_available: available,
            in_voltage_scale_available: available,
            'scan_elements/in_voltage0_type': type,
          }),
          ...under('sys/class/hwmon/hwmon0', {
            name,
            temp1_input: raw,
            temp1_label: scale,
            temp1_fault: offset,
          }),
          ...under('sys/class/thermal/thermal_zone0', { type: name, temp: raw }),
          ...under('sys/bus/w1/devices/28-000000000001', { w1_slave: raw, resolution: scale }),
        }
        for (const [path, text] of Object.entries(written)) tree.write(path, text)
        for (const [driver, options] of devices) {
          try {
            const sensor = await openSensor(driver, options, tree)
            const { min, max } = sensor.range ?? { min: 0, max: 1 }
            expect(Number.isFinite(min) && Number.isFinite(max) && min < max).toBe(true)
            expect(Number.isFinite(sensor.resolution ?? 0)).toBe(true)
            expect(Number.isFinite((await sensor.read()).value)).toBe(true)
          } catch (error) {
            if (!isSelvedgeError(error, 'ERR_DEVICE_UNAVAILABLE')) throw error
            expect(error.message.length).toBeLessThan(600)
          }
        }
      }),
      { numRuns: 40 },
    )
  })
})
