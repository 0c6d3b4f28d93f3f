/**
 * An I²C bus through the optional addon `i2c-bus` (tested against 5.2), which reads and writes without a process of
 * its own for each transaction.
 *
 * It cannot join any steps it likes into one transaction: it has single ones, and SMBus' "write one byte, then
 * read", which is what most chips with registers want. Anything else is refused and not done in two halves.
 */
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { isSelvedgeError } from '../../../core/index.ts'
import { codeOf, refused, unavailable } from '../advice.ts'
import { loadAddon } from '../addon.ts'
import type { DriverContext } from '../contract.ts'
import { i2cFault, type I2cBus, type I2cStep } from './i2c.ts'
import { i2cAdvice } from './i2ctransfer.ts'

/** SMBus: bytes of one block. */
const maxBlockBytes = 32

interface Done {
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** What is used of the addon's promised API. */
interface AddonBus {
  i2cRead(address: number, length: number, buffer: Buffer): Promise<Pick<Done, 'bytesRead'>>
  i2cWrite(address: number, length: number, buffer: Buffer): Promise<Pick<Done, 'bytesWritten'>>
  readI2cBlock(
    address: number,
    command: number,
    length: number,
    buffer: Buffer,
  ): Promise<Pick<Done, 'bytesRead'>>
  close(): Promise<void>
}

interface Addon {
  openPromisified(bus: number): Promise<AddonBus>
}

/** @param bus the number in `/dev/i2c-1` @throws ERR_DEVICE_UNAVAILABLE */
export async function openAddonBus(
  bus: number,
  { addons = [], root }: Pick<DriverContext, 'addons' | 'root'>,
): Promise<I2cBus> {
  const device = join(root, `dev/i2c-${bus}`)
  const loaded = (await loadAddon('i2c-bus', addons, 'write `driver = "i2ctransfer"`')) as { default?: Addon }
  if (typeof loaded.default?.openPromisified !== 'function')
    throw refused('the addon i2c-bus has no openPromisified')
  // The addon opens the bus with the first transaction, and would say only then what is wrong with it.
  await access(device, constants.R_OK | constants.W_OK).catch((cause: unknown) => {
    throw unavailable(device, cause, i2cAdvice)
  })
  const opened = await loaded.default.openPromisified(bus).catch((cause: unknown) => {
    throw unavailable(device, cause, i2cAdvice)
  })
  let isOpen = true
  /** The addon runs on threads: two transactions at once would be two on one line of the bus's queue. */
  let turn: Promise<unknown> = Promise.resolve()
  return {
    driver: 'i2c-bus',
    transfer(address, steps, signal) {
      const mine = turn.then(async () => {
        signal?.throwIfAborted()
        try {
          return await carryOut(opened, address, steps)
        } catch (error) {
          throw failure(error, device, address)
        }
      })
      turn = mine.catch(() => {})
      return mine
    },
    async close() {
      if (!isOpen) return
      isOpen = false
      await turn
      await opened.close()
    },
  }
}

async function carryOut(bus: AddonBus, address: number, steps: readonly I2cStep[]): Promise<Uint8Array[]> {
  const [first, second, ...more] = steps
  if (first === undefined) return []
  if (second === undefined) {
    if (first.kind === 'read') {
      const buffer = Buffer.alloc(first.length)
      const { bytesRead } = await bus.i2cRead(address, first.length, buffer)
      return [exactly(buffer, bytesRead)]
    }
    await bus.i2cWrite(address, first.bytes.length, Buffer.from(first.bytes))
    return []
  }
  const command = first.kind === 'write' && first.bytes.length === 1 ? first.bytes[0] : undefined
  if (command === undefined || second.kind !== 'read' || second.length > maxBlockBytes || more.length > 0) {
    throw refused(
      'the addon i2c-bus cannot do these steps in one transaction',
      'write `driver = "i2ctransfer"` for this bus, which can',
    )
  }
  const buffer = Buffer.alloc(second.length)
  const { bytesRead } = await bus.readI2cBlock(address, command, second.length, buffer)
  return [exactly(buffer, bytesRead)]
}

function exactly(buffer: Buffer, bytesRead: number): Uint8Array {
  if (bytesRead !== buffer.length) throw refused(`the chip gave ${bytesRead} of ${buffer.length} bytes`)
  return new Uint8Array(buffer)
}

function failure(error: unknown, device: string, address: number): unknown {
  // Errors of ours say what is wrong themselves.
  if (isSelvedgeError(error)) return error
  return i2cFault(codeOf(error), device, address, error) ?? unavailable(device, error, i2cAdvice)
}
