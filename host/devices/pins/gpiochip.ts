/**
 * Pins through the character device /dev/gpiochipN, by the programs of libgpiod (1.6 and 2): no addon, no sysfs,
 * and the kernel itself says when an input changes.
 *
 * A line is ours for as long as a program holds it: gpiomon an input, gpioset an output. Where gpioset takes no
 * orders (version 1) each write replaces it, and the line is let go of for some milliseconds.
 */
import * as v from 'valibot'
import { delay, within, type Cancel } from '../../../core/index.ts'
import { readOnly, refused } from '../advice.ts'
import type { DriverContext, Pin, PinDriver, PinEdge } from '../contract.ts'
import { KeptProgram } from '../kept-program.ts'
import { EdgeLog } from './edge-log.ts'
import {
  assignment,
  explained,
  findTools,
  getLevel,
  isUsed,
  levelOf,
  monitorArguments,
  setArguments,
  type GpiodLine,
  type GpiodTools,
} from './gpiod-tools.ts'
import { initialField, lineFields } from './line-options.ts'

/** The resistor inside the chip, for a button without one. */
export const biasField = v.optional(v.picklist(['pull-up', 'pull-down', 'disabled']))

const options = v.strictObject({ ...lineFields, initial: initialField, bias: biasField })

type Options = v.InferOutput<typeof options>

/** From the start of a program to its having the line. */
const readyMs = 3_000
/** How often version 1 is looked at meanwhile, which says nothing when it has. */
const lookMs = 10
/** What gpioset ends its answers with. */
const prompt = 'gpioset> '

export const gpiochipPin: PinDriver<Options> = {
  kind: 'gpiochip',
  summary: 'a line of /dev/gpiochipN through libgpiod’s programs, which tell edges',
  options,
  directionOf: ({ direction }) => direction,
  async open(name, table, context): Promise<Pin> {
    const tools = await findTools(table.chip, context)
    const pin = new GpiochipPin(name, table, tools, context)
    try {
      await (table.direction === 'in' ? pin.monitor() : pin.hold())
    } catch (error) {
      await pin.close()
      throw error
    }
    return pin
  },
}

class GpiochipPin implements Pin {
  readonly name: string
  readonly driver = 'gpiochip'
  readonly direction: Pin['direction']
  readonly #line: GpiodLine
  readonly #what: string
  readonly #tools: GpiodTools
  readonly #context: DriverContext
  readonly #log = new EdgeLog()
  readonly #goneListeners = new Set<(why: string) => void>()
  #level = false
  #program: KeptProgram | null = null
  #gone: Error | null = null
  /** Told what the program says, and that it has gone. */
  #heard: ((text: string) => void) | null = null
  #failed: ((error: Error) => void) | null = null
  #turn: Promise<unknown> = Promise.resolve()

  constructor(name: string, line: Options, tools: GpiodTools, context: DriverContext) {
    this.name = name
    this.direction = line.direction
    this.#line = line
    this.#what = `line ${line.line} of ${line.chip}`
    this.#tools = tools
    this.#context = context
  }

  /** Begins to follow an input. An edge between the first level and the first event would be missed for some ms. */
  async monitor(): Promise<void> {
    this.#level = await getLevel(this.#tools, this.#line)
    const { monitor, version } = this.#tools
    await this.#start(monitor, monitorArguments(this.#tools, this.#line), (text) => {
      const level = levelOf(this.#tools, text)
      if (level !== null) this.#see(level)
      // Version 2 says that it has begun.
      return version === 2
    })
  }

  /** Begins to drive an output. Version 2 can leave it as it is. */
  async hold(): Promise<void> {
    const { initial } = this.#line
    this.#level = initial ?? (this.#tools.version === 2 && (await getLevel(this.#tools, this.#line, true)))
    await this.#startSet(this.#level)
  }

  async read(): Promise<boolean> {
    if (this.#gone !== null) throw this.#gone
    return this.#level
  }

  write(level: boolean): Promise<void> {
    const mine = this.#turn.then(() => this.#write(level))
    this.#turn = mine.catch(() => {})
    return mine
  }

  edges(): readonly PinEdge[] {
    return this.#log.edges()
  }

  watch(listener: (edge: PinEdge) => void): Cancel {
    return this.#log.watch(listener)
  }

  onGone(listener: (why: string) => void): Cancel {
    const told = (why: string): void => listener(why)
    this.#goneListeners.add(told)
    return () => void this.#goneListeners.delete(told)
  }

  async close(): Promise<void> {
    this.#gone ??= refused(`the pin ${this.name} was closed`)
    this.#goneListeners.clear()
    const program = this.#program
    this.#program = null
    await program?.close()
  }

  async #write(level: boolean): Promise<void> {
    if (this.direction === 'in') throw readOnly(this.name)
    if (this.#gone !== null) throw this.#gone
    if (level === this.#level) return
    if (this.#tools.isInteractive) {
      await this.#answer(() => this.#program?.tell(`set ${assignment(this.#line, level)}\n`))
    } else {
      await this.#program?.close()
      this.#program = null
      await this.#startSet(level)
    }
    this.#see(level)
  }

  #startSet(level: boolean): Promise<void> {
    const { isInteractive, set } = this.#tools
    const args = setArguments(this.#tools, this.#line, level)
    return this.#start(set, args, (text) => !isInteractive || text.endsWith(prompt))
  }

  /** @param hear is handed what the program says; true where that means that it has the line */
  async #start(path: string, args: readonly string[], hear: (text: string) => boolean): Promise<void> {
    const { clock } = this.#context
    const isSilent = this.#tools.version === 1
    if (isSilent && (await isUsed(this.#tools, this.#line))) throw explained(this.#what, 'busy')
    const started = new Promise<void>((resolve, reject) => {
      this.#failed = reject
      const events = {
        line: (text: string): void => {
          if (hear(text) && !isSilent) resolve()
          this.#heard?.(text)
        },
        ended: (why: string) => this.#end(why),
      }
      const isTold = this.#tools.isInteractive && this.direction === 'out'
      this.#program = new KeptProgram(path, args, clock, events, isTold)
    })
    const late = (): Error => refused(`${this.#what}: ${path} did not begin`)
    await within({ clock, ms: readyMs, late }, (signal) =>
      isSilent ? Promise.race([started, this.#untilUsed(signal)]) : started,
    )
    this.#failed = null
  }

  async #untilUsed(signal: AbortSignal): Promise<void> {
    while (!(await isUsed(this.#tools, this.#line))) await delay(this.#context.clock, lookMs, signal)
  }

  /** Tells gpioset something and waits for its prompt. @throws ERR_DEVICE_UNAVAILABLE for what it says before it */
  async #answer(tell: () => void): Promise<void> {
    const { clock } = this.#context
    let said = ''
    const answered = new Promise<void>((resolve, reject) => {
      this.#failed = reject
      this.#heard = (text) => {
        said += text
        if (!said.endsWith(prompt)) return
        const words = said.slice(0, -prompt.length).trim()
        if (words === '') resolve()
        else reject(explained(this.#what, words.slice(0, 200)))
      }
    })
    try {
      await within(
        { clock, ms: readyMs, late: () => refused(`${this.#what}: gpioset does not answer`) },
        () => {
          tell()
          return answered
        },
      )
    } finally {
      this.#heard = null
      this.#failed = null
    }
  }

  #end(why: string): void {
    const error = explained(this.#what, why)
    this.#gone ??= error
    this.#failed?.(error)
    for (const listener of this.#goneListeners) listener(error.message)
  }

  #see(level: boolean): void {
    if (level === this.#level) return
    this.#level = level
    this.#log.add({ level, timeMs: this.#context.clock.now() })
  }
}
