/**
 * A pin by its logical name, whether it is there or not. Who watches it goes on watching when it was unplugged and comes
 * back; an output then gets the level that was last written to it, as if it had not been away.
 */
import { isSelvedgeError, messageOf, TokenBucket, within, type Cancel } from '../../../core/index.ts'
import type { DriverContext, Pin, PinDirection, PinDriver, PinEdge } from '../contract.ts'
import { EdgeLog } from '../pins/edge-log.ts'
import type { DeviceHealth, PinState } from './health.ts'
import { Keeper } from './keeper.ts'
import { deviceLimits } from './limits.ts'
import { NoAnswer, noAnswer } from './no-answer.ts'

export interface PinCare {
  readonly checkMs?: number | undefined
}

export class SupervisedPin implements Pin {
  readonly name: string
  readonly driver: string
  readonly direction: PinDirection
  readonly #context: DriverContext
  readonly #keeper: Keeper<Pin>
  readonly #log = new EdgeLog()
  readonly #rate = new TokenBucket(deviceLimits.perSecond, 1_000)
  /** The level that those who watch were told last; null before the first edge. */
  #toldLevel: boolean | null = null
  /** The newest edge that came too fast, until there is time for it: what is told last must be how it is. */
  #held: PinEdge | null = null
  #underWay = 0
  /** What an output was last set to; null before that. */
  #written: boolean | null = null

  /** @param changed is told of each change of its health's state */
  constructor(
    name: string,
    driver: PinDriver,
    options: unknown,
    care: PinCare,
    context: DriverContext,
    changed: (pin: SupervisedPin) => void,
  ) {
    this.name = name
    this.driver = driver.kind
    this.direction = driver.directionOf(options)
    this.#context = context
    this.#keeper = new Keeper<Pin>({
      label: `pin ${name} (driver ${driver.kind})`,
      clock: context.clock,
      random: context.random,
      checkMs: care.checkMs ?? deviceLimits.checkMs,
      isKept: driver.speaks === true,
      open: () => this.#opened(() => driver.open(name, options, context)),
      adopt: (pin) => ({ staleAfterMs: null, release: pin.watch((edge) => this.#heard(edge)) }),
      check: () => void this.#look().catch(() => {}),
      changed: () => changed(this),
    })
  }

  get health(): DeviceHealth {
    return this.#keeper.health
  }

  state(): PinState {
    const { name, driver, direction, health } = this
    return { kind: 'pin', name, driver, direction, health, counts: this.#keeper.counts }
  }

  /** Settles when the first attempt to open it has ended, however it did. */
  start(): Promise<void> {
    return this.#keeper.start()
  }

  /** @throws ERR_DEVICE_UNAVAILABLE */
  read(): Promise<boolean> {
    return this.#use((pin) => pin.read())
  }

  /** @throws ERR_DEVICE_UNAVAILABLE, ERR_DEVICE_READ_ONLY */
  async write(level: boolean): Promise<void> {
    await this.#use((pin) => pin.write(level))
    this.#written = level
  }

  edges(): readonly PinEdge[] {
    return this.#log.edges()
  }

  watch(listener: (edge: PinEdge) => void): Cancel {
    return this.#log.watch(listener)
  }

  close(): Promise<void> {
    return this.#keeper.close()
  }

  /** Nobody has it before it is as it was left; one that cannot be set is as one that cannot be opened. */
  async #opened(open: () => Promise<Pin>): Promise<Pin> {
    const pin = await open()
    if (this.direction !== 'out' || this.#written === null) return pin
    try {
      await pin.write(this.#written)
      return pin
    } catch (error) {
      await pin.close().catch(() => {})
      throw error
    }
  }

  async #use<T>(work: (pin: Pin) => Promise<T>): Promise<T> {
    const pin = this.#keeper.current ?? (await this.#keeper.device())
    // Uses that hang are counted until they come back, also across openings.
    if (this.#underWay >= deviceLimits.pinUses) {
      throw this.#keeper.unavailable(`${this.#underWay} uses of it have not come back`)
    }
    this.#underWay += 1
    const back = (): void => {
      this.#underWay -= 1
    }
    try {
      const result = await within(
        { clock: this.#context.clock, ms: deviceLimits.useMs, late: noAnswer },
        () => {
          const working = work(pin)
          working.then(back, back)
          return working
        },
      )
      if (this.#keeper.current === pin) this.#keeper.answered()
      return result
    } catch (error) {
      // A refusal is an answer.
      if (isSelvedgeError(error, 'ERR_DEVICE_READ_ONLY')) throw error
      if (this.#keeper.current === pin) this.#keeper.silent(error, error instanceof NoAnswer)
      if (isSelvedgeError(error)) throw error
      throw this.#keeper.unavailable(messageOf(error), error)
    }
  }

  /** What changed while an input was away is news when it is back. */
  async #look(): Promise<void> {
    const before = this.#toldLevel
    const level = await this.read()
    if (this.direction === 'out' || before === null || before !== this.#toldLevel || level === before) return
    this.#heard({ level, timeMs: this.#context.clock.now() })
  }

  #heard(edge: PinEdge): void {
    const { clock } = this.#context
    const nowMs = clock.monotonicMs()
    const { level, timeMs } = edge
    const checked = { level: level === true, timeMs: Number.isFinite(timeMs) ? timeMs : clock.now() }
    if (this.#held === null && this.#rate.has(nowMs)) {
      this.#rate.take(1, nowMs)
      return this.#tell(checked)
    }
    if (this.#held === null) clock.after(this.#rate.waitMs(nowMs), () => this.#tellHeld())
    this.#held = checked
    this.#keeper.wrong(`it changes more than ${deviceLimits.perSecond} times a second`)
  }

  #tellHeld(): void {
    const edge = this.#held
    this.#held = null
    // Two changes that fell together into one moment are none.
    if (edge !== null && edge.level !== this.#toldLevel) this.#heard(edge)
  }

  #tell(edge: PinEdge): void {
    this.#toldLevel = edge.level
    this.#log.add(edge)
  }
}
