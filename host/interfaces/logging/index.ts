/** wasi:logging: lines into the app's log on this node. Bounds on length and rate are the log's own. */
import type { LogLevel } from '../../../core/index.ts'
import type { InterfaceOffer } from '../offer.ts'

/** WIT has six levels, a node's log four. */
const levels: ReadonlyMap<unknown, LogLevel> = new Map([
  ['trace', 'debug'],
  ['debug', 'debug'],
  ['info', 'info'],
  ['warn', 'warn'],
  ['error', 'error'],
  ['critical', 'error'],
])

/** A guest may declare the function with other types than WIT's: what it passes is looked at like any input. */
function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('the log takes strings')
  return value
}

export const logging: InterfaceOffer = {
  id: 'wasi:logging/logging@0.1.0-draft',
  summary: 'write to the app’s log',
  grantKind: null,
  bind: ({ log }) => ({
    log: {
      mode: 'post',
      run: ([level, context, message]) => log(levels.get(level) ?? 'info', text(context), text(message)),
    },
  }),
}
