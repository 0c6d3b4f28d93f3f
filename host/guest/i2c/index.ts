/**
 * wasi:i2c 0.2.0-draft inside a sandbox, and selvedge:bus/i2c, through which a guest gets a bus. A handle is a name;
 * the node's half holds nothing for it.
 */
import { dispose } from '../io/index.ts'
import type { PartContext, PartKind } from '../part.ts'
import { WitError } from '../wit-error.ts'
import { busI2cId, i2cPartName, wireI2cLimits, type I2cErrorCode, type WireI2cStep } from './wire.ts'

export * from './wire.ts'

export const i2cPart: PartKind = {
  name: i2cPartName,
  create(context) {
    return {
      imports: {
        'wasi:i2c/i2c': { I2c },
        'wasi:i2c/delay': { Delay },
        'selvedge:bus/i2c': {
          open: (name: string) => (addressesOf(name, context).length > 0 ? I2c.of(name, context) : undefined),
          addresses: (name: string) => Uint16Array.from(addressesOf(name, context)),
          createDelay: () => Delay.of(context),
        },
      },
    }
  },
}

/** A guest's `operation`, as jco lifts it. */
type Operation =
  | { readonly tag: 'read'; readonly val: bigint }
  | { readonly tag: 'write'; readonly val: Uint8Array }

/** Names of buses are at most 63 characters; no other need cross. */
function addressesOf(name: string, { line }: PartContext): readonly number[] {
  return name.length > 63 ? [] : (line.call(busI2cId, 'addresses', [name]) as readonly number[])
}

class I2c {
  readonly #name: string
  readonly #context: PartContext
  readonly #release: () => void

  private constructor(name: string, context: PartContext) {
    this.#release = context.hold()
    this.#name = name
    this.#context = context
  }

  static of(name: string, context: PartContext): I2c {
    return new I2c(name, context)
  }

  transaction(address: number, operations: readonly Operation[]): Uint8Array[] {
    return this.#transfer(
      address,
      operations.map(({ tag, val }) => (tag === 'read' ? lengthOf(val) : val)),
    )
  }

  read(address: number, length: bigint): Uint8Array {
    return first(this.#transfer(address, [lengthOf(length)]))
  }

  write(address: number, data: Uint8Array): void {
    this.#transfer(address, [data])
  }

  writeRead(address: number, data: Uint8Array, length: bigint): Uint8Array {
    return first(this.#transfer(address, [data, lengthOf(length)]))
  }

  [dispose](): void {
    this.#release()
  }

  #transfer(address: number, steps: readonly WireI2cStep[]): Uint8Array[] {
    const bytes = steps.reduce<number>(
      (sum, step) => sum + (typeof step === 'number' ? step : step.length),
      0,
    )
    if (steps.length > wireI2cLimits.steps || bytes > wireI2cLimits.bytes) throw fail({ tag: 'overrun' })
    return this.#context.line.call(busI2cId, 'transfer', [this.#name, address, steps]) as Uint8Array[]
  }
}

class Delay {
  readonly #context: PartContext
  readonly #release: () => void

  private constructor(context: PartContext) {
    this.#release = context.hold()
    this.#context = context
  }

  static of(context: PartContext): Delay {
    return new Delay(context)
  }

  delayNs(ns: number): void {
    const dueAtMs = performance.now() + ns / 1e6
    this.#context.line.wait([{ dueAtMs, ready: () => performance.now() >= dueAtMs }])
  }

  [dispose](): void {
    this.#release()
  }
}

/** More than any transaction takes is refused where the whole is counted. */
function lengthOf(length: bigint): number {
  return length > BigInt(wireI2cLimits.bytes) ? wireI2cLimits.bytes + 1 : Number(length)
}

function first(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces[0] ?? new Uint8Array()
}

function fail(error: I2cErrorCode): WitError {
  return new WitError(error)
}
