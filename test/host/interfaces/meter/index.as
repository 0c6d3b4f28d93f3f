/** The three functions of the world: the data sheet's commands, and nothing of what is around them. */
import { addresses, createDelay, open } from './bindings/selvedge-bus-i2c'
import { DigitalFlag, StatefulDigitalOutPin } from './bindings/wasi-gpio-digital'
import { ErrorCodeTag } from './bindings/wasi-i2c-i2c'
import { done, err, ok, Result, Unit } from './bindings/values'

const measureOnce: u8 = 0x23

export function lux(): Result<f64, string> {
  const bus = open('light')
  if (bus == null) return err<f64, string>('no bus is granted')
  const address = addresses('light')[0]
  const command = new Uint8Array(1)
  command[0] = measureOnce
  if (bus.write(address, command).isErr) return err<f64, string>('the chip takes no command')
  createDelay().delayNs(1_000_000)
  const read = bus.read(address, 2)
  if (read.isErr) return err<f64, string>('the chip gives no reading')
  const bytes = read.value
  return ok<f64, string>(f64((u32(bytes[0]) << 8) | u32(bytes[1])) / 1.2)
}

export function trespass(): Result<Unit, string> {
  const bus = open('light')
  if (bus == null) return err<Unit, string>('no bus is granted')
  const read = bus.read(0x50, 1)
  if (read.isOk) return done<string>()
  return err<Unit, string>(read.error.tag == ErrorCodeTag.noAcknowledge ? 'nobody answers' : 'something else')
}

export function light(on: bool): Result<bool, string> {
  const flags = new Array<DigitalFlag>()
  flags.push(DigitalFlag.activeHigh)
  const pin = StatefulDigitalOutPin.get('led', flags)
  if (pin.isErr) return err<bool, string>('no pin')
  const set = on ? pin.value.setActive() : pin.value.setInactive()
  if (set.isErr) return err<bool, string>('it cannot be set')
  const is = pin.value.isSetActive()
  return is.isOk ? ok<bool, string>(is.value) : err<bool, string>('it cannot be read')
}
