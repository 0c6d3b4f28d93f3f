/**
 * Pins through files, /sys/class/gpio: nothing to install, on kernels old and new, as long as they have it.
 *
 * Node.js cannot wait for an edge in a file without an addon, so a watched input is looked at every `poll`: a change
 * that is over sooner is not seen, and one that is seen is up to `poll` late. `gpiochip` and `onoff` are told edges.
 */
import { join } from 'node:path'
import * as v from 'valibot'
import { messageOf, type Cancel } from '../../../core/index.ts'
import { durationField } from '../../toml/index.ts'
import { readOnly } from '../advice.ts'
import { writeAttribute } from '../attribute.ts'
import type { DriverContext, Pin, PinDriver, PinEdge } from '../contract.ts'
import { EdgeLog } from './edge-log.ts'
import { initialField, lineFields } from './line-options.ts'
import { exportLine, readLevel, setUpLine, sysfsNumber, LevelFile, type SysfsLine } from './sysfs-line.ts'

/** How often a watched input is looked at. */
export const pollField = v.optional(durationField('1ms', '10s'), '10ms')

const options = v.strictObject({ ...lineFields, initial: initialField, poll: pollField })

type Options = v.InferOutput<typeof options>

export const sysfsPin: PinDriver<Options> = {
  kind: 'sysfs',
  summary: 'a line of a GPIO chip through /sys/class/gpio; inputs are polled',
  options,
  directionOf: ({ direction }) => direction,
  async open(name, table, context): Promise<Pin> {
    const number = await sysfsNumber(table, context)
    const line = await exportLine(number, context)
    await setUpLine(line.folder, table)
    return new SysfsPin(name, number, line, table, context, await readLevel(line.folder))
  },
}

class SysfsPin implements Pin {
  readonly name: string
  readonly driver = 'sysfs'
  readonly direction: Pin['direction']
  readonly #number: number
  readonly #line: SysfsLine
  readonly #levelFile: LevelFile
  readonly #pollMs: number
  readonly #context: DriverContext
  readonly #log = new EdgeLog()
  readonly #goneListeners = new Set<(why: string) => void>()
  #level: boolean
  #watchers = 0
  #stopPolling: Cancel | null = null
  #isClosed = false

  constructor(
    name: string,
    number: number,
    line: SysfsLine,
    { direction, poll }: Options,
    context: DriverContext,
    level: boolean,
  ) {
    this.name = name
    this.direction = direction
    this.#number = number
    this.#line = line
    this.#levelFile = new LevelFile(line.folder)
    this.#pollMs = poll
    this.#context = context
    this.#level = level
  }

  async read(): Promise<boolean> {
    this.#see(await readLevel(this.#line.folder))
    return this.#level
  }

  async write(level: boolean): Promise<void> {
    if (this.direction === 'in') throw readOnly(this.name)
    await this.#levelFile.write(level)
    this.#see(level)
  }

  edges(): readonly PinEdge[] {
    return this.#log.edges()
  }

  watch(listener: (edge: PinEdge) => void): Cancel {
    const cancel = this.#log.watch(listener)
    this.#watchers += 1
    // An output changes by nobody's hand but ours.
    if (this.direction === 'in') this.#poll()
    let isWatching = true
    return () => {
      if (!isWatching) return
      isWatching = false
      cancel()
      this.#watchers -= 1
      if (this.#watchers === 0) this.#rest()
    }
  }

  onGone(listener: (why: string) => void): Cancel {
    const told = (why: string): void => listener(why)
    this.#goneListeners.add(told)
    return () => void this.#goneListeners.delete(told)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#rest()
    await this.#levelFile.close()
    // An output given back may fall to any level: it stays, and is found again at the next start.
    if (this.#line.isOurs && this.direction === 'in') {
      const file = join(this.#context.root, 'sys/class/gpio/unexport')
      await writeAttribute(file, String(this.#number)).catch(() => {})
    }
  }

  #poll(): void {
    if (this.#stopPolling !== null || this.#isClosed) return
    this.#stopPolling = this.#context.clock.after(this.#pollMs, () => {
      void this.read().then(
        () => this.#pollAgain(),
        (error: unknown) => {
          this.#rest()
          for (const listener of this.#goneListeners) listener(messageOf(error))
        },
      )
    })
  }

  #pollAgain(): void {
    if (this.#stopPolling === null) return
    this.#stopPolling = null
    this.#poll()
  }

  #rest(): void {
    this.#stopPolling?.()
    this.#stopPolling = null
  }

  #see(level: boolean): void {
    if (level === this.#level) return
    this.#level = level
    this.#log.add({ level, timeMs: this.#context.clock.now() })
  }
}
