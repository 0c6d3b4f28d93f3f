/** I²C: transactions through i2ctransfer and the optional addon, and what a name for a bus lets nobody do. */
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { isSelvedgeError } from '../../../../core/index.ts'
import { openAddonBus } from '../../../../host/devices/buses/i2c-bus.ts'
import { nameBuses, type I2cStep } from '../../../../host/devices/buses/index.ts'
import { openTransferProgram, parseAnswer } from '../../../../host/devices/buses/i2ctransfer.ts'
import { addTransferProgram } from '../bh1750-model.ts'
import { DeviceTree } from '../device-tree.ts'

const trees: DeviceTree[] = []
afterEach(() => {
  for (const tree of trees.splice(0)) tree.close()
})

function newTree(): DeviceTree {
  const tree = new DeviceTree()
  trees.push(tree)
  return tree
}

const write = (...bytes: number[]): I2cStep => ({ kind: 'write', bytes: Uint8Array.from(bytes) })
const read = (length: number): I2cStep => ({ kind: 'read', length })

describe('i2ctransfer', () => {
  it('puts the steps of a transaction on one line, and reads what the chip said', async () => {
    const tree = newTree()
    addTransferProgram(tree)
    const bus = await openTransferProgram(1, tree)
    expect(await bus.transfer(0x23, [write(0x01, 0xff), read(2), read(1)])).toEqual([
      Uint8Array.of(0x01, 0xe0),
      Uint8Array.of(0),
    ])
    expect(tree.read('i2c-log')).toBe('w2@0x23 0x1 0xff r2@0x23 r1@0x23\n')
    await bus.close()
  })

  it('tells a chip that does not answer from a bus that is not there', async () => {
    const tree = newTree()
    addTransferProgram(tree)
    const bus = await openTransferProgram(1, tree)
    await expect(bus.transfer(0x24, [read(1)])).rejects.toMatchObject({
      code: 'ERR_I2C_SILENT',
      message: expect.stringMatching(/dev\/i2c-1, address 0x24: no chip answers$/),
    })
    tree.write('silent', '')
    await expect(bus.transfer(0x23, [read(1)])).rejects.toMatchObject({ code: 'ERR_I2C_SILENT' })
    await expect(openTransferProgram(7, tree)).rejects.toMatchObject({
      code: 'ERR_DEVICE_UNAVAILABLE',
      hint: expect.stringMatching(/modprobe i2c-dev.*dtparam=i2c_arm=on/),
    })
  })

  it('names the package where the program is missing, and the group where the right is', async () => {
    const tree = newTree()
    await expect(openTransferProgram(1, tree)).rejects.toMatchObject({
      hint: 'run `sudo apt install i2c-tools`',
    })
    tree.program('i2ctransfer', `echo "Error: Could not open file: Permission denied" >&2; exit 1`)
    tree.write('dev/i2c-1', '')
    const bus = await openTransferProgram(1, tree)
    await expect(bus.transfer(0x23, [read(1)])).rejects.toMatchObject({
      hint: expect.stringContaining('usermod -aG i2c'),
    })
  })

  it('takes nothing for an answer but the bytes that were asked for', () => {
    const steps = [read(2), write(1), read(0), read(1)]
    expect(parseAnswer('0x01 0x90\n0xff\n', steps, 'bus')).toEqual([
      Uint8Array.of(1, 0x90),
      new Uint8Array(),
      Uint8Array.of(0xff),
    ])
    const parts = fc.constantFrom('0x01', ' ', '\n', '0x90', '0xfff', 'Error', '-', '0xff', '\t')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts).map((each) => each.join('')),
        ),
        (text) => {
          try {
            expect(parseAnswer(text, steps, 'bus').map(({ length }) => length)).toEqual([2, 0, 1])
          } catch (error) {
            expect(isSelvedgeError(error, 'ERR_DEVICE_UNAVAILABLE')).toBe(true)
          }
        },
      ),
    )
  })
})

describe('the addon i2c-bus', () => {
  const addon = `
    exports.calls = []
    exports.openPromisified = async (bus) => {
      if (bus !== 1) throw Object.assign(new Error('ENOENT, open'), { code: 'ENOENT' })
      const call = (...args) => { exports.calls.push(args) }
      return {
        async i2cRead(address, length, buffer) {
          call('read', address, length)
          if (address === 0x24) throw Object.assign(new Error('Remote I/O error'), { code: 'EREMOTEIO' })
          buffer.fill(7); return { bytesRead: address === 0x25 ? 0 : length }
        },
        async i2cWrite(address, length, buffer) { call('write', address, [...buffer]); return { bytesWritten: length } },
        async readI2cBlock(address, command, length, buffer) {
          call('block', address, command, length); buffer.fill(9); return { bytesRead: length }
        },
        async close() { call('close') },
      }
    }`

  const contextOf = ({ root }: DeviceTree) => ({ root, addons: [root] })

  function treeWithAddon(): DeviceTree {
    const tree = newTree()
    tree.write('node_modules/i2c-bus/package.json', '{"name":"i2c-bus","main":"i2c-bus.js"}')
    tree.write('node_modules/i2c-bus/i2c-bus.js', addon)
    tree.write('dev/i2c-1', '')
    return tree
  }

  it('reads, writes, and joins one byte and a read; nothing else is done in two halves', async () => {
    const bus = await openAddonBus(1, contextOf(treeWithAddon()))
    expect(await bus.transfer(0x23, [read(2)])).toEqual([Uint8Array.of(7, 7)])
    expect(await bus.transfer(0x23, [write(1, 2)])).toEqual([])
    expect(await bus.transfer(0x23, [write(0xd0), read(1)])).toEqual([Uint8Array.of(9)])
    await expect(bus.transfer(0x23, [write(1, 2), read(1)])).rejects.toMatchObject({
      hint: expect.stringContaining('i2ctransfer'),
    })
    await bus.close()
    await bus.close()
  })

  it('says which chip is silent, and what a short read was', async () => {
    const bus = await openAddonBus(1, contextOf(treeWithAddon()))
    await expect(bus.transfer(0x24, [read(1)])).rejects.toMatchObject({ code: 'ERR_I2C_SILENT' })
    await expect(bus.transfer(0x25, [read(2)])).rejects.toThrow('the chip gave 0 of 2 bytes')
  })

  it('says how it is installed where it is not, and what it failed with where it is broken', async () => {
    const tree = newTree()
    await expect(openAddonBus(1, contextOf(tree))).rejects.toMatchObject({
      message: 'the addon i2c-bus is not installed',
      hint: expect.stringContaining(`npm install --prefix ${tree.root} i2c-bus`),
    })
    tree.write('node_modules/i2c-bus/package.json', '{"name":"i2c-bus","main":"i2c-bus.js"}')
    tree.write('node_modules/i2c-bus/i2c-bus.js', `throw new Error('built for another Node.js')`)
    await expect(openAddonBus(1, contextOf(tree))).rejects.toThrow(
      'the addon i2c-bus cannot be loaded: built for another Node.js',
    )
    await expect(openAddonBus(2, contextOf(treeWithAddon()))).rejects.toMatchObject({
      hint: expect.stringContaining('i2c-dev'),
    })
  })
})

describe('a bus by its name', () => {
  const config = { light: { driver: 'i2ctransfer', bus: 1, addresses: [0x23] } } as const

  it('lets nobody speak to another address, nor more than Linux takes', async () => {
    const tree = newTree()
    addTransferProgram(tree)
    const bus = nameBuses(config, tree).get('light')
    expect(await bus?.transfer(0x23, [read(2)])).toEqual([Uint8Array.of(0x01, 0xe0)])
    await expect(bus?.transfer(0x24, [read(1)])).rejects.toMatchObject({ code: 'ERR_I2C_ADDRESS' })
    await expect(bus?.transfer(0x23, [read(8_193)])).rejects.toMatchObject({ code: 'ERR_I2C_TOO_LARGE' })
    await expect(
      bus?.transfer(
        0x23,
        Array.from({ length: 43 }, () => read(1)),
      ),
    ).rejects.toMatchObject({
      code: 'ERR_I2C_TOO_LARGE',
    })
    expect(tree.read('i2c-log')).toBe('r2@0x23\n')
  })

  it('is opened when it is used, and again after it was gone', async () => {
    const tree = newTree()
    const bus = nameBuses(config, tree).get('light')
    await expect(bus?.transfer(0x23, [read(2)])).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    addTransferProgram(tree)
    expect(await bus?.transfer(0x23, [read(2)])).toHaveLength(1)
    await bus?.close()
    await expect(bus?.transfer(0x23, [read(2)])).rejects.toThrow('closed')
  })
})
