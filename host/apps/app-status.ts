/** What a node says about an app: the machine's two slots in the words of the control API. */
import type { AppState, AppStatus } from '../api/index.ts'
import type { AppMachine, Slot } from './app-state.ts'

/**
 * @param share 0–1 of the next release that is here, where it is being fetched
 * @returns null for a machine that has nothing to run
 */
export function statusOf(machine: AppMachine, share: number | null): AppStatus | null {
  const shown = machine.current ?? machine.next
  if (shown === null) return null
  const status: AppStatus = {
    app: shown.release.record.app,
    ...versionOf(shown),
    since: shown.since,
    failures: shown.failures,
    ...reasonOf(shown),
  }
  const next = machine.next
  if (next === null || next === shown) return status
  const moving = share === null || next.phase !== 'fetching' ? {} : { progress: share }
  return { ...status, next: { ...versionOf(next), ...moving, ...reasonOf(next) } }
}

function versionOf(slot: Slot): { version: string; seq: number; state: AppState } {
  const { version, seq } = slot.release.record
  return { version, seq, state: stateOf(slot) }
}

function reasonOf({ reason }: Slot): Pick<AppStatus, 'reason'> {
  return reason === null ? {} : { reason }
}

function stateOf({ phase, retry }: Slot): AppState {
  switch (phase) {
    case 'refused':
      return 'failed'
    case 'checking':
      return 'starting'
    case 'backoff':
      // Nothing of the app has failed: it waits for somebody who has the bytes.
      return retry?.step === 'fetch' ? 'fetching' : 'backoff'
    default:
      return phase
  }
}
