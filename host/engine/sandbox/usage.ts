/** What a sandbox has used, from the results of its calls, and from those that ended without one. */
import type { ToHost } from '../../guest/index.ts'
import type { SandboxUsage } from '../contract.ts'
import type { PendingCall } from './pending-call.ts'

export function noUsage(): SandboxUsage {
  return { calls: 0, errors: 0, activeMs: 0, bytesIn: 0, bytesOut: 0, memoryBytes: 0, dropped: 0 }
}

/** A call was answered, or its guest said how it ended. */
export function meterResult(
  usage: SandboxUsage,
  { argsBytes }: PendingCall,
  result: Extract<ToHost, { t: 'result' }>,
): void {
  const { kind } = result.outcome
  usage.calls += 1
  usage.activeMs += result.activeMs
  usage.memoryBytes = result.memoryBytes
  usage.bytesIn += argsBytes
  usage.bytesOut += result.bytes
  usage.dropped += result.dropped
  if (kind === 'err' || kind === 'end') usage.errors += 1
}

/**
 * Calls that had begun when the instance was killed. Nobody is left to say what they took of the thread: it counts
 * as busy for all the time since the turn of the oldest came, as it is where a guest loops.
 */
export function meterLost(usage: SandboxUsage, lost: readonly PendingCall[], ms: number): void {
  if (lost.length === 0) return
  usage.activeMs += ms
  for (const { argsBytes } of lost) {
    usage.calls += 1
    usage.errors += 1
    usage.bytesIn += argsBytes
  }
}
