/**
 * An I²C bus as drivers and guests use it: transactions with one chip, which the bus carries out one at a time.
 * How the bus is reached is a driver's business.
 */
import type { SelvedgeError } from '../../../core/index.ts'
import { deviceProblems } from '../problems.ts'

/** Part of a transaction: between two of them the bus is kept (a repeated start). */
export type I2cStep =
  | { readonly kind: 'write'; readonly bytes: Uint8Array }
  | { readonly kind: 'read'; readonly length: number }

/** Linux takes at most 42 messages in one transaction, each of at most 8192 bytes. */
export const i2cLimits = { steps: 42, bytes: 8_192 } as const

/** Addresses of 7 bits that chips may have; the others are the protocol's own. */
export const i2cAddresses = { first: 0x08, last: 0x77 } as const

export interface I2cBus {
  /** As written in `driver = "…"`. */
  readonly driver: string
  /**
   * One transaction: start, the steps, stop.
   * @param address of 7 bits
   * @param steps within {@link i2cLimits}
   * @returns what each reading step read, in their order
   * @throws ERR_I2C_…, ERR_DEVICE_UNAVAILABLE where the bus itself is not there
   */
  transfer(address: number, steps: readonly I2cStep[], signal?: AbortSignal): Promise<readonly Uint8Array[]>
  /** May be called twice. */
  close(): Promise<void>
}

/** How a transaction fails, by what the kernel's drivers of buses return (Documentation/i2c/fault-codes). */
const faults: Readonly<
  Record<string, readonly [code: 'ERR_I2C_SILENT' | 'ERR_I2C_BUS' | 'ERR_I2C_ARBITRATION', words: string]>
> = {
  ENXIO: ['ERR_I2C_SILENT', 'no chip answers'],
  EREMOTEIO: ['ERR_I2C_SILENT', 'no chip answers'],
  EAGAIN: ['ERR_I2C_ARBITRATION', 'another master took the bus'],
  EIO: ['ERR_I2C_BUS', 'the bus failed'],
  EPROTO: ['ERR_I2C_BUS', 'the chip broke the protocol'],
  ETIMEDOUT: ['ERR_I2C_BUS', 'the bus was held too long'],
  EBADMSG: ['ERR_I2C_BUS', 'the checksum is wrong'],
}

/** @returns null for a code that is not of the transaction but of the bus as a whole */
export function i2cFault(code: string, bus: string, address: number, cause?: unknown): SelvedgeError | null {
  const known = faults[code]
  if (known === undefined) return null
  const [problem, words] = known
  return deviceProblems.error(problem, `${bus}, address ${shownAddress(address)}: ${words}`, {
    // Which of the codes it was tells a guest more than the problem does.
    cause: cause ?? { code },
  })
}

/** As `i2cdetect` shows it: `0x23`. */
export function shownAddress(address: number): string {
  return `0x${address.toString(16).padStart(2, '0')}`
}
