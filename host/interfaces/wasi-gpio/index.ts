/**
 * wasi:gpio on the node's side: the pins that the release was granted, by the names of the node's owner. Direction
 * and wiring are the owner's; a guest gets a pin as it is, or not at all.
 */
import { messageOf, type Cancel } from '../../../core/index.ts'
import type { Pin } from '../../devices/index.ts'
import { WitError, type BoundChannel, type BoundFunction, type HostChannel } from '../../engine/index.ts'
import { gpioDigitalId, gpioPartName, type GpioError } from '../../guest/index.ts'
import type { AppContext } from '../context.ts'
import type { InterfaceOffer } from '../offer.ts'

/** Characters of a driver's message that a guest gets. */
const maxMessageLength = 500

export const wasiGpio: InterfaceOffer = {
  id: gpioDigitalId,
  part: gpioPartName,
  summary: 'read, set and wait for the granted pins',
  grantKind: 'pin',
  bind: bindPins,
}

function bindPins({ pins }: AppContext): Record<string, BoundFunction | BoundChannel> {
  /** Of a pin that was not granted nobody learns whether it exists. */
  const granted = (label: unknown): Pin => {
    const pin = typeof label === 'string' ? pins.get(label) : undefined
    if (pin === undefined) throw fail({ tag: 'pin-not-allowed' })
    return pin
  }
  const use = async <Result>(label: unknown, run: (pin: Pin) => Promise<Result>): Promise<Result> => {
    const pin = granted(label)
    try {
      return await run(pin)
    } catch (error) {
      throw fail({ tag: 'other', val: messageOf(error).slice(0, maxMessageLength) })
    }
  }
  return {
    get: {
      mode: 'call',
      run([label, direction]) {
        if (granted(label).direction !== direction) throw fail({ tag: 'pin-mode-not-allowed' })
      },
    },
    'is-ready': {
      mode: 'call',
      run: ([label]) =>
        granted(label)
          .read()
          .then(
            () => true,
            () => false,
          ),
    },
    read: { mode: 'call', run: ([label]) => use(label, (pin) => pin.read()) },
    write: { mode: 'call', run: ([label, level]) => use(label, (pin) => pin.write(level === true)) },
    watch: { mode: 'channel', run: ([label, moment], channel) => waitFor(granted(label), moment, channel) },
  }
}

/** Says on the channel that the moment has come, once. What it throws closes the channel, which wakes the guest as well. */
async function waitFor(pin: Pin, moment: unknown, channel: HostChannel): Promise<void> {
  const wanted = moment === 'active' || moment === 'rising'
  const isState = moment === 'active' || moment === 'inactive'
  let stop: Cancel = notYet
  try {
    await new Promise<void>((resolve, reject) => {
      // First, so that no change between the look and the watch is missed.
      stop = pin.watch(({ level }) => {
        if (level === wanted) resolve()
      })
      if (channel.signal.aborted) resolve()
      channel.signal.addEventListener('abort', () => resolve(), { once: true })
      if (isState) {
        pin.read().then((level) => {
          if (level === wanted) resolve()
        }, reject)
      }
    })
    if (!channel.signal.aborted) channel.send(true)
  } finally {
    stop()
  }
}

const notYet: Cancel = () => {}

function fail(error: GpioError): WitError {
  return new WitError(error)
}
