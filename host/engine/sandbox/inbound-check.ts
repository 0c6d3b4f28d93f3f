/** Whether something that came out of another process has the form of a message to the node. Its values are looked at later. */
import type { ToHost } from '../../guest/index.ts'

type Check = (message: Readonly<Record<string, unknown>>) => boolean

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isAmount = (value: unknown): boolean =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
const isText = (value: unknown): boolean => typeof value === 'string' && value.length <= 10_000
const isFailure = (value: unknown): boolean => value === null || (isRecord(value) && isText(value['message']))
const isRequest: Check = ({ id, name, args }) => isText(id) && isText(name) && Array.isArray(args)
const isEnd: Check = ({ reason, message, exitCode }) =>
  ['trap', 'memory', 'exit', 'host-fault'].includes(String(reason)) &&
  isText(message) &&
  (exitCode === undefined || isCount(exitCode))

const checks: Readonly<Record<ToHost['t'], Check>> = {
  loaded: () => true,
  ready: ({ memoryBytes }) => isAmount(memoryBytes),
  'start-failed': isEnd,
  failed: isEnd,
  result: ({ call, outcome, activeMs, memoryBytes, bytes, dropped, channelUsed }) =>
    isCount(call) &&
    isAmount(activeMs) &&
    isAmount(memoryBytes) &&
    isCount(bytes) &&
    isCount(dropped) &&
    typeof channelUsed === 'boolean' &&
    isRecord(outcome) &&
    isOutcome(outcome),
  'host-call': (message) => isCount(message['n']) && isRequest(message),
  post: isRequest,
  open: (message) => isCount(message['channel']) && isRequest(message),
  wake: ({ afterMs }) => isAmount(afterMs),
  bytes: ({ channel, bytes }) => isCount(channel) && bytes instanceof Uint8Array,
  end: ({ channel, failure }) => isCount(channel) && isFailure(failure),
  credit: ({ channel, bytes }) => isCount(channel) && isCount(bytes),
  message: ({ channel }) => isCount(channel),
  close: ({ channel, failure }) => isCount(channel) && isFailure(failure),
}

function isOutcome(outcome: Readonly<Record<string, unknown>>): boolean {
  if (outcome['kind'] === 'end') return isEnd(outcome)
  if (outcome['kind'] === 'no-export') return isText(outcome['message'])
  return outcome['kind'] === 'ok' || outcome['kind'] === 'err'
}

export function isToHost(message: unknown): message is ToHost {
  if (!isRecord(message)) return false
  const { t } = message
  return typeof t === 'string' && Object.hasOwn(checks, t) && checks[t as ToHost['t']](message)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
