/**
 * Keeps one device open: carries out what its state machine decides, and tells it what came of that.
 *
 * Nothing here is waited for without an end, and what comes too late is thrown away: a device that opens after its time is
 * closed again, and the next attempt waits until the one before has come back.
 */
import {
  isSelvedgeError,
  messageOf,
  plainText,
  within,
  type Cancel,
  type Clock,
  type Random,
} from '../../../core/index.ts'
import { deviceProblems } from '../problems.ts'
import type { DeviceCounts, DeviceHealth, Ground, HealthState } from './health.ts'
import { deviceLimits } from './limits.ts'
import { Supervision, type DeviceEvent } from './supervision.ts'

interface Keepable {
  onGone?(listener: (why: string) => void): Cancel
  close(): Promise<void>
}

export interface KeeperNeeds<Device> {
  /** As people know it: `sensor light (driver i2c)`. */
  readonly label: string
  readonly clock: Clock
  readonly random: Random
  /** null for never. */
  readonly checkMs: number | null
  /** Not to be opened anew for failures: it hears what nobody says twice. */
  readonly isKept: boolean
  open(): Promise<Device>
  /** Begins to use a device that was opened; what is returned ends that. May throw: then it is closed again. */
  adopt(device: Device): { readonly staleAfterMs: number | null; readonly release: Cancel }
  /** Asks the device something, for the sake of its health; must not throw. */
  check(): void
  /** The state of its health is another one. */
  changed(health: DeviceHealth): void
}

type Counts = { -readonly [Name in keyof DeviceCounts]: number }

export class Keeper<Device extends Keepable> {
  readonly #needs: KeeperNeeds<Device>
  readonly #machine: Supervision
  readonly #counts: Counts = { answers: 0, refused: 0, failures: 0, openings: 0 }
  readonly #closings = new Set<Promise<void>>()
  #device: Device | null = null
  #release: Cancel = () => {}
  /** The attempt that is waited for. */
  #opening: Promise<void> | null = null
  /** The driver has not come back from the last attempt, which may have been given up. */
  #isOut = false
  #told: HealthState = 'missing'
  #timer: { readonly atMs: number; readonly cancel: Cancel } | null = null
  #isEnded = false

  constructor(needs: KeeperNeeds<Device>) {
    this.#needs = needs
    this.#machine = new Supervision(needs, needs.random, needs.clock.monotonicMs())
  }

  get health(): DeviceHealth {
    return this.#machine.health
  }

  get counts(): DeviceCounts {
    return { ...this.#counts }
  }

  /** Begins. @returns settles when the first attempt to open has ended, however it did */
  async start(): Promise<void> {
    this.#tell({ kind: 'turn' })
    await this.#opening
  }

  /** The open device; waits for an attempt to open it that is under way. @throws ERR_DEVICE_UNAVAILABLE */
  async device(): Promise<Device> {
    if (this.#device === null && this.#opening !== null && !this.#isEnded) {
      const opening = this.#opening
      const late = (): Error => this.unavailable('it is still being opened')
      await within({ clock: this.#needs.clock, ms: deviceLimits.useMs, late }, () => opening)
    }
    if (this.#isEnded) throw this.unavailable('it was closed')
    if (this.#device === null) throw this.unavailable(this.health.why)
    return this.#device
  }

  /** The open device, or null; does not wait. */
  get current(): Device | null {
    return this.#device
  }

  unavailable(why: string, cause?: unknown): Error {
    const message = `${this.#needs.label} ${why === '' ? 'does not answer' : `does not answer: ${why}`}`
    const { hint } = this.health
    return deviceProblems.error('ERR_DEVICE_UNAVAILABLE', message, {
      cause,
      ...(hint !== undefined && { hint }),
    })
  }

  answered(): void {
    this.#counts.answers += 1
    this.#tell({ kind: 'answered' })
  }

  /** @param count of the readings or edges that were refused for it */
  wrong(why: string, count = 1): void {
    this.#counts.refused += count
    this.#tell({ kind: 'wrong', why: lineOf(why) })
  }

  /** @param isStuck the driver may never come back */
  silent(error: unknown, isStuck = false): void {
    this.#counts.failures += 1
    this.#tell({ kind: 'silent', ...groundOf(error), isStuck })
  }

  /** Closes for good; a second call waits for the first. */
  async close(): Promise<void> {
    this.#isEnded = true
    this.#timer?.cancel()
    this.#timer = null
    this.#closeDevice()
    const opening = this.#opening
    if (opening !== null) {
      const { clock } = this.#needs
      await within({ clock, ms: deviceLimits.closeMs }, () => opening).catch(() => {})
    }
    await Promise.all(this.#closings)
  }

  #tell(event: DeviceEvent): void {
    if (this.#isEnded) return
    for (const action of this.#machine.handle(event, this.#needs.clock.monotonicMs())) {
      if (action === 'open') this.#open()
      else if (action === 'close') this.#closeDevice()
      else this.#needs.check()
    }
    this.#arm()
    if (this.health.state === this.#told) return
    this.#told = this.health.state
    this.#needs.changed(this.health)
  }

  /** An earlier timer stands: what it was for may have moved on, and then it is only looked at once more. */
  #arm(): void {
    const { nextMs } = this.#machine
    if (this.#isEnded || nextMs === null || (this.#timer !== null && this.#timer.atMs <= nextMs)) return
    this.#timer?.cancel()
    const cancel = this.#needs.clock.after(Math.max(0, nextMs - this.#needs.clock.monotonicMs()), () => {
      this.#timer = null
      this.#tell({ kind: 'turn' })
    })
    this.#timer = { atMs: nextMs, cancel }
  }

  #open(): void {
    if (this.#isOut) {
      // Told later, as the machine is in the middle of its turn.
      queueMicrotask(() =>
        this.#tell({ kind: 'open-failed', why: 'an earlier attempt to open it has not come back' }),
      )
      return
    }
    const { clock } = this.#needs
    let isGivenUp = false
    this.#isOut = true
    // In a turn of its own, so that a driver which throws at once is as one that rejects.
    const attempt = Promise.resolve().then(() => this.#needs.open())
    attempt.then(
      (device) => {
        this.#isOut = false
        if (isGivenUp) this.#closeOf(device)
      },
      () => {
        this.#isOut = false
      },
    )
    const opening = within({ clock, ms: deviceLimits.openMs, late: notOpened }, () => attempt).then(
      (device) => {
        this.#opening = null
        this.#adopt(device)
      },
      (error: unknown) => {
        isGivenUp = true
        this.#opening = null
        this.#tell({ kind: 'open-failed', ...groundOf(error) })
      },
    )
    this.#opening = opening
  }

  #adopt(device: Device): void {
    if (this.#isEnded) return this.#closeOf(device)
    try {
      const { staleAfterMs, release } = this.#needs.adopt(device)
      const cancelGone = device.onGone?.((why) => {
        if (this.#device === device) this.#tell({ kind: 'gone', why: lineOf(why) })
      })
      this.#device = device
      this.#release = () => {
        release()
        cancelGone?.()
      }
      this.#counts.openings += 1
      this.#tell({ kind: 'opened', staleAfterMs })
    } catch (error) {
      this.#closeOf(device)
      this.#tell({ kind: 'open-failed', ...groundOf(error) })
    }
  }

  #closeDevice(): void {
    const device = this.#device
    if (device === null) return
    this.#device = null
    this.#release()
    this.#release = () => {}
    this.#closeOf(device)
  }

  /** Bounded, and whatever comes of it: what cannot be closed must not keep others from it. */
  #closeOf(device: Device): void {
    const { clock } = this.#needs
    const closing = within({ clock, ms: deviceLimits.closeMs }, async () => device.close()).catch(() => {})
    this.#closings.add(closing)
    void closing.finally(() => this.#closings.delete(closing))
  }
}

const notOpened = (): Error => new Error(`it could not be opened in ${deviceLimits.openMs / 1_000} s`)

/** What a driver's error says; its hint where it is of this case and not the one of all such problems. */
function groundOf(error: unknown): Ground {
  const why = lineOf(messageOf(error))
  if (!isSelvedgeError(error)) return { why }
  const usual = new Map(Object.entries(deviceProblems.problems)).get(error.code)?.fix
  return error.hint === usual ? { why } : { why, hint: error.hint.slice(0, deviceLimits.hintLength) }
}

/** One line of bounded length, whatever the driver wrote. */
function lineOf(why: string): string {
  const line = plainText(why).trim()
  return line.length <= deviceLimits.whyLength ? line : `${line.slice(0, deviceLimits.whyLength - 1)}…`
}
