/** A BH1750 as its data sheet says, on a bus that is an object, or behind a program like i2ctransfer. */
import type { I2cBus, I2cStep } from '../../../host/devices/buses/index.ts'
import { deviceProblems } from '../../../host/devices/index.ts'
import type { DeviceTree } from './device-tree.ts'

export class Bh1750Model {
  lux = 400
  isPresent = true
  /** Every command byte it was told. */
  readonly commands: number[] = []
  #measurementTime = 69
  #raw = 0
  #isOn = false

  /** As after a loss of power. */
  reset(): void {
    this.#measurementTime = 69
    this.#isOn = false
  }

  take(byte: number): void {
    this.commands.push(byte)
    if (byte === 0x00) this.#isOn = false
    if (byte === 0x01) this.#isOn = true
    if (byte >> 3 === 0b01000) this.#measurementTime = (this.#measurementTime & 0x1f) | ((byte & 0x07) << 5)
    if (byte >> 5 === 0b011) this.#measurementTime = (this.#measurementTime & 0xe0) | (byte & 0x1f)
    const finer = byte === 0x11 || byte === 0x21 ? 2 : 1
    if ([0x10, 0x11, 0x13, 0x20, 0x21, 0x23].includes(byte)) {
      const raw = Math.floor(this.lux * 1.2 * (this.#measurementTime / 69) * finer)
      this.#raw = Math.min(0xffff, byte === 0x13 || byte === 0x23 ? raw & ~3 : raw)
    }
  }

  answer(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, index) => (index === 0 ? this.#raw >> 8 : this.#raw & 0xff))
  }

  get isOn(): boolean {
    return this.#isOn
  }
}

/** A bus with that chip, at 0x23. */
export function busWith(chip: Bh1750Model): I2cBus & { readonly transactions: (readonly I2cStep[])[] } {
  const transactions: (readonly I2cStep[])[] = []
  return {
    driver: 'model',
    transactions,
    async transfer(address, steps) {
      transactions.push(steps)
      if (address !== 0x23 || !chip.isPresent) throw deviceProblems.error('ERR_I2C_SILENT', 'no chip answers')
      return steps.flatMap((step) => {
        if (step.kind === 'read') return chip.answer(step.length)
        for (const byte of step.bytes) chip.take(byte)
        return []
      })
    },
    async close() {},
  }
}

/** `i2ctransfer` of i2c-tools with that chip at 0x23 of bus 1, always at 400 lx in the high mode; `silent` makes it leave. */
export function addTransferProgram(tree: DeviceTree): void {
  tree.write('dev/i2c-1', '')
  tree.program(
    'i2ctransfer',
    `[ "$1" = -y ] || { echo 'Error: no answer to a question' >&2; exit 1; }
     shift 2
     echo "$*" >> "$root/i2c-log"
     case "$1" in *@0x23) ;; *) echo 'Error: Sending messages failed: No such device or address' >&2; exit 1;; esac
     if [ -e "$root/silent" ]; then echo 'Error: Sending messages failed: Remote I/O error' >&2; exit 1; fi
     for word in "$@"; do case "$word" in r2@*) echo '0x01 0xe0';; r*) echo 0x00;; esac; done`,
  )
}
