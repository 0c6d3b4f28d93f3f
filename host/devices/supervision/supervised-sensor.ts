/**
 * A sensor by its logical name, whether it is there or not. Whoever reads at the same time shares one reading, no reading
 * passes that cannot be one, and a driver that hangs holds up nobody for longer than a bound.
 */
import { isSelvedgeError, messageOf, TokenBucket, within, type Cancel } from '../../../core/index.ts'
import type { DriverContext, Range, Reading, Sensor, SensorDriver } from '../contract.ts'
import { deviceProblems } from '../problems.ts'
import type { DeviceHealth, SensorState } from './health.ts'
import { Keeper } from './keeper.ts'
import { deviceLimits } from './limits.ts'
import { NoAnswer, noAnswer } from './no-answer.ts'
import { wrongWith } from './reading-check.ts'
import { RecentValues } from './recent-values.ts'

/** What the device's table says of its supervision. */
export interface SensorCare {
  readonly checkMs?: number | undefined
  readonly staleAfterMs?: number | undefined
  /** Over the driver's own. */
  readonly range?: Range | undefined
}

interface Facts {
  readonly unit: string
  readonly range: Range | null
  readonly resolution: number | null
}

export class SupervisedSensor implements Sensor {
  readonly name: string
  readonly driver: string
  /** Only of drivers whose sensors speak. */
  readonly watch?: (listener: (reading: Reading) => void) => Cancel
  readonly #context: DriverContext
  readonly #care: SensorCare
  readonly #keeper: Keeper<Sensor>
  readonly #speaks: boolean
  readonly #listeners = new Set<(reading: Reading) => void>()
  readonly #recent = new RecentValues()
  /** Counts readings; it is named for bytes. */
  readonly #rate = new TokenBucket(deviceLimits.perSecond, 1_000)
  /** As of the last time that it was there. */
  #facts: Facts = { unit: '', range: null, resolution: null }
  #last: SensorState['last'] = null
  #shared: Promise<Reading> | null = null
  /** Reads that were given up and have not come back. */
  #hung = 0

  /** @param changed is told of each change of its health's state */
  constructor(
    name: string,
    driver: SensorDriver,
    options: unknown,
    care: SensorCare,
    context: DriverContext,
    changed: (sensor: SupervisedSensor) => void,
  ) {
    this.name = name
    this.driver = driver.kind
    this.#context = context
    this.#care = care
    this.#speaks = driver.speaks === true
    const { clock, random } = context
    this.#keeper = new Keeper<Sensor>({
      label: `sensor ${name} (driver ${driver.kind})`,
      clock,
      random,
      // What speaks by itself is not asked: its silence is the sign.
      checkMs: this.#speaks ? null : (care.checkMs ?? deviceLimits.checkMs),
      isKept: this.#speaks,
      open: () => {
        if (this.#hung < deviceLimits.hungReads) return driver.open(name, options, context)
        throw new Error(`${this.#hung} reads have not come back`)
      },
      adopt: (sensor) => this.#adopt(sensor),
      check: () => void this.#read().catch(() => {}),
      changed: () => changed(this),
    })
    if (this.#speaks) this.watch = (listener) => this.#watch(listener)
  }

  get unit(): string {
    return this.#facts.unit
  }

  get range(): Range | null {
    return this.#facts.range
  }

  get resolution(): number | null {
    return this.#facts.resolution
  }

  get health(): DeviceHealth {
    return this.#keeper.health
  }

  state(): SensorState {
    const { name, driver, health } = this
    return {
      kind: 'sensor',
      name,
      driver,
      health,
      counts: this.#keeper.counts,
      ...this.#facts,
      last: this.#last,
      recent: this.#recent.values,
    }
  }

  /** Settles when the first attempt to open it has ended, however it did. */
  start(): Promise<void> {
    return this.#keeper.start()
  }

  /** @throws ERR_DEVICE_UNAVAILABLE, ERR_DEVICE_READING, the signal's reason */
  async read(signal?: AbortSignal): Promise<Reading> {
    signal?.throwIfAborted()
    const shared = this.#read()
    if (signal === undefined) return shared
    // Only this wait ends with the signal: others may wait for the same reading.
    return within({ clock: this.#context.clock, ms: 2 * deviceLimits.useMs, signal }, () => shared)
  }

  close(): Promise<void> {
    return this.#keeper.close()
  }

  #read(): Promise<Reading> {
    if (this.#shared === null) {
      const reading = this.#readOnce().finally(() => {
        this.#shared = null
      })
      this.#shared = reading
    }
    return this.#shared
  }

  async #readOnce(): Promise<Reading> {
    const sensor = await this.#keeper.device()
    // What a sensor that speaks gives is what it said last: too old, it must not pass for the present.
    if (this.#speaks && this.health.state === 'stale') throw this.#keeper.unavailable('it has fallen silent')
    let reading: Reading
    try {
      reading = await this.#ask(sensor)
    } catch (error) {
      if (this.#keeper.current === sensor && !this.#speaks) {
        this.#keeper.silent(error, error instanceof NoAnswer)
      }
      if (isSelvedgeError(error)) throw error
      throw this.#keeper.unavailable(messageOf(error), error)
    }
    const why = wrongWith(reading, this.#facts)
    if (why === null) return this.#speaks ? this.#timed(reading) : this.#took(reading)
    this.#keeper.wrong(why)
    throw deviceProblems.error('ERR_DEVICE_READING', `sensor ${this.name}: ${why}`)
  }

  async #ask(sensor: Sensor): Promise<Reading> {
    let isGivenUp = false
    const asked = (signal: AbortSignal): Promise<Reading> => {
      const reading = sensor.read(signal)
      const back = (): void => {
        if (isGivenUp) this.#hung -= 1
      }
      reading.then(back, back)
      return reading
    }
    try {
      return await within({ clock: this.#context.clock, ms: deviceLimits.useMs, late: noAnswer }, asked)
    } catch (error) {
      if (error instanceof NoAnswer) {
        isGivenUp = true
        this.#hung += 1
      }
      throw error
    }
  }

  #adopt(sensor: Sensor): { staleAfterMs: number | null; release: Cancel } {
    const { range, checkMs = deviceLimits.checkMs, staleAfterMs } = this.#care
    if (sensor.unit.length === 0 || sensor.unit.length > deviceLimits.unitLength) {
      throw new Error(`its unit has ${sensor.unit.length} characters`)
    }
    this.#facts = { unit: sensor.unit, range: range ?? sensor.range, resolution: sensor.resolution }
    const usual = this.#speaks
      ? deviceLimits.staleAfterMs
      : Math.max(deviceLimits.staleAfterMs, deviceLimits.failures * checkMs)
    const own = sensor.staleAfterMs === undefined ? usual : sensor.staleAfterMs
    const release = sensor.watch?.((reading) => this.#heard(reading)) ?? ((): void => {})
    return { staleAfterMs: staleAfterMs ?? own, release }
  }

  /** Of a sensor that speaks. */
  #heard(reading: Reading): void {
    const { clock } = this.#context
    const nowMs = clock.monotonicMs()
    if (!this.#rate.has(nowMs)) {
      return this.#keeper.wrong(`it speaks more than ${deviceLimits.perSecond} times a second`)
    }
    this.#rate.take(1, nowMs)
    const why = wrongWith(reading, this.#facts)
    if (why !== null) return this.#keeper.wrong(why)
    const taken = this.#took(reading)
    for (const listener of this.#listeners) listener(taken)
  }

  #took(reading: Reading): Reading {
    const nowMs = this.#context.clock.monotonicMs()
    const timed = this.#timed(reading)
    this.#last = { reading: timed, atMs: nowMs }
    this.#recent.add(timed.value, nowMs)
    this.#keeper.answered()
    return timed
  }

  /** A driver's wrong time is no reason to lose the value. */
  #timed(reading: Reading): Reading {
    const { value, unit, timeMs } = reading
    return Number.isFinite(timeMs) && timeMs >= 0
      ? reading
      : { value, unit, timeMs: this.#context.clock.now() }
  }

  #watch(listener: (reading: Reading) => void): Cancel {
    const told = (reading: Reading): void => listener(reading)
    this.#listeners.add(told)
    return () => void this.#listeners.delete(told)
  }
}
