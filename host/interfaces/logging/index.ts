/** wasi:logging: lines into the app's log on this node. Bounds on length and rate are the log's own. */
import type { LogLevel } from '../../../core/index.ts'
import type { InterfaceOffer } from '../offer.ts'

/** WIT has six levels, a node's log four. */
const levels: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  critical: 'error',
}

export const logging: InterfaceOffer = {
  id: 'wasi:logging/logging@0.1.0-draft',
  summary: 'write to the app’s log',
  grantKind: null,
  bind: ({ log }) => ({
    log: {
      mode: 'post',
      run: ([level, context, message]) =>
        log(levels[String(level)] ?? 'info', String(context), String(message)),
    },
  }),
}
