/**
 * An I²C bus through the program i2ctransfer of i2c-tools: nothing to build, and real transactions, at the price of
 * a process for each (5 ms and more). For sensors that are read a few times a second.
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { constants } from 'node:fs'
import { refused, unavailable, type Advice } from '../advice.ts'
import { shown } from '../attribute.ts'
import type { DriverContext } from '../contract.ts'
import { complaint, findProgram, runProgram, type Ran } from '../program.ts'
import { i2cFault, type I2cBus, type I2cStep } from './i2c.ts'

/** The kernel gives a transaction a second by default. */
const timeoutMs = 3_000

/** What the C library makes of the codes that `i2c.ts` knows, in the plain locale. */
const codes: Readonly<Record<string, string>> = {
  'No such device or address': 'ENXIO',
  'Remote I/O error': 'EREMOTEIO',
  'Resource temporarily unavailable': 'EAGAIN',
  'Input/output error': 'EIO',
  'Protocol error': 'EPROTO',
  'Connection timed out': 'ETIMEDOUT',
  'Bad message': 'EBADMSG',
}

export const i2cAdvice: Advice = {
  group: 'i2c',
  missing:
    'load the kernel’s interface: `sudo modprobe i2c-dev`, and on a Raspberry Pi `dtparam=i2c_arm=on` in ' +
    '/boot/firmware/config.txt; `ls /dev/i2c-*` shows the buses there are',
}

/** @param bus the number in `/dev/i2c-1` @throws ERR_DEVICE_UNAVAILABLE */
export async function openTransferProgram(
  bus: number,
  { root }: Pick<DriverContext, 'root'>,
): Promise<I2cBus> {
  const device = join(root, `dev/i2c-${bus}`)
  const program = await findProgram(root, 'i2ctransfer', 'run `sudo apt install i2c-tools`')
  await access(device, constants.R_OK | constants.W_OK).catch((cause: unknown) => {
    throw unavailable(device, cause, i2cAdvice)
  })
  return {
    driver: 'i2ctransfer',
    async transfer(address, steps, signal) {
      const args = ['-y', String(bus), ...steps.flatMap((step) => wordsOf(step, address))]
      const ran = await runProgram(program, args, timeoutMs, signal)
      if (ran.code !== 0) throw failure(ran, device, address)
      return parseAnswer(ran.stdout, steps, device)
    },
    async close() {},
  }
}

function wordsOf(step: I2cStep, address: number): string[] {
  const at = `@0x${address.toString(16)}`
  if (step.kind === 'read') return [`r${step.length}${at}`]
  return [`w${step.bytes.length}${at}`, ...[...step.bytes].map((byte) => `0x${byte.toString(16)}`)]
}

function failure(ran: Ran, device: string, address: number): Error {
  const words = complaint(ran)
  const code = Object.entries(codes).find(([text]) => words.includes(text))?.[1]
  const fault = code === undefined ? null : i2cFault(code, device, address)
  if (fault !== null) return fault
  if (words.includes('Permission denied')) return unavailable(device, { code: 'EACCES' }, i2cAdvice)
  if (words.includes('No such file')) return unavailable(device, { code: 'ENOENT' }, i2cAdvice)
  return refused(`${device}: ${words}`)
}

/**
 * A line of bytes for each step that reads: `0x01 0x90`.
 * @throws ERR_DEVICE_UNAVAILABLE for any other text
 */
export function parseAnswer(text: string, steps: readonly I2cStep[], device: string): Uint8Array[] {
  const lengths = steps.flatMap((step) => (step.kind === 'read' && step.length > 0 ? step.length : []))
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const read = lines.map((line) => line.trim().split(/\s+/))
  const isSound =
    read.length === lengths.length &&
    read.every(
      (words, index) =>
        words.length === lengths[index] && words.every((word) => /^0x[0-9a-f]{2}$/.test(word)),
    )
  if (!isSound) throw refused(`${device}: i2ctransfer answered ${shown(text)}`)
  const pieces = read.map((words) => Uint8Array.from(words, Number))
  return steps.flatMap((step) => {
    if (step.kind === 'write') return []
    return step.length === 0 ? new Uint8Array() : (pieces.shift() ?? new Uint8Array())
  })
}
