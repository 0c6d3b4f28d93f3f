/**
 * wasi:i2c on the node's side: the buses that the release was granted, each with the addresses that its name stands
 * for. Every call is checked against the grants, since what the sandbox's half says is only what a guest made it say.
 */
import { isSelvedgeError, messageOf } from '../../../core/index.ts'
import type { I2cStep, NamedBus } from '../../devices/index.ts'
import { WitError, type BoundFunction } from '../../engine/index.ts'
import {
  busI2cId,
  i2cDelayId,
  i2cId,
  i2cPartName,
  wireI2cLimits,
  type I2cErrorCode,
} from '../../guest/index.ts'
import type { AppContext } from '../context.ts'
import type { InterfaceOffer } from '../offer.ts'

/** Also the list under `[grants]`. */
const grantKind = 'i2c'

function offer(id: string, summary: string, bind: InterfaceOffer['bind'] = () => ({})): InterfaceOffer {
  return { id, part: i2cPartName, summary, grantKind, grantList: grantKind, bind }
}

export const wasiI2c: readonly InterfaceOffer[] = [
  offer(busI2cId, 'get hold of the granted I²C buses', bindBuses),
  offer(i2cId, 'speak to chips on the granted buses, at the addresses that they stand for'),
  offer(i2cDelayId, 'wait for a chip'),
]

function bindBuses(context: AppContext): Record<string, BoundFunction> {
  const granted = (name: unknown): NamedBus | undefined =>
    typeof name === 'string' ? context.buses?.get(name) : undefined
  return {
    // Of a bus that was not granted nobody learns whether it exists.
    addresses: { mode: 'call', run: ([name]) => [...(granted(name)?.addresses ?? [])] },
    transfer: {
      mode: 'call',
      async run([name, address, steps], caller) {
        const bus = granted(name)
        if (bus === undefined) throw fail({ tag: 'no-acknowledge', val: 'address' })
        try {
          return await bus.transfer(Number(address), stepsOf(steps), caller?.gone)
        } catch (error) {
          const code = errorCodeOf(error)
          // The guest gets no words for these: its people find them in its log.
          if (code.tag === 'other' || isSelvedgeError(error, 'ERR_I2C_ADDRESS')) {
            context.log('warn', `i2c ${bus.name}`, messageOf(error))
          }
          throw fail(code)
        }
      },
    },
  }
}

/** @throws WitError `other` for what only a sandbox that was made to lie can send */
function stepsOf(steps: unknown): I2cStep[] {
  if (!Array.isArray(steps) || steps.length > wireI2cLimits.steps) throw fail({ tag: 'other' })
  return steps.map((step: unknown): I2cStep => {
    if (step instanceof Uint8Array) return { kind: 'write', bytes: step }
    if (typeof step !== 'number' || !Number.isInteger(step) || step < 0) throw fail({ tag: 'other' })
    return { kind: 'read', length: step }
  })
}

function errorCodeOf(error: unknown): I2cErrorCode {
  if (error instanceof WitError) return error.payload as I2cErrorCode
  if (!isSelvedgeError(error)) return { tag: 'other' }
  switch (error.code) {
    case 'ERR_I2C_ADDRESS':
      return { tag: 'no-acknowledge', val: 'address' }
    case 'ERR_I2C_SILENT': {
      const { code } = (error.cause ?? {}) as { readonly code?: unknown }
      return { tag: 'no-acknowledge', val: code === 'ENXIO' ? 'address' : 'unknown' }
    }
    case 'ERR_I2C_ARBITRATION':
      return { tag: 'arbitration-loss' }
    case 'ERR_I2C_BUS':
      return { tag: 'bus' }
    case 'ERR_I2C_TOO_LARGE':
      return { tag: 'overrun' }
    default:
      return { tag: 'other' }
  }
}

function fail(error: I2cErrorCode): WitError {
  return new WitError(error)
}
