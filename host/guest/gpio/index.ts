/**
 * wasi:gpio 0.2.0 inside a sandbox: digital pins. A handle is a label; the node's half holds nothing for it but what
 * is being waited for.
 */
import { dispose } from '../io/index.ts'
import type { PartContext, PartKind } from '../part.ts'
import { WitError } from '../wit-error.ts'
import { gpioDigitalId, gpioPartName, type GpioDirection, type GpioError, type GpioMoment } from './wire.ts'

export * from './wire.ts'

export const gpioPart: PartKind = {
  name: gpioPartName,
  create(context) {
    /** The static functions of the WIT, in classes of their own: the resources themselves know no context. */
    class DigitalOutPin extends OutPin {
      static get(label: string, flags: readonly DigitalFlags[]): OutPin {
        return new DigitalOutPin(label, 'out', flags, context)
      }
    }
    class StatefulDigitalOutPin extends StatefulOutPin {
      static get(label: string, flags: readonly DigitalFlags[]): StatefulOutPin {
        return new StatefulDigitalOutPin(label, 'out', flags, context)
      }
    }
    class DigitalInPin extends InPin {
      static get(label: string, flags: readonly DigitalFlags[]): InPin {
        return new DigitalInPin(label, 'in', flags, context)
      }
    }
    class DigitalInOutPin extends InPin {
      static get(): InPin {
        throw fail({ tag: 'pin-mode-not-available' })
      }
    }
    return {
      imports: {
        'wasi:gpio/digital': { DigitalOutPin, StatefulDigitalOutPin, DigitalInPin, DigitalInOutPin },
      },
    }
  },
}

type PinState = 'active' | 'inactive'

/** `digital-flag`, as jco lifts flags. */
type DigitalFlags = Readonly<Partial<Record<FlagName, boolean>>>
type FlagName =
  | 'activeHigh'
  | 'activeLow'
  | 'pullUp'
  | 'pullDown'
  | 'active'
  | 'inactive'
  | 'input'
  | 'output'

/** Labels are at most 63 characters; no other need cross. */
const maxLabelLength = 63

abstract class DigitalPin {
  readonly #label: string
  readonly #direction: GpioDirection
  readonly #context: PartContext
  readonly #release: () => void

  /** @throws WitError */
  constructor(label: string, direction: GpioDirection, flags: readonly DigitalFlags[], context: PartContext) {
    if (label.length > maxLabelLength) throw fail({ tag: 'pin-not-allowed' })
    const level = levelIn(flags, direction)
    context.line.call(gpioDigitalId, 'get', [label, direction])
    if (level !== null) context.line.call(gpioDigitalId, 'write', [label, level])
    this.#release = context.hold()
    this.#label = label
    this.#direction = direction
    this.#context = context
  }

  getConfig(): object {
    return {
      label: this.#label,
      pinMode: this.#direction,
      activeLevel: 'active-high',
      pullResistor: undefined,
    }
  }

  isReady(): boolean {
    return this.#context.line.call(gpioDigitalId, 'is-ready', [this.#label]) as boolean
  }

  [dispose](): void {
    this.#release()
  }

  protected level(): boolean {
    return this.#context.line.call(gpioDigitalId, 'read', [this.#label]) as boolean
  }

  protected set(level: boolean): void {
    this.#context.line.call(gpioDigitalId, 'write', [this.#label, level])
  }

  protected watch(moment: GpioMoment): object {
    const channel = this.#context.line.open(gpioDigitalId, 'watch', [this.#label, moment])
    return this.#context.io.pollable({ ready: () => channel.ready(), dropped: () => channel.close() })
  }
}

class OutPin extends DigitalPin {
  setState(state: PinState): void {
    this.set(state === 'active')
  }

  setActive(): void {
    this.set(true)
  }

  setInactive(): void {
    this.set(false)
  }
}

class StatefulOutPin extends OutPin {
  toggle(): void {
    this.set(!this.level())
  }

  isSetActive(): boolean {
    return this.level()
  }

  isSetInactive(): boolean {
    return !this.level()
  }

  getState(): PinState {
    return this.level() ? 'active' : 'inactive'
  }
}

class InPin extends DigitalPin {
  read(): PinState {
    return this.level() ? 'active' : 'inactive'
  }

  isActive(): boolean {
    return this.level()
  }

  isInactive(): boolean {
    return !this.level()
  }

  watchState(state: PinState): object {
    return this.watch(state)
  }

  watchActive(): object {
    return this.watch('active')
  }

  watchInactive(): object {
    return this.watch('inactive')
  }

  watchFallingEdge(): object {
    return this.watch('falling')
  }

  watchRisingEdge(): object {
    return this.watch('rising')
  }
}

/**
 * What the flags say of the first level of an output. How a pin is wired is the node owner's to say.
 * @throws WitError
 */
function levelIn(flags: readonly DigitalFlags[], direction: GpioDirection): boolean | null {
  const has = (name: FlagName): boolean => flags.some((each) => each[name] === true)
  const isWired = has('activeLow') || has('pullUp') || has('pullDown')
  const isTurned = has(direction === 'in' ? 'output' : 'input')
  const isBoth = has('active') && has('inactive')
  const isSet = has('active') || has('inactive')
  if (isWired || isTurned || isBoth || (isSet && direction === 'in')) throw fail({ tag: 'invalid-flag' })
  return isSet ? has('active') : null
}

function fail(error: GpioError): WitError {
  return new WitError(error)
}
